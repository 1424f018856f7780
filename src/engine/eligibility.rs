//! Which products may be in a slate, by the catalogue and the rules. Live stock and market are judged at hydration.

use super::candidates::Ask;
use super::rules::Rules;
use crate::domain::ids::ProductKey;
use crate::domain::slate::Intent;
use ahash::AHashSet;

/// The test of one request.
pub(super) struct Eligibility<'a> {
    ask: Ask<'a>,
    rules: &'a Rules<'a>,
    refused: AHashSet<u32>,
}

impl<'a> Eligibility<'a> {
    /// Seeds and excluded products are refused by key.
    pub(super) fn new(ask: &Ask<'a>, rules: &'a Rules<'a>) -> Self {
        let ordinal = |key: &ProductKey| ask.index.ordinal(key.as_str());
        let refused = ask.request.seeds.iter().chain(&ask.request.exclude).filter_map(ordinal).collect();
        Self { ask: *ask, rules, refused }
    }

    /// In the catalogue, available, in the collection where there is one, not a seed, not excluded, not blocked; and
    /// for a shelf of what may come next, not what the shopper has already.
    pub(super) fn allows(&self, ordinal: u32) -> bool {
        let Ask { request, taste, now, .. } = self.ask;
        let has = || request.intent == Intent::ForYou && taste.is_some_and(|taste| taste.has(ordinal, now));
        self.ask.index.product(ordinal).is_some_and(|product| {
            product.available
                && !self.refused.contains(&ordinal)
                && request.collection.as_ref().is_none_or(|within| product.collections.contains(within))
                && !self.rules.block(product)
                && !has()
        })
    }
}
