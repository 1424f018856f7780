//! Events that were sent to the store and of which no answer came: it may have them or not. When they come again, as they do
//! from the spool or from their sender, the store calls them duplicates, and yet nothing has been learned of them.

use super::batch::Batch;
use super::deduplicate::hash;
use crate::domain::ids::ShopperKey;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Remembered at once; beyond that all are forgotten, and a duplicate is one.
const REMEMBERED: usize = 100_000;

/// Hashes of those events.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    ids: Mutex<HashSet<u128>>,
}

/// Events of a batch that are on their way to the store. Dropped without [`Asked::answered`], which also happens to a caller
/// who does not wait any longer, they are remembered.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    remembered: &'a Unanswered,
    ids: Vec<u128>,
    /// Of each, whether an earlier try was not answered.
    again: Vec<bool>,
}

impl Unanswered {
    /// The events that are still in are sent now.
    pub(super) fn ask(&self, who: &ShopperKey, batch: &Batch) -> Asked<'_> {
        let ids: Vec<u128> = batch.ids().map(|id| hash(&[who.as_str(), id.as_str()])).collect();
        let held = self.ids();
        let again = ids.iter().map(|id| held.contains(id)).collect();
        drop(held);
        Asked { remembered: self, ids, again }
    }

    /// Forgets them.
    pub(super) fn clear(&self) {
        self.ids().clear();
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<u128>> {
        // A set is whole between any two of its changes.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked<'_> {
    /// Whether an earlier try of the event at this place was not answered.
    pub(super) fn is_again(&self, nth: usize) -> bool {
        self.again.get(nth).copied().unwrap_or_default()
    }

    /// The store has answered.
    pub(super) fn answered(mut self) {
        let again = std::mem::take(&mut self.again);
        let ids = std::mem::take(&mut self.ids);
        if again.contains(&true) {
            let mut held = self.remembered.ids();
            ids.iter().for_each(|id| {
                held.remove(id);
            });
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.ids.is_empty() {
            return;
        }
        let mut held = self.remembered.ids();
        if held.len() + self.ids.len() > REMEMBERED {
            held.clear();
        }
        held.extend(self.ids.drain(..));
    }
}
