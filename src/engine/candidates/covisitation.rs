//! What goes with what: products seen in the same visits, bought in the same orders, and what follows on the
//! shopper's own recent products.
//!
//! A pair is scored against how wanted its product is anyway: what everyone views is seen with everything.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::ids::ProductKey;
use crate::domain::slate::ReasonCode;
use crate::engine::statistics::{Pairs, Statistics};
use crate::features::goes_with;
use ahash::AHashMap;
use jiff::Timestamp;

/// Seeds whose neighbours are looked up: a cart of more lines is represented by its last ones.
const SEEDS: usize = 12;
/// From this share of a score on, one product of the session speaks for it alone.
const ALONE: f64 = 0.6;

/// Seen with the seeds.
pub(super) struct ViewedTogether;

/// Bought with the seeds.
pub(super) struct BoughtTogether;

/// Seen with, or bought with, what the shopper looked at lately.
pub(super) struct Session;

impl CandidateSource for ViewedTogether {
    fn source(&self) -> Source {
        Source::ViewedTogether
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let found = neighbours(ask, Pairs::Viewed, &seeds(ask));
        candidates(ask, found, |_| ReasonCode::ViewedTogether)
    }
}

impl CandidateSource for BoughtTogether {
    fn source(&self) -> Source {
        Source::BoughtTogether
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let found = neighbours(ask, Pairs::Bought, &seeds(ask));
        candidates(ask, found, |_| ReasonCode::BoughtTogether)
    }
}

impl CandidateSource for Session {
    fn source(&self) -> Source {
        Source::Session
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let anchors: Vec<(&ProductKey, f64)> = ask
            .taste
            .map(|taste| taste.anchors())
            .unwrap_or_default()
            .iter()
            .map(|liked| (&liked.key, liked.weight))
            .collect();
        let found = neighbours(ask, Pairs::Viewed, &anchors);
        candidates(ask, found, |share| if share >= ALONE { ReasonCode::ViewedTogether } else { ReasonCode::Session })
    }
}

/// The seeds, last first: what was put into a cart last says most.
fn seeds<'a>(ask: &Ask<'a>) -> Vec<(&'a ProductKey, f64)> {
    let weights = std::iter::successors(Some(1.0), |weight| Some(weight * 0.9));
    ask.request.seeds.iter().rev().take(SEEDS).zip(weights).collect()
}

/// A neighbour of some anchors.
struct Found<'a> {
    id: u32,
    score: f64,
    /// The anchor that counts most for it, and how much.
    because: &'a ProductKey,
    loudest: f64,
}

/// The neighbours of all anchors with their summed scores, best first.
fn neighbours<'a>(ask: &Ask<'_>, pairs: Pairs, anchors: &[(&'a ProductKey, f64)]) -> Vec<Found<'a>> {
    let mut found: AHashMap<u32, Found<'a>> = AHashMap::new();
    for (anchor, weight) in anchors {
        let Some(from) = ask.statistics.id(anchor) else { continue };
        for (id, worth) in ask.statistics.pairs(pairs, from, ask.now) {
            let score = weight * associated(ask.statistics, pairs, worth, from, id, ask.now);
            let entry = found.entry(id).or_insert(Found { id, score: 0.0, because: anchor, loudest: 0.0 });
            entry.score += score;
            if score > entry.loudest {
                (entry.loudest, entry.because) = (score, anchor);
            }
        }
    }
    let mut found: Vec<Found<'a>> = found.into_values().collect();
    found.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    found.truncate(2 * LIMIT);
    found
}

/// How much a pair says. Seen together: its worth over the neighbour's popularity to the power 0.3, mild, because
/// popular products are often rightly next. Bought together: [`goes_with`].
fn associated(statistics: &Statistics, pairs: Pairs, worth: f64, from: u32, to: u32, now: Timestamp) -> f64 {
    match pairs {
        Pairs::Viewed => worth / (1.0 + statistics.popularity(to, now)).powf(0.3),
        Pairs::Bought => goes_with(worth, statistics.purchases(from, now), statistics.purchases(to, now)),
    }
}

fn candidates(ask: &Ask<'_>, found: Vec<Found<'_>>, reason: impl Fn(f64) -> ReasonCode) -> Vec<Candidate> {
    let candidate = |found: Found<'_>| {
        let key = ask.statistics.key(found.id)?;
        let reason = reason(found.loudest / found.score.max(f64::MIN_POSITIVE));
        let because = Some(found.because.clone());
        Some(Candidate { ordinal: ask.index.ordinal(key.as_str())?, score: found.score, reason, because })
    };
    super::best(found.into_iter().filter_map(candidate).collect(), LIMIT)
}
