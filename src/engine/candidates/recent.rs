//! What the shopper looked at, newest first.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::ReasonCode;

/// The products of the shopper's own views.
pub(super) struct RecentlyViewed;

impl CandidateSource for RecentlyViewed {
    fn source(&self) -> Source {
        Source::RecentlyViewed
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let viewed = ask.taste.map(|taste| taste.viewed.as_slice()).unwrap_or_default();
        let candidate = |(rank, ordinal): (u32, &u32)| Candidate {
            ordinal: *ordinal,
            score: 1.0 / f64::from(rank),
            reason: ReasonCode::Session,
            because: None,
        };
        (1_u32..).zip(viewed.iter().take(LIMIT)).map(candidate).collect()
    }
}
