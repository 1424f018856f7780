//! What the personalization schema asks of the engine.

use crate::domain::ids::ProductKey;
use crate::domain::slate::Intent;
use crate::engine::{Context, Engine, RankRequest, Ranking, SlateRequest, Slated};
use async_trait::async_trait;

/// From a product to how well it fits the shopper, 0 to 1; `None` where nothing personal may be read.
pub type Affinity = Box<dyn Fn(&ProductKey) -> Option<f64> + Send + Sync>;

/// The engine, as far as resolvers see it.
#[async_trait]
pub trait Decider: Send + Sync {
    /// What the placement of this name is for; `None` where the shop has none.
    fn placement(&self, name: &str) -> Option<Intent>;

    /// The names of the shop's placements, in the order in which a person should read them.
    fn placements(&self) -> Vec<String>;

    /// Decides, one slate a request and in their order.
    async fn slates(&self, context: &Context, requests: &[SlateRequest]) -> Vec<Slated>;

    /// The order of a window of the platform's products for this shopper.
    async fn rank(&self, context: &Context, request: &RankRequest) -> Ranking;

    /// How well products fit the shopper. Asked once an operation, then product by product.
    fn affinity(&self, context: &Context) -> Affinity;

    /// The shopper's categories and their weights, strongest first, weights summing to at most 1.
    fn interests(&self, context: &Context, first: usize) -> Vec<(String, f64)>;
}

#[async_trait]
impl Decider for Engine {
    fn placement(&self, name: &str) -> Option<Intent> {
        Engine::placement(self, name).map(|placement| placement.intent)
    }

    fn placements(&self) -> Vec<String> {
        Engine::placements(self).iter().map(|placement| placement.name.to_string()).collect()
    }

    async fn slates(&self, context: &Context, requests: &[SlateRequest]) -> Vec<Slated> {
        Engine::slates(self, context, requests).await
    }

    async fn rank(&self, context: &Context, request: &RankRequest) -> Ranking {
        Engine::rank(self, context, request).await
    }

    fn affinity(&self, context: &Context) -> Affinity {
        let affinity = Engine::affinity(self, context);
        Box::new(move |product| affinity.of(product))
    }

    fn interests(&self, context: &Context, first: usize) -> Vec<(String, f64)> {
        let interests = Engine::interests(self, context, first);
        interests.into_iter().map(|interest| (interest.label.into(), interest.weight)).collect()
    }
}
