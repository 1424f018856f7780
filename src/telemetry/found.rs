//! What was looked for in the caches of this process. Counted in plain numbers, which a scrape reads: it happens several
//! times a request, and costs a nanosecond or two.

use super::names;
use metrics::counter;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something was looked for in a cache.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // `hit`: whether it was there.
pub enum CacheAsked {
    /// A document.
    Document { hit: bool },
    /// A plan.
    Plan { hit: bool },
    /// A decision.
    Decision { hit: bool },
    /// A shopper's taste.
    Taste { hit: bool },
    /// A product of a slate.
    Product { hit: bool },
}

/// The metric and the label of each, in the order of [`CacheAsked`].
const CACHES: [(&str, &str); 5] = [
    (names::DOCUMENTS, "documents"),
    (names::DOCUMENTS, "plans"),
    (names::DECISIONS, "decisions"),
    (names::DECISIONS, "tastes"),
    (names::PRODUCTS, "products"),
];

static ASKED: [AtomicU64; 2 * CACHES.len()] = [const { AtomicU64::new(0) }; 2 * CACHES.len()];

impl CacheAsked {
    /// Counts it.
    pub fn emit(self) {
        let (cache, hit) = match self {
            Self::Document { hit } => (0, hit),
            Self::Plan { hit } => (1, hit),
            Self::Decision { hit } => (2, hit),
            Self::Taste { hit } => (3, hit),
            Self::Product { hit } => (4, hit),
        };
        ASKED[2 * cache + usize::from(hit)].fetch_add(1, Ordering::Relaxed);
    }

    /// Puts the numbers into the metrics.
    pub(super) fn tell() {
        for (at, count) in ASKED.iter().enumerate() {
            let (metric, cache) = CACHES[at / 2];
            let labels = [(names::CACHE, cache), (names::OUTCOME, if at % 2 == 1 { "hit" } else { "miss" })];
            counter!(metric, &labels).absolute(count.load(Ordering::Relaxed));
        }
    }
}
