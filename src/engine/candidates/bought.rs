//! What the shopper bought and may need again.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::ReasonCode;

/// After this many days a purchase says half as much about the next one.
const FADES: f64 = 180.0;
/// After this many days half of it is used up.
const USED: f64 = 14.0;

/// Products of the shopper's own orders: the more often bought the better, just bought not yet.
pub(super) struct BoughtBefore;

impl CandidateSource for BoughtBefore {
    fn source(&self) -> Source {
        Source::BoughtBefore
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let owned = ask.taste.map(|taste| taste.owned.as_slice()).unwrap_or_default();
        let candidate = |owned: &crate::engine::taste::Owned| {
            let days = ask.now.duration_since(owned.last).as_secs_f64().max(0.0) / 86_400.0;
            // The small constant keeps what was bought this minute in the list, at its end.
            let due = 1.0 - (-days / USED).exp2() + 1e-3;
            let score = f64::from(owned.times.max(1)).ln_1p() * due * (-days / FADES).exp2();
            Candidate { ordinal: owned.ordinal, score, reason: ReasonCode::BoughtBefore, because: None }
        };
        super::best(owned.iter().map(candidate).collect(), LIMIT)
    }
}
