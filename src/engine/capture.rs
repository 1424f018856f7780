//! Taking down what a decision was made of, so that it can be run again: see [`crate::domain::made`].

use super::candidates::{Ask, CandidateSource};
use super::explain::because;
use super::facts::{Facts, Name};
use super::rank::Ranking;
use super::ranked::Ranked;
use super::rules::Placed;
use crate::catalogue::Index;
use crate::domain::made::{Candidate, Known, Made, Pinned, Versions, Weighed};
use crate::domain::slate::ReasonCode;
use ahash::AHashMap;
use std::sync::Arc;

/// What choosing from the ranking came to.
pub(super) struct Course<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) sources: &'a [Box<dyn CandidateSource>],
    pub(super) ranking: &'a Ranking,
    /// What fitting the shopper counted for.
    pub(super) affinity: f32,
    /// How much of the ranking was looked at.
    pub(super) depth: usize,
    /// What the slate could be filled with.
    pub(super) fillers: Vec<(u32, ReasonCode)>,
    pub(super) pins: Vec<Placed>,
    pub(super) most: usize,
    /// The hash of the settings.
    pub(super) settings: Arc<str>,
}

impl Course<'_> {
    /// The record.
    pub(super) fn made(self) -> Made {
        let (ask, index) = (self.ask, self.ask.index);
        let seeds: Vec<u32> = seeds(ask).collect();
        let ranked = self.ranking.ranked.get(..self.depth).unwrap_or_default();
        let table = Table::of(
            ranked
                .iter()
                .map(|item| item.ordinal)
                .chain(self.fillers.iter().map(|(ordinal, _)| *ordinal))
                .chain(self.pins.iter().flat_map(|placed| placed.products.iter().copied()))
                .chain(seeds.iter().copied()),
        );
        let (products, categories) = table.known(index);
        let candidate = |item: &Ranked| {
            let features = self.ranking.features(item.ordinal)?;
            let shares = (0_u8..).zip(features.shares).filter(|(_, share)| *share != 0.0).collect();
            Some(Candidate {
                product: table.place(item.ordinal)?,
                shares,
                fits: features.fits,
                boost: features.boost,
                kept: features.kept,
                reason: item.reason,
                because: because(item, index),
            })
        };
        let placed = |placed: &Placed| Pinned {
            rule: placed.rule,
            position: placed.position,
            products: placed.products.iter().filter_map(|ordinal| table.place(*ordinal)).collect(),
        };
        Made {
            versions: Versions {
                outfitter: env!("CARGO_PKG_VERSION").into(),
                settings: self.settings.clone(),
                catalogue_products: index.len(),
                statistics_events: ask.statistics.revision(),
            },
            intent: ask.request.intent,
            most: self.most,
            sources: self
                .sources
                .iter()
                .zip(self.ranking.weights)
                .map(|(source, weight)| Weighed { source: source.source().name().into(), weight })
                .collect(),
            affinity: self.affinity,
            seeds: seeds.iter().filter_map(|seed| table.place(*seed)).collect(),
            candidates: ranked.iter().filter_map(candidate).collect(),
            fillers: self.fillers.iter().filter_map(|(at, reason)| Some((table.place(*at)?, *reason))).collect(),
            pins: self.pins.iter().map(placed).collect(),
            products,
            categories,
        }
    }
}

/// The request's seeds, as far as the catalogue has them.
pub(super) fn seeds<'a>(ask: &Ask<'a>) -> impl Iterator<Item = u32> + Clone + 'a {
    let (request, index) = (ask.request, ask.index);
    request.seeds.iter().filter_map(move |seed| index.ordinal(seed.as_str()))
}

/// Ordinals, each once, ascending.
struct Table(Vec<u32>);

impl Table {
    fn of(ordinals: impl Iterator<Item = u32>) -> Self {
        let mut all: Vec<u32> = ordinals.collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    fn place(&self, ordinal: u32) -> Option<u32> {
        u32::try_from(self.0.binary_search(&ordinal).ok()?).ok()
    }

    /// The products, and the names of their categories. Equal names of products have equal numbers.
    fn known(&self, index: &Index) -> (Vec<Known>, Vec<Box<str>>) {
        let (mut categories, mut names): (AHashMap<&str, u32>, AHashMap<Name, u32>) = Default::default();
        let mut labels: Vec<Box<str>> = Vec::new();
        let mut known = Vec::with_capacity(self.0.len());
        for ordinal in &self.0 {
            let (Some(product), Some(name)) = (index.product(*ordinal), index.name(*ordinal)) else { continue };
            let category = *categories.entry(&product.category).or_insert_with(|| {
                labels.push(product.category.clone());
                count(labels.len()) - 1
            });
            let next = count(names.len());
            let name = *names.entry(name).or_insert(next);
            known.push(Known { key: product.key.clone(), category, name });
        }
        (known, labels)
    }
}

/// There are never more than some thousand.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
