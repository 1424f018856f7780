//! The slates of one operation: put down once they are settled, looked up by the resolvers.

use super::ask::SlateAsk;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Decision, SlateItem};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
#[derive(Debug, Default)]
pub struct SlateBook {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    slates: HashMap<SlateAsk, Arc<Settled>>,
    connections: HashMap<Arc<str>, Decision>,
    gone: HashSet<ProductKey>,
}

impl SlateBook {
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
