//! The gateway: from a GraphQL request to its answer.

pub mod accept;
pub mod answer;
pub mod caller;
pub mod classify;
pub mod code;
pub mod compose;
mod customer_data;
pub mod debug;
pub mod defer;
pub mod documents;
pub mod envelope;
pub mod error;
pub mod execute;
pub mod expansion;
mod failure;
mod federated;
pub mod forward;
pub mod introspect;
pub mod json;
pub mod limits;
mod modules;
mod outdated;
pub mod overhear;
pub mod persisted;
pub mod personalize;
pub mod plan;
pub mod rerank;
pub mod respond;
pub mod run;
pub mod splice;
pub mod touches;
pub mod variables;
pub mod who;

pub use execute::Gateway;
pub use modules::Modules;
