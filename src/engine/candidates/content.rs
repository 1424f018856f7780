//! Products alike in what is written of them: of use from the first day, and for products nobody has seen yet.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::ids::ProductKey;
use crate::domain::slate::ReasonCode;
use ahash::AHashMap;

/// Products whose likes are looked up.
const ANCHORS: usize = 8;

/// Cosine to the seeds, or to the shopper's recent products where there are none.
pub(super) struct Similar;

impl CandidateSource for Similar {
    fn source(&self) -> Source {
        Source::Similar
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let mut found: AHashMap<u32, Candidate> = AHashMap::new();
        let mut loudest: AHashMap<u32, f64> = AHashMap::new();
        for (anchor, weight) in anchors(ask) {
            for (ordinal, cosine) in ask.content.like(anchor, ask.index) {
                let score = weight * cosine;
                let entry = found.entry(ordinal).or_insert(Candidate {
                    ordinal,
                    score: 0.0,
                    reason: ReasonCode::Similar,
                    because: None,
                });
                entry.score += score;
                let most = loudest.entry(ordinal).or_insert(0.0);
                if score > *most {
                    *most = score;
                    entry.because = Some(anchor.clone());
                }
            }
        }
        let newcomers = newcomers(ask);
        if newcomers > 0.0 {
            found.values_mut().for_each(|candidate| candidate.score *= 1.0 + newcomers / (1.0 + met(ask, candidate)));
        }
        super::best(found.into_values().collect(), LIMIT)
    }
}

/// The benefit of the doubt that training found affordable for products few have met, where what comes next is asked for.
fn newcomers(ask: &Ask<'_>) -> f64 {
    let served = ask.encoded.session().filter(|_| ask.request.seeds.is_empty());
    served.and_then(|session| session.by.served().shares()).map_or(0.0, |shares| shares.newcomers)
}

/// How often a product was met, faded by time.
fn met(ask: &Ask<'_>, candidate: &Candidate) -> f64 {
    ask.counted(candidate.ordinal).map_or(0.0, |id| ask.statistics.popularity(id, ask.now).max(0.0))
}

fn anchors<'a>(ask: &Ask<'a>) -> Vec<(&'a ProductKey, f64)> {
    if ask.request.seeds.is_empty() {
        let liked = ask.taste.map(|taste| taste.anchors()).unwrap_or_default();
        liked.iter().take(ANCHORS).map(|liked| (&liked.key, liked.weight)).collect()
    } else {
        ask.request.seeds.iter().rev().take(ANCHORS).map(|seed| (seed, 1.0)).collect()
    }
}
