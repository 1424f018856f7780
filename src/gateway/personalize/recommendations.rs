//! A slate, as the client reads it.

use super::book::Settled;
use super::decision::PersonalizedDecision;
use super::entities::Product;
use super::reason::PersonalizedReason;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Intent, SlateItem};
use async_graphql::{Enum, Object};
use std::sync::Arc;

/// What a slate is for.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Intent")]
pub(super) enum PersonalizedIntent {
    /// More like this one.
    Related,
    /// Goes with this one: bought in the same baskets.
    Complementary,
    /// Parts of one outfit or room: complementary, one per category.
    CompleteTheLook,
    /// What this shopper is likely to want next.
    ForYou,
    /// What this shopper looked at, newest first.
    RecentlyViewed,
    /// What this shopper bought and may need again.
    BuyAgain,
    /// Rising now.
    Trending,
    /// Most wanted over all.
    Popular,
}

/// A slate: products chosen and ordered for one place.
pub(super) struct PersonalizedRecommendations(pub(super) Arc<Settled>);

/// A slate: products chosen and ordered for one place, and the decision behind it.
#[Object]
impl PersonalizedRecommendations {
    /// The products in order: at most 50; fewer where fewer are eligible.
    async fn items(&self) -> Vec<PersonalizedItem> {
        items(&self.0.items)
    }

    /// How this slate came about.
    async fn decision(&self) -> PersonalizedDecision {
        PersonalizedDecision(self.0.decision.clone())
    }
}

/// Items with their positions.
pub(super) fn items(items: &[SlateItem]) -> Vec<PersonalizedItem> {
    (1..).zip(items).map(|(position, item)| PersonalizedItem { position, item: item.clone() }).collect()
}

/// One product of a slate.
pub(super) struct PersonalizedItem {
    position: u32,
    item: SlateItem,
}

impl PersonalizedItem {
    pub(super) fn key(&self) -> &ProductKey {
        &self.item.product
    }
}

/// One product of a slate, with why it is there.
#[Object]
impl PersonalizedItem {
    /// The platform's own product, with its live price and stock in the request's market.
    async fn product(&self) -> Product {
        Product(self.item.product.clone())
    }

    /// The place in the slate, from 1.
    async fn position(&self) -> u32 {
        self.position
    }

    /// The ranker's score, comparable within one slate.
    async fn score(&self) -> f64 {
        self.item.score
    }

    /// Why the product is here.
    async fn reason(&self) -> PersonalizedReason {
        PersonalizedReason::of(&self.item)
    }
}
