//! One request to the platform for identical ones that are on their way at the same time.
//!
//! The first is the *leader*: it goes upstream as it always would. Those that come before the platform has begun to
//! answer *follow* it, if they have the same [`key::Key`]. Once the head of the answer is there nobody joins any more.
//! Without followers the leader's answer streams through and nothing of it is kept, so sharing costs the usual request
//! two look-ups in a table. With followers the answer is read into bounded memory beside the leader (`tee`).
//!
//! A follower is answered with whole bytes or not at all: it waits for the end of the answer, and where that cannot be
//! shared (a `Set-Cookie`, another status than 200, `private` or `no-store`, an error in it, more than the bound) it asks
//! for itself as if it had come alone. So nobody is cut off because somebody else was. A leader that leaves before the
//! answer begins is followed by one of its followers; one that leaves later is not missed.

pub mod key;
mod tee;

use crate::platform::Platform;
use crate::telemetry::events::AnswerShared;
use bytesize::ByteSize;
use key::{Asked, Key};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

pub use tee::Whole;

/// `[share]`: identical queries that are on their way at the same time. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether identical queries by nobody in particular share one answer. Default: true.
    pub enabled: bool,
    /// The largest answer that is shared, as it is sent. Default: 1 MiB.
    pub largest: ByteSize,
    /// Memory for all answers that are being shared. Default: 32 MiB.
    pub memory: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, largest: ByteSize::mib(1), memory: ByteSize::mib(32) }
    }
}

/// What followers learn of the answer they wait for.
#[derive(Clone, Debug)]
enum Outcome {
    /// Nothing yet.
    Awaited,
    /// All of it.
    Whole(Arc<Whole>),
    /// It is the leader's alone.
    Alone,
}

/// Requests on their way: a leader's key, and its followers where there are any.
type Flights = Mutex<HashMap<Arc<Key>, Option<watch::Sender<Outcome>>, ahash::RandomState>>;

/// Answers that are shared while they are on their way.
#[derive(Debug)]
pub struct Share {
    enabled: bool,
    largest: usize,
    /// Hashes keys; random, so that nobody can aim at a place in the table.
    hasher: ahash::RandomState,
    flights: Arc<Flights>,
    memory: Arc<Semaphore>,
}

/// How a request goes on.
pub enum Joined {
    /// To the platform, for others too.
    Lead(Leader),
    /// It waits.
    Follow(Following),
}

impl Share {
    /// Nothing on its way.
    pub fn new(config: &Config) -> Self {
        let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        Self {
            enabled: config.enabled,
            largest: bytes(config.largest).min(u32::MAX as usize / 2),
            hasher: ahash::RandomState::new(),
            flights: Arc::default(),
            memory: Arc::new(Semaphore::new(bytes(config.memory).min(Semaphore::MAX_PERMITS))),
        }
    }

    /// The key of a request that may share; `None` also where nothing is shared.
    pub fn key(&self, asked: &Asked<'_>, platform: &dyn Platform) -> Option<Arc<Key>> {
        let key = self.enabled.then(|| Key::of(asked, platform, &self.hasher)).flatten();
        key.map(Arc::new)
    }

    /// Leads, or follows who does.
    pub fn join(&self, key: &Arc<Key>) -> Joined {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followers) = flights.get_mut(key) {
            let sender = followers.get_or_insert_with(|| watch::Sender::new(Outcome::Awaited));
            return Joined::Follow(Following(sender.subscribe()));
        }
        flights.insert(Arc::clone(key), None);
        drop(flights);
        Joined::Lead(Leader {
            flights: Arc::clone(&self.flights),
            key: Arc::clone(key),
            largest: self.largest,
            memory: Arc::clone(&self.memory),
            closed: false,
        })
    }
}

/// A request that others may follow until it is dropped or its answer begins.
pub struct Leader {
    flights: Arc<Flights>,
    key: Arc<Key>,
    largest: usize,
    memory: Arc<Semaphore>,
    closed: bool,
}

impl Leader {
    /// Lets nobody join any more; those who have.
    fn close(&mut self) -> Option<watch::Sender<Outcome>> {
        if std::mem::replace(&mut self.closed, true) {
            return None;
        }
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key).flatten()
    }
}

impl Drop for Leader {
    /// Followers learn that nobody leads them.
    fn drop(&mut self) {
        self.close();
    }
}

/// A request that waits for another's answer.
pub struct Following(watch::Receiver<Outcome>);

/// How waiting ended.
pub enum Waited {
    /// With the answer.
    Whole(Arc<Whole>),
    /// With an answer that is the leader's alone.
    Alone,
    /// The leader left, or its answer broke off.
    Abandoned,
}

impl Following {
    /// Waits for the end of the answer.
    pub async fn wait(mut self) -> Waited {
        let outcome = self.0.wait_for(|outcome| !matches!(outcome, Outcome::Awaited)).await;
        let waited = match outcome.as_deref() {
            Ok(Outcome::Whole(whole)) => Waited::Whole(Arc::clone(whole)),
            Ok(Outcome::Alone) => Waited::Alone,
            Ok(Outcome::Awaited) | Err(_) => Waited::Abandoned,
        };
        let outcome = match &waited {
            Waited::Whole(_) => "shared",
            Waited::Alone => "alone",
            Waited::Abandoned => "abandoned",
        };
        AnswerShared { outcome }.emit();
        waited
    }
}
