//! Withdrawals that overtake events: what was weighed before a withdrawal must not be stored after it.
//!
//! A request weighs consent once; its events, and what its traffic shows, may be stored a moment later. In between the
//! shopper may have withdrawn. Remembered for far longer than any request lasts.

use super::identity::Caller;
use crate::domain::consent::Consent;
use crate::domain::ids::ShopperKey;
use moka::sync::Cache;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Longer than any request or queued event lives.
const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);
/// Shoppers remembered at once.
const REMEMBERED: u64 = 100_000;

/// Recent withdrawals.
pub(super) struct Withdrawn {
    recent: Cache<ShopperKey, (Instant, Consent)>,
    /// When everything of everyone was last erased.
    everyone: RwLock<Option<Instant>>,
}

impl Withdrawn {
    pub(super) fn new() -> Self {
        let recent = Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build();
        Self { recent, everyone: RwLock::default() }
    }

    /// Remembers that everything of everyone is erased now.
    pub(super) fn note_everyone(&self) {
        *self.everyone.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Remembers that these purposes were withdrawn now.
    pub(super) fn note(&self, who: &ShopperKey, purposes: Consent) {
        self.note_at(who, purposes, Instant::now());
    }

    /// The same for some moments ago, at another replica.
    pub(super) fn note_at(&self, who: &ShopperKey, purposes: Consent, at: Instant) {
        let before = self.recent.get(who);
        let at = before.map_or(at, |(before, _)| before.max(at));
        self.recent.insert(who.clone(), (at, before.map_or(Consent::NONE, |(_, purposes)| purposes).or(purposes)));
    }

    /// The caller's consent, less what was withdrawn since it was weighed.
    pub(super) fn left(&self, caller: &Caller) -> Consent {
        if self.everyone.read().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at >= caller.weighed) {
            return Consent::NONE;
        }
        caller.keys().filter_map(|key| self.recent.get(key)).fold(caller.consent, |left, (at, purposes)| {
            if at >= caller.weighed { left.without(purposes) } else { left }
        })
    }
}

impl fmt::Debug for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Withdrawn")
    }
}
