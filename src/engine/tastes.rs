//! Tastes that were read, kept until what they were read from changes: the one place where a shopper's state is read.
//!
//! A taste is found again only where everything in its [`Reading`] is equal: the state itself (not its revision, which
//! begins anew where a store forgot the shopper), the catalogue, what was derived from it, and the minute. Events fade over
//! days; within a minute of the same events no product changes its place.

use super::content::Content;
use super::context::Context;
use super::taste::{self, Reading, Taste};
use crate::catalogue::Index;
use crate::domain::ids::ShopperKey;
use crate::store::ShopperState;
use crate::telemetry::found::CacheAsked;
use jiff::Timestamp;
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A taste not asked for this long is dropped.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// For this long, in seconds, a taste is that of one moment.
const MOMENT: i64 = 60;

/// What was read of a shopper, with a number that no other reading has had since the start: what was decided with it is
/// found again by that. The number stands for all of the state, also for what is no part of the taste.
#[derive(Debug)]
pub(super) struct Known {
    /// `None`: nothing is known.
    pub(super) taste: Option<Taste>,
    pub(super) number: u64,
}

/// Tastes of the shoppers who were there last, one each.
pub(super) struct Tastes {
    kept: Cache<ShopperKey, Arc<Kept>, ahash::RandomState>,
    read: AtomicU64,
}

/// A taste with what it was read from.
struct Kept {
    state: ShopperState,
    catalogue: u64,
    content: u64,
    moment: Timestamp,
    known: Arc<Known>,
}

impl Kept {
    /// Whether it was read from the very same.
    fn is_of(&self, reading: Reading<'_>) -> bool {
        // Taken apart, so that whatever a taste comes to be read from has to be compared here.
        let Reading { state, index, content, moment } = reading;
        self.catalogue == index.generation()
            && self.content == content.generation()
            && self.moment == moment
            && self.state == *state
    }

    fn weight(&self) -> usize {
        // The state is the store's own as long as the shopper does nothing; then it is kept here until the next request.
        let state = self.state.session.events.len() * 200 + self.state.profile.bought.len() * 64;
        256 + state + self.known.taste.as_ref().map_or(0, Taste::weight)
    }
}

impl Tastes {
    /// Room for about so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |_: &ShopperKey, kept: &Arc<Kept>| u32::try_from(kept.weight()).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .time_to_idle(IDLE)
            .build_with_hasher(ahash::RandomState::new());
        Self { kept, read: AtomicU64::new(0) }
    }

    /// What is known of the shopper behind the context; `None` where it must not be read.
    pub(super) fn of(&self, context: &Context, index: &Index, content: &Content) -> Option<Arc<Known>> {
        let (state, shopper) = (context.readable()?, context.shopper.as_ref()?);
        let reading = Reading { state, index, content, moment: moment(context.now) };
        let found = self.kept.get(shopper).filter(|kept| kept.is_of(reading));
        CacheAsked::Taste { hit: found.is_some() }.emit();
        if let Some(kept) = found {
            return Some(Arc::clone(&kept.known));
        }
        let number = self.read.fetch_add(1, Ordering::Relaxed);
        let known = Arc::new(Known { taste: taste::of(reading), number });
        let Reading { state, index, content, moment } = reading;
        let (catalogue, content) = (index.generation(), content.generation());
        let kept = Kept { state: state.clone(), catalogue, content, moment, known: Arc::clone(&known) };
        self.kept.insert(shopper.clone(), Arc::new(kept));
        Some(known)
    }

    /// Forgets what was read of a shopper.
    pub(super) fn forget(&self, shopper: &ShopperKey) {
        self.kept.invalidate(shopper);
    }

    /// Forgets what was read of every shopper.
    pub(super) fn clear(&self) {
        self.kept.invalidate_all();
        self.kept.run_pending_tasks();
    }
}

impl fmt::Debug for Tastes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tastes").field("kept", &self.kept.entry_count()).finish_non_exhaustive()
    }
}

/// The beginning of the minute.
fn moment(now: Timestamp) -> Timestamp {
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(MOMENT)).unwrap_or(now)
}
