//! The engine as a whole, on small worlds.

mod again;
mod consent;
mod kept;
mod model;
mod properties;
mod reordering;
mod slates;
mod sources;
mod tiers;
pub(super) mod world;
