//! The integration tests: one binary, one module a subject. Everything runs on loopback ports that the system chooses.

mod catalogue;
mod client;
mod commands;
mod demo;
mod demo_schema;
mod http;
mod upstream;
