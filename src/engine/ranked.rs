//! A candidate with its score and its reason: what ranking makes and all that follows it passes on.

use crate::domain::ids::ProductKey;
use crate::domain::slate::ReasonCode;

/// Best first, ties by product key.
pub(super) fn by_score(a: &Ranked, b: &Ranked) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal))
}

/// One product in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) ordinal: u32,
    pub(super) score: f64,
    pub(super) reason: ReasonCode,
    pub(super) because: Option<ProductKey>,
    /// Only there so that the slate is full.
    pub(super) filler: bool,
}
