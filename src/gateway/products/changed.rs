//! Which products changed when: what was asked of the platform before that is not to be shown.
//!
//! Bounded: where more products change than are remembered, all of them count as changed.

use super::LONGEST;
use crate::domain::ids::ProductKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The most products that are remembered by themselves.
const MOST: usize = 16_384;

/// The changes of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Whether there was any; nearly always there is none, and then nothing is locked.
    any: AtomicBool,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    products: HashMap<ProductKey, Instant, ahash::RandomState>,
    /// Everything counts as changed at this moment.
    all: Option<Instant>,
}

impl Changed {
    /// A product changed.
    pub(super) fn note(&self, product: &ProductKey, now: Instant) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.products.len() >= MOST {
            // Nothing that was asked so long ago is shown, whether it changed or not.
            changes.products.retain(|_, at| now.saturating_duration_since(*at) < LONGEST);
            if changes.products.len() >= MOST {
                changes.products.clear();
                changes.all = Some(now);
            }
        }
        changes.products.insert(product.clone(), now);
        self.any.store(true, Ordering::Release);
    }

    /// All of them changed.
    pub(super) fn note_all(&self, now: Instant) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.products.clear();
        changes.all = Some(now);
        self.any.store(true, Ordering::Release);
    }

    /// Whether it changed at this moment or later.
    pub(super) fn since(&self, product: &ProductKey, asked: Instant) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let later = |at: Option<&Instant>| at.is_some_and(|at| *at >= asked);
        later(changes.products.get(product)) || later(changes.all.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn more_changes_than_are_remembered_are_a_change_of_everything() {
        let (changed, asked) = (Changed::default(), Instant::now());
        let product = |number: usize| ProductKey::new(number.to_string());
        let later = asked + Duration::from_secs(1);
        for number in 0..MOST {
            changed.note(&product(number), later);
        }
        assert!(changed.since(&product(0), asked) && !changed.since(&product(MOST + 1), asked));
        changed.note(&product(MOST), later);
        assert!(changed.since(&product(0), asked) && changed.since(&product(MOST + 1), asked));
        assert!(!changed.since(&product(0), later + Duration::from_secs(1)));
        assert!(changed.changes.lock().unwrap().products.len() <= MOST);
    }
}
