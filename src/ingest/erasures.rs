//! What this process knows of erasures of single shoppers, its own and those of other replicas
//! ([`super::elsewhere`] is their walk).

use super::config::Config;
use super::mark::Mark;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::store::{ERASURES_FOR, Erasure, Place};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How far behind the last place is read again, in milliseconds: after a fail-over the store's clock may be another one's.
const OVERLAP: u64 = 60_000;

/// What this process knows of erasures.
pub(super) struct Erasures {
    /// The name of this process among the replicas.
    pub(super) by: u64,
    known: Mutex<Known>,
    /// Held by the one that looks.
    pub(super) looking: tokio::sync::Mutex<()>,
    /// Beside the training log, when this process last heard of erasures.
    pub(super) mark: Option<Mark>,
    marked: Mutex<Option<Instant>>,
    looked: AtomicBool,
}

#[derive(Default)]
struct Known {
    /// Places of what is done, those long before the last one left out.
    done: BTreeSet<Place>,
    /// The last erasure of each shopper, of everything and of each purpose, for [`ERASURES_FOR`].
    moments: HashMap<(ShopperKey, Option<Purpose>), Timestamp>,
}

impl Erasures {
    /// Nothing known yet.
    pub(super) fn new(config: &Config) -> Self {
        let mark = config.record.log.as_ref().map(|log| Mark::named(&log.dir, "heard"));
        Self {
            by: rand::random(),
            known: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            mark,
            marked: Mutex::default(),
            looked: AtomicBool::default(),
        }
    }

    /// Behind which place the store is asked.
    pub(super) fn behind(&self) -> Place {
        Place(self.known().done.last().map_or(0, |last| last.0.saturating_sub(OVERLAP)), 0)
    }

    /// Takes in what the store told. What of it is not done yet.
    pub(super) fn hear(&self, told: Vec<(Place, Erasure)>) -> Vec<(Place, Erasure)> {
        let mut known = self.known();
        let news: Vec<_> = told.into_iter().filter(|(place, _)| !known.done.contains(place)).collect();
        if news.is_empty() {
            return news;
        }
        for (_, erasure) in &news {
            let moment = known.moments.entry((erasure.who.clone(), erasure.purpose)).or_insert(erasure.at);
            *moment = erasure.at.max(*moment);
        }
        let oldest = Timestamp::now().checked_sub(ERASURES_FOR).unwrap_or(Timestamp::MIN);
        known.moments.retain(|_, at| *at >= oldest);
        news
    }

    /// Of these is nothing left here.
    pub(super) fn done(&self, places: impl Iterator<Item = Place>) {
        let mut known = self.known();
        known.done.extend(places);
        if let Some(last) = known.done.last().copied() {
            // Of the last one alone it is known how far the store was read.
            known.done = known.done.split_off(&Place(last.0.saturating_sub(OVERLAP), 0));
        }
    }

    /// The purposes for which something of whoever has these keys was erased at that moment or since; `None`: ever.
    pub(super) fn gone<'a>(&self, keys: impl Iterator<Item = &'a ShopperKey>, since: Option<Timestamp>) -> Consent {
        let known = self.known();
        if known.moments.is_empty() {
            return Consent::NONE;
        }
        let erased = |key: &ShopperKey, purpose| {
            let at = known.moments.get(&(key.clone(), purpose));
            at.is_some_and(|at| since.is_none_or(|since| *at >= since))
        };
        keys.fold(Consent::NONE, |gone, key| {
            if erased(key, None) {
                return Consent::ALL;
            }
            [Purpose::Analytics, Purpose::Preferences]
                .into_iter()
                .filter(|purpose| erased(key, Some(*purpose)))
                .fold(gone, |gone, purpose| gone.with(purpose, true))
        })
    }

    /// Whether it is time to mark that erasures were heard of; then it counts as done.
    pub(super) fn marks_now(&self) -> bool {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = marked.is_none_or(|at| now.duration_since(at).as_secs() >= 60);
        if due {
            *marked = Some(now);
        }
        due
    }

    /// Whether this is the first time since the start that the store told.
    pub(super) fn begins(&self) -> bool {
        !self.looked.swap(true, Ordering::Relaxed)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is in it is whole after each step.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Erasures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Erasures")
    }
}
