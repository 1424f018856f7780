//! From the proposals of all sources to one ranking: blend, boost, demote.

use super::candidates::{Ask, Candidate, CandidateSource, Source};
use super::deadline::{Deadline, Late};
use super::eligibility::Eligibility;
use super::proportions::Proportions;
use super::ranked::{Ranked, by_score};
use super::rules::Rules;
use crate::domain::ids::ProductKey;
use crate::domain::made::score;
use crate::domain::slate::{Intent, ReasonCode};
use ahash::AHashMap;

/// What a candidate keeps of its score in the category of a seed that it should complement, not replace.
const SAME_CATEGORY: f64 = 0.3;
/// What a product keeps that the shopper has just looked at: there is a placement for those.
const JUST_SEEN: f64 = 0.35;

/// The most sources that can be told apart.
pub(super) const SOURCES: usize = 12;

/// A product while sources speak for it.
struct Pooled {
    features: Features,
    loudest: f64,
    reason: ReasonCode,
    because: Option<ProductKey>,
}

/// All that a candidate's score is computed from, as precise as it is logged: what is run again starts from the same numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Features {
    /// What each source said, in the order of sources, its own best candidate being 1.
    pub(super) shares: [f32; SOURCES],
    /// How well it fits the shopper.
    pub(super) fits: f32,
    /// What rules multiply the score by.
    pub(super) boost: f32,
    /// What it keeps of it.
    pub(super) kept: f32,
}

/// All candidates in order, with what their scores are computed from.
pub(super) struct Ranking {
    /// Best first, ties by product key.
    pub(super) ranked: Vec<Ranked>,
    /// What each source counted for.
    pub(super) weights: [f32; SOURCES],
    pool: AHashMap<u32, Pooled>,
}

impl Ranking {
    /// Nothing was ranked.
    pub(super) fn none() -> Self {
        Self { ranked: Vec::new(), weights: [0.0; SOURCES], pool: AHashMap::new() }
    }

    /// The features of a candidate.
    pub(super) fn features(&self, ordinal: u32) -> Option<&Features> {
        self.pool.get(&ordinal).map(|pooled| &pooled.features)
    }
}

/// All eligible candidates with their blended scores, best first, ties by product key. Each source counts with its
/// weight, its own best candidate being 1; the reason is that of the source that counts most for the product.
/// Errors: `Late` once the deadline has passed.
pub(super) fn rank(
    ask: &Ask<'_>,
    sources: &[Box<dyn CandidateSource>],
    Proportions { weights, roots }: &Proportions,
    eligible: &Eligibility<'_>,
    rules: &Rules<'_>,
    deadline: Deadline,
) -> Result<Ranking, Late> {
    let mut pool: AHashMap<u32, Pooled> = AHashMap::new();
    let mut counts = [0.0; SOURCES];
    for ((at, source), counts) in sources.iter().enumerate().zip(&mut counts) {
        let weight = source.source().weight(weights, ask.request.intent);
        if weight > 0.0 && weight.is_finite() {
            *counts = weight as f32;
            // Around a seed the session says which of its neighbours, not which other products.
            let adds = !matches!(source.source(), Source::Session | Source::Encoder) || ask.request.seeds.is_empty();
            let collected = source.collect(ask);
            blend(&mut pool, collected, Counting { source: at, weight: *counts, roots: *roots, adds }, eligible);
            deadline.check()?;
        }
    }
    let seeds = seed_categories(ask);
    let mut ranked = Vec::with_capacity(pool.len());
    for (ordinal, pooled) in &mut pool {
        let Some(product) = ask.index.product(*ordinal) else { continue };
        let features = &mut pooled.features;
        features.fits = ask.taste.map_or(0.0, |taste| taste.affinity(*ordinal, product)) as f32;
        features.boost = rules.boost(product) as f32;
        features.kept = demotion(ask, *ordinal, seeds.contains(&&*product.category)) as f32;
        let shares = counts.iter().copied().zip(features.shares);
        let score = score(shares, (weights.affinity as f32, features.fits), features.boost, features.kept);
        if score > 0.0 && score.is_finite() {
            let (reason, because) = (pooled.reason, pooled.because.take());
            ranked.push(Ranked { ordinal: *ordinal, score, reason, because, filler: false });
        }
    }
    ranked.sort_by(by_score);
    deadline.check()?;
    Ok(Ranking { ranked, weights: counts, pool })
}

/// How a source's candidates count.
#[derive(Clone, Copy)]
struct Counting {
    /// Its place among the sources.
    source: usize,
    weight: f32,
    roots: bool,
    /// Whether it adds products that no other source has proposed.
    adds: bool,
}

fn blend(
    pool: &mut AHashMap<u32, Pooled>,
    candidates: Vec<Candidate>,
    Counting { source, weight, roots, adds }: Counting,
    eligible: &Eligibility<'_>,
) {
    let best = candidates.iter().map(|candidate| candidate.score).fold(f64::MIN_POSITIVE, f64::max);
    for Candidate { ordinal, score, reason, because } in candidates {
        let share = (score / best) as f32;
        let share = if roots { share.sqrt() } else { share };
        let counts = f64::from(weight) * f64::from(share);
        match pool.get_mut(&ordinal) {
            Some(pooled) => {
                say(&mut pooled.features, source, share);
                if counts > pooled.loudest {
                    (pooled.loudest, pooled.reason, pooled.because) = (counts, reason, because);
                }
            }
            None if adds && eligible.allows(ordinal) => {
                let mut features = Features { shares: [0.0; SOURCES], fits: 0.0, boost: 1.0, kept: 1.0 };
                say(&mut features, source, share);
                pool.insert(ordinal, Pooled { features, loudest: counts, reason, because });
            }
            None => {}
        }
    }
}

fn say(features: &mut Features, source: usize, share: f32) {
    if let Some(slot) = features.shares.get_mut(source) {
        *slot += share;
    }
}

/// The categories of the seeds, without those that have none.
pub(super) fn seed_categories<'a>(ask: &Ask<'a>) -> Vec<&'a str> {
    let seeds = ask.request.seeds.iter().filter_map(|seed| ask.index.get(seed.as_str()));
    seeds.map(|seed| &*seed.category).filter(|category| !category.is_empty()).collect()
}

/// What the product keeps of its score: 1 where nothing speaks against it.
fn demotion(ask: &Ask<'_>, ordinal: u32, of_seed_category: bool) -> f64 {
    match ask.request.intent {
        Intent::Complementary if of_seed_category => SAME_CATEGORY,
        Intent::CompleteTheLook if of_seed_category => 0.0,
        Intent::ForYou if ask.taste.is_some_and(|taste| taste.viewed.contains(&ordinal)) => JUST_SEEN,
        _ => 1.0,
    }
}
