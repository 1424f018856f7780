//! A product as ranking knows it: what the crawl keeps of the platform's catalogue.

use super::ids::{CollectionKey, ProductKey, VariantKey};
use super::money::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One product of the catalogue. Live price and stock are the platform's and are asked for when a slate is hydrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueProduct {
    /// The key of the platform's batch look-up.
    pub key: ProductKey,
    /// The URL handle, unique in the shop.
    pub handle: Box<str>,
    /// The title.
    pub title: Box<str>,
    /// The description as plain text.
    #[serde(default)]
    pub text: Box<str>,
    /// The shop's product type or main category; empty where there is none.
    #[serde(default)]
    pub category: Box<str>,
    /// The brand.
    #[serde(default)]
    pub vendor: Box<str>,
    /// Tags, sorted.
    #[serde(default)]
    pub tags: Vec<Box<str>>,
    /// The lowest variant price in the shop's own market.
    #[serde(default)]
    pub price: Option<Money>,
    /// Whether any variant could be sold when the catalogue was read.
    #[serde(default = "yes")]
    pub available: bool,
    /// The collections that it is in.
    #[serde(default)]
    pub collections: Vec<CollectionKey>,
    /// Its variants, so that a cart line leads back to its product.
    #[serde(default)]
    pub variants: Vec<VariantKey>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<Timestamp>,
}

fn yes() -> bool {
    true
}
