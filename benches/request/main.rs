//! What the stages of a request cost by themselves: `cargo bench --bench request`. The figures to hold are in
//! `docs/performance.md`.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros document nothing; a world that fails to build is a bug here.

mod classify;
mod plan;
mod shop;
mod splice;
mod start;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, classify::hit, plan::cold, splice::collection, start::up);
criterion_main!(benches);
