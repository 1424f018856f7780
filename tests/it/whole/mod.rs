//! The assembled demo over HTTP: what a storefront sees of the whole, history by history and failure by failure.

mod broken;
mod budget;
mod carts;
mod counted;
mod damaged;
mod decisions;
mod federated;
mod full;
mod logged;
mod metrics;
mod modelled;
mod news;
mod ranked;
mod redacted;
pub(crate) mod replicas;
mod reproduced;
mod sessions;
mod shelves;
mod standing;
mod through;
mod traces;
pub(crate) mod world;
