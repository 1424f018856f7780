//! What the personalization schema asks of the engine.

use crate::domain::ids::ProductKey;
use crate::domain::slate::{Intent, Slate};
use crate::engine::context::Context;
use crate::engine::request::SlateRequest;
use async_trait::async_trait;

/// The engine, as far as resolvers see it.
#[async_trait]
pub trait Decider: Send + Sync {
    /// What the placement of this name is for; `None` where the shop has none.
    fn placement(&self, name: &str) -> Option<Intent>;

    /// The names of the shop's placements, in the order in which a person should read them.
    fn placements(&self) -> Vec<String>;

    /// Decides, one slate a request and in their order; slates of one call do not repeat a product.
    async fn slates(&self, context: &Context, requests: &[SlateRequest]) -> Vec<Slate>;

    /// The slate as served: the candidates in ranked order, without what was dropped, cut to what was wanted.
    fn settle(&self, candidates: &Slate, dropped: &[ProductKey]) -> Slate;

    /// How well the product fits the shopper, 0 to 1; `None` where nothing personal may be read.
    fn affinity(&self, context: &Context, product: &ProductKey) -> Option<f64>;

    /// The shopper's categories and their weights, strongest first, weights summing to at most 1.
    fn interests(&self, context: &Context, first: usize) -> Vec<(String, f64)>;
}
