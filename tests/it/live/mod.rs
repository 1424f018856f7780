//! A running gateway changes: real `outfitter serve` processes, real signals, requests all the while.

mod process;
mod reload;
mod schema;
