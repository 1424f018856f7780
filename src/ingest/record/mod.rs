//! Recording: accepted events, kept for training and measurement where analytics is allowed.
//!
//! What is recorded names a shopper by keyed hash only. The client's event id and the order's id are left out, and
//! a query that looks like an address or a number of a person is withheld.

mod log;

use super::config;
use super::error::StartError;
use super::mark::Goes;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{CollectionKey, DecisionId, ProductKey, ShopperKey, VariantKey};
use crate::domain::market::Market;
use jiff::Timestamp;
use log::TrainingLog;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One line of the training log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Whose: the keyed hash. First, so that erasing finds it at the start of a line.
    pub shopper: ShopperKey,
    /// What happened.
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
    /// In which market.
    pub market: Market,
    /// The product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductKey>,
    /// The variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantKey>,
    /// The collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionKey>,
    /// What was searched for, unless it looks personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Box<str>>,
    /// Lines of a cart or an order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The decision that showed the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// Position within its slate, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

impl Recorded {
    /// What is kept of an event.
    pub fn of(shopper: &ShopperKey, market: &Market, event: &Event) -> Self {
        Self {
            shopper: shopper.clone(),
            kind: event.kind,
            at: event.at,
            market: market.clone(),
            product: event.product.clone(),
            variant: event.variant.clone(),
            collection: event.collection.clone(),
            query: event.query.clone().filter(|query| !looks_personal(query)),
            lines: event.lines.clone(),
            decision: event.decision.clone(),
            position: event.position,
        }
    }
}

/// What the training log in this folder has of a shopper, oldest file first. Errors: the folder cannot be read.
pub fn lines_of(dir: &Path, shopper: &ShopperKey) -> io::Result<Vec<Recorded>> {
    log::lines_of(dir, shopper)
}

/// Whether a query looks like an e-mail address, or like a telephone, order or card number.
fn looks_personal(query: &str) -> bool {
    query.contains('@') || query.chars().filter(char::is_ascii_digit).count() >= 7
}

/// The recorder: a ring in memory and, where configured, the training log.
pub struct Recorder {
    ring: Mutex<VecDeque<Arc<Recorded>>>,
    /// The most that the ring holds.
    most: usize,
    log: Option<TrainingLog>,
}

impl Recorder {
    /// Opens the log where one is configured. Errors: its folder cannot be made.
    pub fn open(config: &config::Record) -> Result<Self, StartError> {
        let log = config.log.as_ref().map(TrainingLog::open).transpose()?;
        Ok(Self { ring: Mutex::default(), most: config.recent, log })
    }

    /// Records events of one shopper. Never waits.
    pub fn append(&self, shopper: &ShopperKey, market: &Market, events: &[Event]) {
        let new: Vec<_> = events.iter().map(|event| Arc::new(Recorded::of(shopper, market, event))).collect();
        if let Some(log) = &self.log {
            new.iter().for_each(|event| log.append(Arc::clone(event)));
        }
        let mut ring = self.ring();
        ring.extend(new);
        let over = ring.len().saturating_sub(self.most);
        ring.drain(..over);
    }

    /// What is in memory, oldest first.
    pub fn recent(&self) -> Vec<Arc<Recorded>> {
        self.ring().iter().cloned().collect()
    }

    /// Deletes what was recorded of a shopper up to that moment: at once in memory; on disk it is noted when this returns, and
    /// done within a minute or so, by the next process where this one dies. True where there was something in memory.
    /// Errors: it is not noted on the disk.
    pub async fn erase(&self, shopper: &ShopperKey, at: Timestamp) -> io::Result<bool> {
        let found = {
            let mut ring = self.ring();
            let before = ring.len();
            ring.retain(|event| event.shopper != *shopper);
            ring.len() < before
        };
        if let Some(log) = &self.log {
            log.erase(shopper.clone(), at).await?;
        }
        Ok(found)
    }

    /// Forgets everything in memory.
    pub(in crate::ingest) fn clear(&self) {
        self.ring().clear();
    }

    /// Deletes the log on disk for a redaction of the whole shop, unless it has been. Errors: the disk refused.
    pub(in crate::ingest) async fn redact(&self, at: Timestamp, goes: Goes) -> io::Result<()> {
        match &self.log {
            Some(log) => log.redact(at, goes).await,
            None => Ok(()),
        }
    }

    /// Waits until everything recorded or erased so far is on disk.
    pub async fn flush(&self) {
        if let Some(log) = &self.log {
            log.flush().await;
        }
    }

    /// How many events the log has dropped since the start, because the disk was too slow or refused.
    pub fn dropped(&self) -> u64 {
        self.log.as_ref().map_or(0, TrainingLog::dropped)
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Arc<Recorded>>> {
        // A panic while the lock was held cannot have left the ring half written.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("most", &self.most).field("log", &self.log.is_some()).finish()
    }
}
