//! The server over real sockets, before a small backend: what a client may send, and what it gets back.

mod backend;
pub(crate) mod client;
mod cross_origin;
mod edges;
mod lifecycle;
mod slow;
mod tls;
