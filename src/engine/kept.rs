//! Decisions kept for a few seconds: the same question of the same shopper is answered by the same ranking.
//!
//! What finds a kept decision is [`Key`], made by [`Basis::key`] from the very struct that a decision reads, taken apart so
//! that nothing can be added to one and forgotten in the other. Of all that is read only two things are no part of it,
//! because they change all the time: the hour, and what everybody's events have taught. A kept decision may be as much
//! behind in those as the configuration allows, and no more.
//!
//! What is kept is the ranking. Each time it is served it is a decision of its own, with an id of its own, that is
//! logged like any other: [ADR 4](../../docs/adr/0004-kept-decisions.md).

use super::basis::{Basis, Key};
use super::slate::{Slated, is_passing, new_id};
use crate::domain::ids::ShopperKey;
use crate::telemetry::found::CacheAsked;
use jiff::Timestamp;
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Nothing is kept longer, whatever the configuration says.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// The ranking of a decision, and when it was made.
struct Kept {
    slated: Slated,
    at: Timestamp,
}

/// The decisions of the last seconds.
pub(super) struct Decisions(Cache<Key, Arc<Kept>, ahash::RandomState>);

impl Decisions {
    /// Room for about so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |key: &Key, kept: &Arc<Kept>| u32::try_from(weight(key, &kept.slated)).unwrap_or(u32::MAX);
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .time_to_live(LONGEST)
            .support_invalidation_closures()
            .build_with_hasher(ahash::RandomState::new());
        Self(cache)
    }

    /// What was decided on this basis a moment ago, as a decision of its own.
    pub(super) fn find(&self, basis: &Basis<'_>) -> Option<Slated> {
        let keep = time(basis);
        if keep.is_zero() {
            return None;
        }
        let found = self.get(&basis.key(), basis.ask.now, keep);
        CacheAsked::Decision { hit: found.is_some() }.emit();
        found
    }

    /// Keeps what was decided on this basis; not what could not be, for want of time, of a model or of anything to
    /// decide from.
    pub(super) fn keep(&self, basis: &Basis<'_>, slated: &Slated) {
        if !time(basis).is_zero() && !is_passing(slated.slate.decision.fallback) {
            self.put(basis.key(), slated, basis.ask.now);
        }
    }

    pub(super) fn get(&self, key: &Key, now: Timestamp, keep: Duration) -> Option<Slated> {
        let kept = self.0.get(key)?;
        // Of two requests at once the later may decide first, so the age is the distance.
        let age = now.duration_since(kept.at).unsigned_abs();
        if age >= keep {
            return None;
        }
        let mut slated = kept.slated.clone();
        let decision = &mut slated.slate.decision;
        decision.id = new_id();
        decision.max_age = decision.max_age.saturating_sub(u32::try_from(age.as_secs()).unwrap_or(u32::MAX));
        Some(slated)
    }

    pub(super) fn put(&self, key: Key, slated: &Slated, at: Timestamp) {
        self.0.insert(key, Arc::new(Kept { slated: slated.clone(), at }));
    }

    /// Forgets what was decided for a shopper: it is not found from now on, and out of memory with the cache's next
    /// upkeep.
    pub(super) fn forget(&self, shopper: &ShopperKey) {
        let shopper = shopper.clone();
        // The only error is a cache without closures, which this one is not.
        self.0.invalidate_entries_if(move |key, _| key.shopper.as_ref() == Some(&shopper)).ok();
        self.0.run_pending_tasks();
    }

    /// Forgets all decisions.
    pub(super) fn clear(&self) {
        self.0.invalidate_all();
        self.0.run_pending_tasks();
    }

    #[cfg(test)]
    pub(super) fn shoppers(&self) -> Vec<Option<ShopperKey>> {
        self.0.iter().map(|(key, _)| key.shopper.clone()).collect()
    }
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decisions").field("kept", &self.0.entry_count()).finish_non_exhaustive()
    }
}

/// How long decisions on this basis are kept.
fn time(basis: &Basis<'_>) -> Duration {
    basis.settled.config.cache.decisions.min(LONGEST)
}

/// About how many bytes it takes.
fn weight(key: &Key, slated: &Slated) -> usize {
    let inputs: usize = slated.inputs.iter().map(|input| input.name.len() + input.value.len() + 64).sum();
    let keys = key.request.seeds.len() + key.request.exclude.len();
    let made = slated.made.as_ref().map_or(0, |made| made.weight());
    size_of::<Key>() + size_of::<Kept>() + 256 + keys * 64 + slated.slate.items.len() * 64 + inputs + made
}
