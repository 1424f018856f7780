//! The engine as a whole, on small worlds.

mod consent;
mod properties;
mod reordering;
mod slates;
mod sources;
mod world;
