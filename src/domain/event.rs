//! What a shopper did, in the names of Shopify's standard events.

use super::ids::{CollectionKey, DecisionId, EventId, OrderKey, ProductKey, VariantKey};
use super::money::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most events of one call.
pub const MAX_EVENTS: usize = 100;
/// The most lines of one event.
pub const MAX_LINES: usize = 250;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The names are those of the standard events and say all there is to say.
pub enum EventType {
    PageViewed,
    ProductViewed,
    CollectionViewed,
    SearchSubmitted,
    ProductAddedToCart,
    ProductRemovedFromCart,
    CartViewed,
    CheckoutStarted,
    CheckoutCompleted,
    RecommendationViewed,
    RecommendationClicked,
    /// An order is taken back; told by the platform alone.
    OrderCancelled,
}

/// One event of one shopper. Who the shopper is stands beside it, never in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The client's id of the event; de-duplicated per shopper.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// When it happened, by its own clock; never more than five minutes ahead of ours.
    pub at: Timestamp,
    /// The product viewed, carted, recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductKey>,
    /// The variant, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantKey>,
    /// The collection viewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionKey>,
    /// What was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Box<str>>,
    /// Lines of a cart or an order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The order, for a completed check-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderKey>,
    /// What the whole order cost, as the platform told it. Never from a client: value is what the platform vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The decision that showed the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// Position within that decision's slate, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

impl Event {
    /// An event with a product and nothing else.
    pub fn of_product(id: EventId, kind: EventType, at: Timestamp, product: ProductKey) -> Self {
        Self { product: Some(product), ..Self::bare(id, kind, at) }
    }

    /// An event without any object.
    pub fn bare(id: EventId, kind: EventType, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            at,
            product: None,
            variant: None,
            collection: None,
            query: None,
            lines: Vec::new(),
            order: None,
            value: None,
            decision: None,
            position: None,
        }
    }
}

/// One line of a cart or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product.
    pub product: ProductKey,
    /// The variant, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantKey>,
    /// How many, at least 1.
    pub quantity: u32,
    /// Price of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}
