//! What is new in the shop.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::slate::ReasonCode;

/// Older than this is not new.
const DAYS: f64 = 45.0;
/// Half as new after so many days.
const HALF: f64 = 14.0;

/// By the date of creation.
pub(super) struct New;

impl CandidateSource for New {
    fn source(&self) -> Source {
        Source::New
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let candidate = |product: &crate::domain::product::CatalogueProduct| {
            let days = ask.now.duration_since(product.created?).as_secs_f64() / 86_400.0;
            let score = (-days.max(0.0) / HALF).exp2();
            let ordinal = ask.index.ordinal(product.key.as_str())?;
            (days <= DAYS).then_some(Candidate { ordinal, score, reason: ReasonCode::New, because: None })
        };
        super::best(ask.content.newest().take(LIMIT).filter_map(candidate).collect(), LIMIT)
    }
}
