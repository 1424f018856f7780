//! From the proposals of all sources to one ranking: blend, boost, demote.

use super::candidates::{Ask, Candidate, CandidateSource, Source};
use super::config::Weights;
use super::deadline::{Deadline, Late};
use super::eligibility::Eligibility;
use super::ranked::Ranked;
use super::rules::Rules;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Intent, ReasonCode};
use ahash::AHashMap;

/// What a candidate keeps of its score in the category of a seed that it should complement, not replace.
const SAME_CATEGORY: f64 = 0.3;
/// What a product keeps that the shopper has just looked at: there is a placement for those.
const JUST_SEEN: f64 = 0.35;

/// A product while sources speak for it.
struct Pooled {
    score: f64,
    loudest: f64,
    reason: ReasonCode,
    because: Option<ProductKey>,
}

/// All eligible candidates with their blended scores, best first, ties by product key. Each source counts with its
/// weight, its own best candidate being 1; the reason is that of the source that counts most for the product.
/// Errors: `Late` once the deadline has passed.
pub(super) fn rank(
    ask: &Ask<'_>,
    sources: &[Box<dyn CandidateSource>],
    weights: &Weights,
    eligible: &Eligibility<'_>,
    rules: &Rules<'_>,
    deadline: Deadline,
) -> Result<Vec<Ranked>, Late> {
    let mut pool: AHashMap<u32, Pooled> = AHashMap::new();
    for source in sources {
        let weight = source.source().weight(weights, ask.request.intent);
        if weight > 0.0 && weight.is_finite() {
            // Around a seed the session says which of its neighbours, not which other products.
            let adds = !matches!(source.source(), Source::Session | Source::Encoder) || ask.request.seeds.is_empty();
            blend(&mut pool, source.collect(ask), weight, adds, eligible);
            deadline.check()?;
        }
    }
    let seeds = seed_categories(ask);
    let mut ranked: Vec<Ranked> = pool
        .into_iter()
        .filter_map(|(ordinal, pooled)| {
            let product = ask.index.product(ordinal)?;
            let fits = ask.taste.map_or(0.0, |taste| taste.affinity(ordinal, product));
            let score = (pooled.score + weights.affinity * fits)
                * rules.boost(product)
                * demotion(ask, ordinal, seeds.contains(&&*product.category));
            let Pooled { reason, because, .. } = pooled;
            (score > 0.0 && score.is_finite()).then_some(Ranked { ordinal, score, reason, because, filler: false })
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal)));
    deadline.check()?;
    Ok(ranked)
}

fn blend(
    pool: &mut AHashMap<u32, Pooled>,
    candidates: Vec<Candidate>,
    weight: f64,
    adds: bool,
    eligible: &Eligibility<'_>,
) {
    let best = candidates.iter().map(|candidate| candidate.score).fold(f64::MIN_POSITIVE, f64::max);
    for Candidate { ordinal, score, reason, because } in candidates {
        let share = weight * score / best;
        match pool.get_mut(&ordinal) {
            Some(pooled) => {
                pooled.score += share;
                if share > pooled.loudest {
                    (pooled.loudest, pooled.reason, pooled.because) = (share, reason, because);
                }
            }
            None if adds && eligible.allows(ordinal) => {
                pool.insert(ordinal, Pooled { score: share, loudest: share, reason, because });
            }
            None => {}
        }
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
