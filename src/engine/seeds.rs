//! The products that a request starts from, as choosing sees them.

use super::facts::{Facts, Name};
use ahash::AHashSet;

/// Names and categories of the seeds.
pub(super) struct Seeds<'a> {
    /// Another colour of the product on the page is no recommendation.
    pub(super) names: AHashSet<Name>,
    /// Of each seed, empty where it has none.
    pub(super) categories: Vec<&'a str>,
}

impl<'a> Seeds<'a> {
    /// Of these products.
    pub(super) fn of(seeds: impl Iterator<Item = u32> + Clone, facts: &'a impl Facts) -> Self {
        Self {
            names: seeds.clone().filter_map(|seed| facts.name(seed)).collect(),
            categories: seeds.filter_map(|seed| facts.category(seed)).collect(),
        }
    }
}
