//! The world that shoppers meet: what is known, in season, in fashion and affordable, at a moment.

use super::config::Config;
use super::market::Market;
use super::product::{Catalogue, Product};
use super::words::Season;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a shopper likes.
pub(super) struct Taste {
    /// The market they shop in.
    pub market: Market,
    /// Positions in `CATEGORIES`, the dearest first.
    pub categories: Vec<usize>,
    /// The price band they keep to.
    pub band: u8,
}

/// What all shoppers have in common: the catalogue, its fashions, and how well known each product is.
pub(super) struct Era<'s> {
    pub config: &'s Config,
    pub catalogue: &'s Catalogue,
    /// For each product the middle of the fortnight in which it is in fashion.
    fashions: Vec<Option<Timestamp>>,
    /// For each product the popularity of it and of all before it.
    known: Vec<f64>,
    /// What a distance of so many price bands leaves of the wish.
    affordable: [f64; 3],
}

impl<'s> Era<'s> {
    pub(super) fn new(config: &'s Config, catalogue: &'s Catalogue) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed ^ 0xfa51_0000);
        let weeks = i64::from(config.days / 7).max(2);
        let mut fashion = |_: &Product| {
            let week = random.random_range(0..weeks);
            let chosen = random.random_bool(config.behaviour.trends.clamp(0.0, 1.0));
            chosen.then(|| config.now - SignedDuration::from_hours(24 * 7 * week))
        };
        let fashions = catalogue.products.iter().map(&mut fashion).collect();
        let add = |sum: &mut f64, product: &Product| {
            *sum += product.popularity;
            Some(*sum)
        };
        let known = catalogue.products.iter().scan(0.0, add).collect();
        let loose = (1.0 - config.behaviour.price_band.clamp(0.0, 1.0)).max(1e-3);
        Self { config, catalogue, fashions, known, affordable: [1.0, loose, loose * loose] }
    }
}

/// The world as one shopper meets it.
pub(super) struct World<'s> {
    pub era: &'s Era<'s>,
    pub taste: Taste,
}

impl World<'_> {
    /// Whether this shopper can meet the product at this moment.
    fn exists(&self, product: &Product, at: Timestamp) -> bool {
        product.created <= at && product.sold_in(self.taste.market)
    }

    /// How likely a product is to be looked at, among others of its kind: known, in fashion, affordable.
    pub(super) fn pull(&self, position: usize, at: Timestamp) -> f64 {
        let product = &self.era.catalogue.products[position];
        if !self.exists(product, at) {
            return 0.0;
        }
        let apart = usize::from(product.band.abs_diff(self.taste.band)).min(2);
        let fortnight = |peak: Timestamp| at.duration_since(peak).as_hours().abs() <= 24 * 7;
        let fashion = if self.era.fashions[position].is_some_and(fortnight) { 6.0 } else { 1.0 };
        product.popularity * self.era.affordable[apart] * fashion
    }

    /// Any product at all, the better known the likelier.
    pub(super) fn anything(&self, random: &mut ChaCha8Rng, at: Timestamp) -> Option<usize> {
        let total = self.era.known.last().copied().filter(|total| *total > 0.0)?;
        // A draw that hits what does not exist yet, or not here, is drawn again.
        (0..20).find_map(|_| {
            let point = random.random_range(0.0..total);
            let position = self.era.known.partition_point(|sum| *sum <= point);
            let product = self.era.catalogue.products.get(position)?;
            self.exists(product, at).then_some(position)
        })
    }

    /// How much a kind of product is wanted in a month of the year.
    pub(super) fn season(&self, kind: usize, month: i8) -> f64 {
        let now = match self.era.catalogue.kinds[kind].1.season {
            Season::Any => return 1.0,
            Season::Summer => matches!(month, 5..=8),
            Season::Winter => matches!(month, 10..=12 | 1 | 2),
        };
        let strength = self.era.config.behaviour.seasons.max(0.0);
        if now { 1.0 + 2.0 * strength } else { 1.0 / (1.0 + 2.0 * strength) }
    }
}
