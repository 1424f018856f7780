//! The catalogue in use, swapped as a whole, and how old it is.

use super::Index;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The catalogue of the shop as of its last crawl or import.
#[derive(Debug, Default)]
pub struct Catalogue {
    index: ArcSwap<Index>,
    /// Milliseconds since 1970 of the last replacement; 0 before the first.
    read_at: AtomicI64,
}

impl Catalogue {
    /// The snapshot in use. Empty until the first crawl or import.
    pub fn current(&self) -> Arc<Index> {
        self.index.load_full()
    }

    /// Puts a new snapshot in use, as read at the given moment.
    pub fn replace(&self, index: Index, read_at: Timestamp) {
        self.index.store(Arc::new(index));
        self.read_at.store(read_at.as_millisecond(), Ordering::Release);
    }

    /// When the snapshot in use was read; `None` before the first.
    pub fn read_at(&self) -> Option<Timestamp> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            millisecond => Timestamp::from_millisecond(millisecond).ok(),
        }
    }
}
