//! The shop platforms. One folder each, with the same files in each, and one arm in the `match` of [`open`].

pub mod shopify;

use crate::domain::consent::Consent;
use crate::domain::ids::SessionId;
use http::{HeaderMap, HeaderName};

/// What the gateway must know of a platform. Implementations hold no state of a request.
pub trait Platform: Send + Sync {
    /// `shopify`, …
    fn name(&self) -> &'static str;

    /// How canonical types stand in this platform's schema.
    fn entities(&self) -> &'static [Entity];

    /// The batch look-up of products.
    fn lookup(&self) -> Lookup;

    /// Paths at which the platform serves GraphQL, as axum routes (`/api/{version}/graphql.json`).
    fn paths(&self) -> &'static [&'static str];

    /// Request headers that are forwarded. Everything else stays here: unknown headers can draw a 403.
    fn forwards(&self, name: &HeaderName) -> bool;

    /// Response headers that are passed back to the storefront.
    fn returns(&self, name: &HeaderName) -> bool;

    /// The platform's own session id in these request headers or cookies, where the client sent no `Outfitter-Session`.
    fn session(&self, headers: &HeaderMap) -> Option<SessionId>;

    /// The platform's consent in these request headers or cookies.
    fn consent(&self, headers: &HeaderMap) -> Option<Consent>;
}

/// One canonical type of the personalization schema on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The name in the personalization schema: `Product`, `Cart`, `Collection`, `ProductConnection`.
    pub canonical: &'static str,
    /// The platform's types that stand for it.
    pub types: &'static [&'static str],
    /// The field of those types that holds the key: `id`, `sku`, `entityId`. `__typename` where there is none.
    pub key: &'static str,
    /// What the engine needs of the entity beside its key, as the inside of a selection set in the platform's own
    /// terms, every response name beginning with `_gw_`; empty where the key is enough.
    pub needs: &'static str,
    /// For products: the field, as `_gw_live: …`, that is true where the product can be sold in the request's market.
    pub live: &'static str,
}

/// How products are looked up in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// `nodes(ids:)`: ordered, null for unknown.
    Nodes {
        /// The most ids of one request.
        max: usize,
    },
}
