//! What ranking knows of the shop's products: crawled or imported, indexed, kept fresh.
//!
//! Readers take [`Catalogue::current`] once a request and work on that snapshot; a crawl builds a new [`Index`] beside
//! it and swaps it in.

mod changes;
mod checkpoint;
pub mod crawl;
pub mod freshness;
pub mod import;
pub mod index;
pub mod text;

pub use freshness::Catalogue;
pub use index::Index;
