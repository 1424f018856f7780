//! What everyone wants: over all, within a collection, or in the categories this shopper looks at.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::{Intent, ReasonCode};

/// Categories of the shopper whose most wanted products are proposed.
const CATEGORIES: usize = 3;

/// Fading counts of views, carts and orders.
pub(super) struct Popularity;

impl CandidateSource for Popularity {
    fn source(&self) -> Source {
        Source::Popular
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let mut found = Vec::new();
        if let Some(collection) = &ask.request.collection {
            found.extend(wanted(ask, ask.index.in_collection(collection.as_str()), 1.0));
        } else {
            let top = ask.statistics.popular().filter_map(|(_, key)| ask.index.ordinal(key.as_str())).take(LIMIT);
            found.extend(wanted(ask, &top.collect::<Vec<u32>>(), 1.0));
            // What is popular is the same for everyone unless the slate is for this shopper.
            let interests = ask.taste.filter(|_| ask.request.intent == Intent::ForYou).map(|taste| &taste.interests);
            for (category, share) in interests.into_iter().flatten().take(CATEGORIES) {
                found.extend(wanted(ask, ask.index.in_category(category), 1.0 + share));
            }
        }
        super::best(found, LIMIT)
    }
}

/// Those of the products that anyone wanted most, as many as are proposed.
fn wanted(ask: &Ask<'_>, ordinals: &[u32], factor: f64) -> Vec<Candidate> {
    let score = |ordinal: &u32| {
        let score = ask.statistics.popularity(ask.counted(*ordinal)?, ask.now).ln_1p() * factor;
        (score > 0.0).then_some(Candidate { ordinal: *ordinal, score, reason: ReasonCode::Popular, because: None })
    };
    let mut found = ordinals.iter().filter_map(score).collect();
    super::keep(&mut found, LIMIT);
    found
}
