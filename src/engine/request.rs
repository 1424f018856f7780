//! What is asked of the engine.

use crate::domain::ids::{CollectionKey, ProductKey};
use crate::domain::slate::Intent;
use std::sync::Arc;

/// The most products of one slate.
pub const MAX_FIRST: usize = 50;

/// One slate wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlateRequest {
    /// The placement's name as the shop configured it, or the entity and intent (`product:RELATED`).
    pub placement: Arc<str>,
    /// What the slate is for.
    pub intent: Intent,
    /// The products it starts from: the product of the page, the lines of the cart. Never recommended themselves.
    pub seeds: Vec<ProductKey>,
    /// The collection that it stays within.
    pub collection: Option<CollectionKey>,
    /// Products not wanted.
    pub exclude: Vec<ProductKey>,
    /// How many, 1 to [`MAX_FIRST`].
    pub first: usize,
}

/// A window of products to put in order for the shopper. The set stays: only the order is decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RankRequest {
    /// The placement's name, or the root field of the connection (`products`, `search`).
    pub placement: Arc<str>,
    /// The window in the platform's order.
    pub keys: Vec<ProductKey>,
    /// The search behind the window: its relevance then counts for more than taste.
    pub query: Option<Box<str>>,
    /// The collection behind the window.
    pub collection: Option<CollectionKey>,
}
