//! The integration tests: one binary, one module a subject. Everything runs on loopback ports that the system chooses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A helper that fails, fails its test.

mod backfill;
mod catalogue;
mod client;
mod commands;
mod defer;
mod demo;
mod demo_fields;
mod demo_schema;
mod doctor;
mod faults;
mod http;
mod incoming;
mod kept;
mod live;
mod observed;
mod oracle;
mod persisted;
#[path = "../../src/store/log/tests/postgres.rs"]
mod postgres;
#[path = "../../src/store/redis/proxy.rs"]
mod proxy;
mod scale;
mod security;
mod senders;
#[path = "../../src/store/redis/servers.rs"]
mod servers;
mod shared;
mod slow;
mod told;
mod upstream;
mod whole;
