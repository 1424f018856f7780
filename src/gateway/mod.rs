//! The gateway: from a GraphQL request to its answer.

pub mod error;
pub mod envelope;
pub mod limits;
pub mod respond;
