//! What traffic shows: product and collection pages, searches and carts, read off the requests that pass, beside the
//! stream and never in its way.
//!
//! [`roots`] finds the fields in a parsed operation; [`claims`] reads the root fields at once, which is cheap and bounded; [`proof`] looks into the answer later, off the
//! request's way, and drops what the platform refused. What a field means is the platform's table.

pub mod claims;
pub mod proof;
pub mod roots;

use super::deduplicate::hash;
use crate::catalogue::Index;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CollectionKey, EventId, ProductKey, ShopperKey, VariantKey};
use claims::{Claim, What};
use jiff::Timestamp;
use moka::sync::Cache;
use proof::Proof;
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// The same sight within this time is a reload.
const RELOAD: Duration = Duration::from_secs(2);
/// Sights remembered at once.
const REMEMBERED: u64 = 100_000;

/// A root field of an operation, with its arguments after variables were put in.
#[derive(Clone, Debug, PartialEq)]
pub struct RootField {
    /// The field's name in the schema.
    pub name: Box<str>,
    /// The name under which it stands in the answer: the alias, or the name.
    pub response: Box<str>,
    /// The arguments, defaults left out.
    pub args: Map<String, Value>,
}

/// Sights of the last moments, so that a reload counts once.
pub(super) struct Sights {
    recent: Cache<u128, ()>,
}

impl Sights {
    pub(super) fn new() -> Self {
        Self { recent: Cache::builder().max_capacity(REMEMBERED).time_to_live(RELOAD).build() }
    }

    /// The events of what was claimed and not disproved. Their ids follow from shopper, kind, object and time, so that
    /// two gateways before one store count a reload once, too.
    pub(super) fn events(
        &self,
        who: &ShopperKey,
        claims: Vec<Claim>,
        answer: Option<&[u8]>,
        index: &Index,
        now: Timestamp,
    ) -> Vec<Event> {
        let Some(proof) = Proof::read(answer) else { return Vec::new() };
        let mut events = Vec::new();
        for claim in claims.into_iter().filter(|claim| proof.stands(&claim.response)) {
            seen(claim, &proof, index, now, &mut events);
        }
        events.retain_mut(|event| self.first(who, event, now));
        events
    }

    fn first(&self, who: &ShopperKey, event: &mut Event, now: Timestamp) -> bool {
        let kind = format!("{:?}", event.kind);
        let object = [
            event.product.as_ref().map(ProductKey::as_str),
            event.variant.as_ref().map(VariantKey::as_str),
            event.collection.as_ref().map(CollectionKey::as_str),
            event.query.as_deref(),
        ];
        let [product, variant, collection, query] = object.map(Option::unwrap_or_default);
        let sight = hash(&[who.as_str(), &kind, product, variant, collection, query]);
        let bucket = now.as_second().div_euclid(RELOAD.as_secs().try_into().unwrap_or(1));
        event.id = EventId::new(format!("seen-{:032x}", hash(&[&format!("{sight:x}"), &bucket.to_string()])));
        self.recent.entry(sight).or_insert(()).is_fresh()
    }
}

impl fmt::Debug for Sights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sights")
    }
}

/// The events of one claim, still without ids of their own.
fn seen(claim: Claim, proof: &Proof, index: &Index, now: Timestamp, events: &mut Vec<Event>) {
    let bare = |kind| Event::bare(EventId::new(""), kind, now);
    match claim.what {
        What::Product { key, handle } => {
            let of_handle = || handle.and_then(|handle| index.by_handle(&handle)).map(|product| product.key.clone());
            let key = key.or_else(|| proof.id(&claim.response)).map(ProductKey::new).or_else(of_handle);
            events.extend(key.map(|key| Event { product: Some(key), ..bare(EventType::ProductViewed) }));
        }
        What::Collection { key } => {
            let key = key.or_else(|| proof.id(&claim.response)).map(CollectionKey::new);
            events.extend(key.map(|key| Event { collection: Some(key), ..bare(EventType::CollectionViewed) }));
        }
        What::Search { words } => {
            events.push(Event { query: Some(words.into()), ..bare(EventType::SearchSubmitted) });
        }
        What::Cart { added, variants } => {
            let kind = if added { EventType::ProductAddedToCart } else { EventType::ProductRemovedFromCart };
            for variant in variants {
                let product = index.by_variant(&variant).map(|product| product.key.clone());
                events.extend(product.map(|product| Event {
                    product: Some(product),
                    variant: Some(VariantKey::new(variant)),
                    ..bare(kind)
                }));
            }
        }
    }
}
