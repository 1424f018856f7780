//! The catalogue in use, swapped as a whole, and how old it is.

use super::Index;
use crate::telemetry::events::CatalogueStands;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

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
        self.tell(Timestamp::now());
    }

    /// Tells the metrics how the catalogue stands at this moment. Its age grows by itself: call it on an interval.
    pub fn tell(&self, now: Timestamp) {
        CatalogueStands { products: self.len(), age: self.age(now).map(Duration::from_secs_f64) }.emit();
    }

    /// How many products the snapshot in use holds.
    pub fn len(&self) -> usize {
        self.index.load().len()
    }

    /// Whether there is no product yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How old the snapshot in use is, in seconds; `None` before the first.
    pub fn age(&self, now: Timestamp) -> Option<f64> {
        self.read_at().map(|read_at| now.duration_since(read_at).as_secs_f64().max(0.0))
    }

    /// When the snapshot in use was read; `None` before the first.
    pub fn read_at(&self) -> Option<Timestamp> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            millisecond => Timestamp::from_millisecond(millisecond).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_counts_from_the_reading() {
        let catalogue = Catalogue::default();
        let read_at = Timestamp::from_second(1_000).unwrap();
        assert_eq!(catalogue.age(read_at), None);
        catalogue.replace(Index::default(), read_at);
        assert_eq!(catalogue.age(Timestamp::from_second(1_090).unwrap()), Some(90.0));
        assert_eq!(catalogue.age(Timestamp::from_second(900).unwrap()), Some(0.0));
        assert!(catalogue.is_empty());
    }
}
