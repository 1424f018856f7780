//! The slates of one operation: put down once they are settled, looked up by the resolvers.

use super::ask::SlateAsk;
use super::decider::Affinity;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Decision, SlateItem};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A slate as served.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// How it came about.
    pub decision: Decision,
    /// In order: the first has position 1.
    pub items: Vec<SlateItem>,
}

/// The settled slates of one operation, the decisions behind its re-ranked connections, and products of logged
/// decisions that the platform does not have any more.
///
/// The lock is held for one map operation, never across an await.
#[derive(Default)]
pub struct SlateBook {
    pages: Mutex<Pages>,
    affinity: OnceLock<Affinity>,
}

impl std::fmt::Debug for SlateBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlateBook").field("pages", &self.pages).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Pages {
    slates: HashMap<SlateAsk, Arc<Settled>>,
    connections: HashMap<Arc<str>, Decision>,
    gone: HashSet<ProductKey>,
}

impl SlateBook {
    /// How well products fit the shopper: read for the first product asked for, kept for the others.
    pub fn affinity(&self, read: impl FnOnce() -> Affinity) -> &Affinity {
        self.affinity.get_or_init(read)
    }

    /// The slate that was settled for this ask.
    pub fn get(&self, ask: &SlateAsk) -> Option<Arc<Settled>> {
        self.pages().slates.get(ask).cloned()
    }

    /// Puts a settled slate down. The first one of an ask stays: two places that ask the same show the same.
    pub fn put(&self, ask: SlateAsk, settled: Settled) -> Arc<Settled> {
        Arc::clone(self.pages().slates.entry(ask).or_insert_with(|| Arc::new(settled)))
    }

    /// The decision behind the connection that the gateway gave this key.
    pub fn connection(&self, key: &str) -> Option<Decision> {
        self.pages().connections.get(key).cloned()
    }

    /// Puts the decision behind a re-ranked connection down, under the key that its representation will carry.
    pub fn put_connection(&self, key: impl Into<Arc<str>>, decision: Decision) {
        self.pages().connections.insert(key.into(), decision);
    }

    /// Whether the platform was asked for this product of a logged decision and did not have it.
    pub fn is_gone(&self, product: &ProductKey) -> bool {
        self.pages().gone.contains(product)
    }

    /// Puts down which products of logged decisions the platform does not have, so that no item is left without one.
    pub fn put_gone(&self, products: impl IntoIterator<Item = ProductKey>) {
        self.pages().gone.extend(products);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic while the lock was held cannot have left a map half written.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_taste_is_read_for_the_first_product_only() {
        let (book, reads) = (SlateBook::default(), Cell::new(0));
        let fits = |key: &str| {
            let read = || {
                reads.set(reads.get() + 1);
                Box::new(|key: &ProductKey| (key.as_str() == "known").then_some(0.5)) as Affinity
            };
            book.affinity(read)(&ProductKey::new(key))
        };
        assert_eq!((fits("known"), fits("other"), fits("known")), (Some(0.5), None, Some(0.5)));
        assert_eq!(reads.get(), 1);
    }
}
