//! Where candidates come from: a source is a file here and an arm in [`Source::weight`].
//!
//! The transformer is one of them: it reads what the stage before this one made of the shopper's events.

mod bought;
mod content;
mod covisitation;
mod encoder;
mod fresh;
mod popularity;
mod recent;
mod trend;

use super::config::Weights;
use super::content::Content;
use super::encode::Encoded;
use super::request::SlateRequest;
use super::statistics::Statistics;
pub(super) use super::taste::Taste;
use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Intent, ReasonCode};
use jiff::Timestamp;
use std::cmp::Ordering;

/// The most candidates of one source.
pub(super) const LIMIT: usize = 120;

/// All that a source may read. The shopper is in it as [`Taste`] only, which exists only with consent.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) request: &'a SlateRequest,
    pub(super) index: &'a Index,
    pub(super) statistics: &'a Statistics,
    pub(super) content: &'a Content,
    pub(super) taste: Option<&'a Taste>,
    /// What the transformer made of the shopper's events; nothing where the taste is not there either.
    pub(super) encoded: &'a Encoded,
    pub(super) now: Timestamp,
}

impl Ask<'_> {
    /// The number under which a product is counted.
    fn counted(&self, ordinal: u32) -> Option<u32> {
        self.content.counted(ordinal, self.index, self.statistics)
    }
}

/// One product that a source proposes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Its ordinal in the catalogue in use.
    pub(super) ordinal: u32,
    /// Above zero and finite, comparable within the source.
    pub(super) score: f64,
    /// Why, if this source speaks loudest for it.
    pub(super) reason: ReasonCode,
    /// The product that speaks for it.
    pub(super) because: Option<ProductKey>,
}

/// Each source by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    ViewedTogether,
    BoughtTogether,
    Similar,
    Session,
    Popular,
    Trending,
    New,
    RecentlyViewed,
    BoughtBefore,
    Encoder,
}

impl Source {
    /// Its name in records and exports, which is that of its weight in the settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Source::ViewedTogether => "viewed_together",
            Source::BoughtTogether => "bought_together",
            Source::Similar => "similar",
            Source::Session => "session",
            Source::Popular => "popular",
            Source::Trending => "trending",
            Source::New => "new",
            Source::RecentlyViewed => "recently_viewed",
            Source::BoughtBefore => "bought_before",
            Source::Encoder => "encoder",
        }
    }

    /// What the source counts for in a slate of the intent.
    pub(super) fn weight(self, weights: &Weights, intent: Intent) -> f64 {
        let only = |wanted: Intent| if intent == wanted { 1.0 } else { 0.0 };
        match self {
            Source::ViewedTogether => weights.viewed_together,
            Source::BoughtTogether => weights.bought_together,
            Source::Similar => weights.similar,
            Source::Session => weights.session,
            Source::Popular => weights.popular,
            Source::Trending => weights.trending,
            Source::New => weights.new,
            Source::Encoder => weights.encoder,
            Source::RecentlyViewed => only(Intent::RecentlyViewed),
            Source::BoughtBefore => only(Intent::BuyAgain) + weights.bought_before,
        }
    }
}

/// A source of candidates. Computes, never waits.
pub(super) trait CandidateSource: Send + Sync {
    /// Which one it is.
    fn source(&self) -> Source;

    /// Its proposals, best first, at most [`LIMIT`]. It need not look at availability or rules: that is judged after.
    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate>;
}

/// The best of the candidates, best first, ties by product key, each product once at its best score.
pub(super) fn best(mut candidates: Vec<Candidate>, limit: usize) -> Vec<Candidate> {
    candidates.retain(|candidate| candidate.score > 0.0 && candidate.score.is_finite());
    candidates.sort_unstable_by(|a, b| a.ordinal.cmp(&b.ordinal).then(b.score.total_cmp(&a.score)));
    candidates.dedup_by_key(|candidate| candidate.ordinal);
    keep(&mut candidates, limit);
    candidates.sort_unstable_by(by_score);
    candidates
}

/// Leaves the best of the candidates, in no order: a category has thousands, of which hardly any is proposed.
fn keep(candidates: &mut Vec<Candidate>, limit: usize) {
    if candidates.len() > limit {
        candidates.select_nth_unstable_by(limit, by_score);
        candidates.truncate(limit);
    }
}

fn by_score(a: &Candidate, b: &Candidate) -> Ordering {
    b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal))
}

/// All sources, in the order in which they are asked.
pub(super) fn all() -> Vec<Box<dyn CandidateSource>> {
    vec![
        Box::new(covisitation::ViewedTogether),
        Box::new(covisitation::BoughtTogether),
        Box::new(content::Similar),
        Box::new(popularity::Popularity),
        Box::new(trend::Trend),
        Box::new(fresh::New),
        Box::new(recent::RecentlyViewed),
        Box::new(bought::BoughtBefore),
        // Last, because around a seed they only re-weigh what the others found.
        Box::new(covisitation::Session),
        Box::new(encoder::Encoder),
    ]
}
