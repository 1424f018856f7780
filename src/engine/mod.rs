//! The engine: from a shopper's context to a slate. Knows nothing of HTTP, GraphQL or a platform.

pub mod context;
pub mod request;
