//! What is wanted more than usual.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::ReasonCode;

/// Products looked at: those with the most recent events. One that rises is among them.
const RECENT: usize = 400;

/// The recent rate against the usual one.
pub(super) struct Trend;

impl CandidateSource for Trend {
    fn source(&self) -> Source {
        Source::Trending
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let candidate = |(id, key): (u32, &crate::domain::ids::ProductKey)| {
            let ordinal = ask.index.ordinal(key.as_str())?;
            let score = ask.statistics.trend(id, ask.now);
            Some(Candidate { ordinal, score, reason: ReasonCode::Trending, because: None })
        };
        super::best(ask.statistics.rising().take(RECENT).filter_map(candidate).collect(), LIMIT)
    }
}
