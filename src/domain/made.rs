//! What a decision was made of: the features of its candidates, and all else that rank, rules and slate computed from, so
//! that they can be run again without catalogue, statistics, model or shopper.
//!
//! Numbers are of single precision, in which they were also computed with: written as decimals and read back they are the
//! same bits. Products are told apart by their place in one table, which is in the order of keys: ties are broken as they were.

use super::ids::ProductKey;
use super::slate::{Intent, ReasonCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What one decision was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Of what, and by what.
    pub versions: Versions,
    /// What the slate is for.
    pub intent: Intent,
    /// The most products that it holds before live stock is asked.
    pub most: usize,
    /// The sources of candidates with what each counted for; shares name them by their place here.
    pub sources: Vec<Weighed>,
    /// What fitting the shopper counted for.
    pub affinity: f32,
    /// Every product named below, in the order of keys.
    pub products: Vec<Known>,
    /// The names of categories.
    pub categories: Vec<Box<str>>,
    /// The products that the request started from, as far as the catalogue had them.
    pub seeds: Vec<u32>,
    /// The candidates that ranking looked at, best first.
    pub candidates: Vec<Candidate>,
    /// What was there to fill the slate with, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fillers: Vec<(u32, ReasonCode)>,
    /// What rules placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pinned>,
}

/// Versions of what a decision depends on. The model's stands in the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This program's.
    pub outfitter: Box<str>,
    /// A hash of the engine's settings, rules among them.
    pub settings: Arc<str>,
    /// Products in the catalogue.
    pub catalogue_products: usize,
    /// Events that the statistics had counted.
    pub statistics_events: u64,
}

/// A source of candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// Its name.
    pub source: Box<str>,
    /// What its best candidate counted for.
    pub weight: f32,
}

/// What selection asks of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its key.
    pub key: ProductKey,
    /// Its category, by place in [`Made::categories`].
    pub category: u32,
    /// Its name without its variant, as a number: two with one number are one product under two titles.
    pub name: u32,
}

/// The features of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which product.
    pub product: u32,
    /// What each source said of it: place in [`Made::sources`] and score, 0 to 1, the source's best candidate being 1.
    pub shares: Vec<(u8, f32)>,
    /// How well it fits the shopper, 0 to 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fits: f32,
    /// What rules multiply its score by.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub boost: f32,
    /// What it keeps of its score, for its category or for having just been seen.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub kept: f32,
    /// Why it is here, by the source that counts most.
    pub reason: ReasonCode,
    /// The product that speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<ProductKey>,
}

/// What one rule placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The rule's number among those of the placement, from 0.
    pub rule: usize,
    /// From which position on, from 1.
    pub position: usize,
    /// What, in order.
    pub products: Vec<u32>,
}

impl Made {
    /// About how many bytes it takes in memory.
    pub fn weight(&self) -> usize {
        let candidate = size_of::<Candidate>() + 32;
        size_of::<Self>()
            + self.candidates.len() * candidate
            + self.products.len() * size_of::<Known>()
            + self.categories.len() * 32
            + self.sources.len() * 48
            + self.fillers.len() * 8
    }

    /// The score of a candidate.
    pub fn score(&self, candidate: &Candidate) -> f64 {
        let weight = |source: u8| self.sources.get(usize::from(source)).map_or(0.0, |source| source.weight);
        let shares = candidate.shares.iter().map(|(source, share)| (weight(*source), *share));
        score(shares, (self.affinity, candidate.fits), candidate.boost, candidate.kept)
    }

    /// The key of a product of the table.
    pub fn key(&self, product: u32) -> Option<&ProductKey> {
        Some(&self.products.get(product as usize)?.key)
    }
}

/// A candidate's score: what sources say by their weights, and how it fits the shopper by its own, then multiplied. A pure
/// function of logged numbers, added up in the order of sources, so that it comes out the same when it is run again.
pub fn score(shares: impl Iterator<Item = (f32, f32)>, (affinity, fits): (f32, f32), boost: f32, kept: f32) -> f64 {
    let blended = shares.fold(0.0, |sum, (weight, share)| sum + f64::from(weight) * f64::from(share));
    (blended + f64::from(affinity) * f64::from(fits)) * f64::from(boost) * f64::from(kept)
}

fn one() -> f32 {
    1.0
}

fn is_one(value: &f32) -> bool {
    *value == 1.0
}

fn is_zero(value: &f32) -> bool {
    *value == 0.0
}
