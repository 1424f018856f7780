//! Layer 0: typed telemetry. An event struct writes log line and metric together; names are kept in one place.
//!
//! Nothing personal is a field of an event or a span: no session, customer, cart, address, query text or variable. Labels
//! are taken from small fixed sets, so that a hostile client cannot make series without end.

pub mod connection;
pub mod customer_data;
pub mod events;
pub mod found;
pub mod ingest;
pub mod init;
pub mod model;
pub mod names;
pub mod otlp;
mod process;
pub mod reload;
pub mod spans;
pub mod store;
