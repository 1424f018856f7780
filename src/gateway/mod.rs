//! The gateway: from a GraphQL request to its answer.

pub mod accept;
pub mod code;
pub mod compose;
pub mod envelope;
pub mod error;
pub mod expansion;
pub mod json;
pub mod limits;
pub mod personalize;
pub mod plan;
pub mod respond;
