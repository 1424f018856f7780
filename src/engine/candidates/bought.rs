//! What the shopper bought and may need again.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::ReasonCode;
use crate::features::needed_again;

/// Products of the shopper's own orders: the more often bought the better, just bought not yet.
pub(super) struct BoughtBefore;

impl CandidateSource for BoughtBefore {
    fn source(&self) -> Source {
        Source::BoughtBefore
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let owned = ask.taste.map(|taste| taste.owned.as_slice()).unwrap_or_default();
        let candidate = |owned: &crate::engine::taste::Owned| {
            let days = ask.now.duration_since(owned.last).as_secs_f64() / 86_400.0;
            let score = needed_again(owned.times, days);
            Candidate { ordinal: owned.ordinal, score, reason: ReasonCode::BoughtBefore, because: None }
        };
        super::best(owned.iter().map(candidate).collect(), LIMIT)
    }
}
