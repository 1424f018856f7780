//! What a shop may set about its recommendations. Every value has a default that works.

use super::rules::Rule;
use super::tiers::Tier;
use crate::domain::slate::Intent;
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The `[engine]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long all slates of one request wave may take together; past it the fallback slate is served. Default 50 ms.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// How long a storefront may keep a decision for its shopper. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Placements of the shop by name, beside the built-in ones; one of the same name replaces the built-in.
    pub placements: BTreeMap<String, PlacementConfig>,
    /// What a merchandiser has decided.
    pub rules: Vec<Rule>,
    /// Classes of customers for rules, from the lowest to the highest. Default none.
    pub tiers: Vec<Tier>,
    /// The share of decisions whose order is left to chance, 0 to 1, so that the log can tell what another order would
    /// bring: `outfitter evaluate --log`. Only decisions that may be logged. Default 0.
    pub explore: f64,
    /// How much each source counts, intent by intent.
    pub blend: Blends,
    /// How fast events are forgotten, and how much memory they may take.
    pub statistics: StatisticsConfig,
    /// What is kept between the requests of one shopper.
    pub cache: CacheConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(50),
            max_age: Duration::from_secs(30),
            placements: BTreeMap::new(),
            rules: Vec::new(),
            tiers: Vec::new(),
            explore: 0.0,
            blend: Blends::default(),
            statistics: StatisticsConfig::default(),
            cache: CacheConfig::default(),
        }
    }
}

/// What is kept between the requests of one shopper, so that not everything is decided anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// How long a decision may be served again to the same shopper, who has done nothing since; at most a minute, and 0s
    /// for not at all. Default 5 s.
    #[serde(with = "humantime_serde")]
    pub decisions: Duration,
    /// Memory for kept decisions, and as much again for what was read of shoppers; about, and as it was at the start.
    /// Default 8 MiB.
    pub memory: ByteSize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { decisions: Duration::from_secs(5), memory: ByteSize::mib(8) }
    }
}

/// One configured placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementConfig {
    /// What its slates are for.
    pub intent: Intent,
}

/// Time scales and bounds of what is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsConfig {
    /// After this long a view counts half towards popularity. Default 14 days.
    #[serde(with = "humantime_serde")]
    pub popularity: Duration,
    /// The recent rate that a trend compares with popularity. Default 2 days.
    #[serde(with = "humantime_serde")]
    pub trend: Duration,
    /// After this long a pair of products counts half. Default 30 days.
    #[serde(with = "humantime_serde")]
    pub pairs: Duration,
    /// Neighbours kept of each product and kind of pair. Default 100.
    pub neighbours: usize,
    /// Products counted at most. Default 200,000.
    pub products: usize,
    /// Shoppers whose last few products are remembered, so that the next one makes pairs. Default 100,000.
    pub trails: usize,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        let day = 24 * 60 * 60;
        Self {
            popularity: Duration::from_secs(14 * day),
            trend: Duration::from_secs(2 * day),
            pairs: Duration::from_secs(30 * day),
            neighbours: 100,
            products: 200_000,
            trails: 100_000,
        }
    }
}

/// The weights of each intent that mixes sources. `RECENTLY_VIEWED` and `BUY_AGAIN` have one source and no mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blends {
    /// More like the seed: seen in the same visits, alike in content, nearer the shopper's taste first.
    pub related: Weights,
    /// Goes with the seed: bought in the same baskets.
    pub complementary: Weights,
    /// As complementary; one per category is a matter of selection, not of weights.
    pub complete_the_look: Weights,
    /// What comes next for this shopper.
    pub for_you: Weights,
    /// Rising now, the same for everyone.
    pub trending: Weights,
    /// Most wanted, the same for everyone.
    pub popular: Weights,
}

/// What each source's best candidate is worth. Every source scores 0 to 1; a weight of 0 switches it off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Seen in the same visits as the seeds.
    pub viewed_together: f64,
    /// Bought in the same baskets as the seeds.
    pub bought_together: f64,
    /// Bought by the shopper before, and due again: where shoppers fill their shelves, not where they choose a coat.
    pub bought_before: f64,
    /// Alike in title, tags, category, vendor, price and text.
    pub similar: f64,
    /// What follows on the shopper's recent products. With seeds it re-weighs candidates and adds none.
    pub session: f64,
    /// Popular in the categories the shopper looks at, or over all.
    pub popular: f64,
    /// Rising now.
    pub trending: f64,
    /// New in the shop.
    pub new: f64,
    /// What the transformer expects next, where a model is served. With seeds it re-weighs candidates and adds none.
    pub encoder: f64,
    /// How well a candidate, wherever it came from, fits the shopper's taste.
    pub affinity: f64,
}

impl Default for Blends {
    fn default() -> Self {
        let complementary = Weights {
            bought_together: 0.7,
            viewed_together: 0.15,
            session: 0.05,
            affinity: 0.15,
            ..Weights::default()
        };
        Self {
            related: Weights {
                viewed_together: 0.45,
                similar: 0.3,
                bought_together: 0.05,
                session: 0.15,
                affinity: 0.35,
                ..Weights::default()
            },
            complementary,
            complete_the_look: complementary,
            for_you: Weights {
                encoder: 0.8,
                session: 0.5,
                similar: 0.2,
                popular: 0.1,
                trending: 0.05,
                new: 0.05,
                affinity: 0.35,
                ..Weights::default()
            },
            trending: Weights { trending: 1.0, ..Weights::default() },
            popular: Weights { popular: 1.0, ..Weights::default() },
        }
    }
}

impl Blends {
    /// The weights of an intent; all zero for the two that have one source.
    pub(super) fn of(&self, intent: Intent) -> Weights {
        match intent {
            Intent::Related => self.related,
            Intent::Complementary => self.complementary,
            Intent::CompleteTheLook => self.complete_the_look,
            Intent::ForYou => self.for_you,
            Intent::Trending => self.trending,
            Intent::Popular => self.popular,
            Intent::RecentlyViewed | Intent::BuyAgain => Weights::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_default_and_an_unknown_key_is_refused() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        let some: Config = toml::from_str(
            "deadline = '20ms'\n[placements.checkout]\nintent = 'COMPLEMENTARY'\n[blend.for_you]\nsession = 1.0",
        )
        .unwrap();
        assert_eq!(some.deadline, Duration::from_millis(20));
        assert_eq!(some.placements["checkout"].intent, Intent::Complementary);
        assert!(toml::from_str::<Config>("dedline = '20ms'").is_err());
    }
}
