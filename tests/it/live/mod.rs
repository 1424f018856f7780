//! A running gateway changes: real `outfitter serve` processes, real signals, requests all the while.

mod model;
mod process;
mod reload;
mod schema;
mod spool;
