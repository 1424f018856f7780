//! Outfitter: a GraphQL personalization gateway for headless storefronts.
//!
//! The layers, from the top: `server`, `cli` and `settings`; then `gateway`, `ingest`, `train` and `demo`; then `engine`
//! and `catalogue`; then `platform`, `store`, `text`, `model` and `features`; at the bottom `domain` and `telemetry`. Imports
//! point down only, which `tests/architecture.rs` checks. How a request walks through them is told in `ARCHITECTURE.md`.

pub mod catalogue;
pub mod cli;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod features;
pub mod gateway;
pub mod ingest;
pub mod model;
pub mod platform;
pub mod server;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod train;
