//! Which products may be in a slate, by the catalogue and the rules. Live stock and market are judged at hydration.

use super::request::SlateRequest;
use super::rules::Rules;
use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use ahash::AHashSet;

/// The test of one request.
#[derive(Debug)]
pub(super) struct Eligibility<'a> {
    request: &'a SlateRequest,
    index: &'a Index,
    rules: &'a Rules<'a>,
    refused: AHashSet<u32>,
}

impl<'a> Eligibility<'a> {
    /// Seeds and excluded products are refused by key.
    pub(super) fn new(request: &'a SlateRequest, index: &'a Index, rules: &'a Rules<'a>) -> Self {
        let ordinal = |key: &ProductKey| index.ordinal(key.as_str());
        let refused = request.seeds.iter().chain(&request.exclude).filter_map(ordinal).collect();
        Self { request, index, rules, refused }
    }

    /// In the catalogue, available, in the collection where there is one, not a seed, not excluded, not blocked.
    pub(super) fn allows(&self, ordinal: u32) -> bool {
        self.index.product(ordinal).is_some_and(|product| {
            product.available
                && !self.refused.contains(&ordinal)
                && self.request.collection.as_ref().is_none_or(|within| product.collections.contains(within))
                && !self.rules.block(product)
        })
    }
}
