//! The nouns of the shop and of personalization. No I/O, no GraphQL, no platform: every other module may use these.

pub mod audit;
pub mod chance;
pub mod consent;
pub mod event;
pub mod granted;
pub mod ids;
pub mod made;
pub mod market;
pub mod money;
pub mod product;
pub mod profile;
pub mod session;
pub mod slate;
pub mod standing;
