//! What the demo world is made from. The same configuration gives the same world, on every machine.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Parameters of the demo store and of its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seed of everything random. Default 1.
    pub seed: u64,
    /// Products in the catalogue, between 400 and 20,000; values outside are brought inside. Default 480.
    pub products: usize,
    /// Events in the history, about: sessions are not cut short. Default 100,000.
    pub events: usize,
    /// Shoppers in the history: some come once, some every week. Default 4,000.
    pub shoppers: usize,
    /// The world's present: the history ends here, and products were created before it. Default 2026-09-01T00:00:00Z.
    pub now: Timestamp,
    /// Days of history before `now`. Default 180.
    pub days: u32,
    /// How shoppers behave.
    pub behaviour: Behaviour,
}

/// How the seeded shoppers behave: the structure that a recommender can find. Each share is between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How many categories a shopper likes. Default 3.
    pub liked_categories: usize,
    /// Share of sessions that start in a liked category. Default 0.75.
    pub loyalty: f64,
    /// Chance that the intent moves to another kind of product after a view. Default 0.12.
    pub drift: f64,
    /// Chance that something put into the cart is followed by a look at what goes with it. Default 0.55.
    pub complements: f64,
    /// Strength of the seasons: 0 none; 1 makes a kind three times as likely in its season. Default 0.8.
    pub seasons: f64,
    /// How strictly shoppers keep to their price band: 0 not at all, 1 always. Default 0.7.
    pub price_band: f64,
    /// Chance that a view has nothing to do with the intent. Default 0.10.
    pub noise: f64,
    /// Exponent of popularity: 0 makes all products alike, 1 is Zipf's law. Default 0.8.
    pub popularity: f64,
    /// Chance that a view ends in the cart. Default 0.14.
    pub add_to_cart: f64,
    /// Chance that a session with a cart ends in an order. Default 0.45.
    pub purchase: f64,
    /// Chance that a session starts with buying again what was used up. Default 0.25.
    pub restock: f64,
    /// Share of products that are the fashion of one fortnight, and then six times as wanted. Default 0.05.
    pub trends: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            products: 480,
            events: 100_000,
            shoppers: 4_000,
            // 2026-09-01T00:00:00Z, a constant so that the default world never changes.
            now: Timestamp::constant(1_788_220_800, 0),
            days: 180,
            behaviour: Behaviour::default(),
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            liked_categories: 3,
            loyalty: 0.75,
            drift: 0.12,
            complements: 0.55,
            seasons: 0.8,
            price_band: 0.7,
            noise: 0.10,
            popularity: 0.8,
            add_to_cart: 0.14,
            purchase: 0.45,
            restock: 0.25,
            trends: 0.05,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_world_ends_on_a_constant_day() {
        assert_eq!(Config::default().now.to_string(), "2026-09-01T00:00:00Z");
    }
}
