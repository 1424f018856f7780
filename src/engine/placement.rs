//! The named places of a storefront, and what each is for.

use super::config::Config;
use crate::domain::slate::Intent;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One place for a slate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its name in queries, rules and the decision log.
    pub name: Arc<str>,
    /// What its slates are for.
    pub intent: Intent,
}

/// Those every shop has.
const BUILT_IN: [(&str, Intent); 8] = [
    ("home", Intent::ForYou),
    ("product", Intent::Related),
    ("cart", Intent::Complementary),
    ("search-empty", Intent::ForYou),
    ("recently-viewed", Intent::RecentlyViewed),
    ("buy-again", Intent::BuyAgain),
    ("trending", Intent::Trending),
    ("post-purchase", Intent::Complementary),
];

/// The built-in placements with the shop's own over them, by name.
pub(super) fn table(config: &Config) -> BTreeMap<Arc<str>, Placement> {
    let built_in = BUILT_IN.iter().map(|(name, intent)| (Arc::from(*name), *intent));
    let own = config.placements.iter().map(|(name, placement)| (Arc::from(name.as_str()), placement.intent));
    built_in.chain(own).map(|(name, intent): (Arc<str>, _)| (name.clone(), Placement { name, intent })).collect()
}
