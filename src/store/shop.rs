//! What concerns all shoppers of the shop at once: erasing everything, and which deliveries came already.
//!
//! An erasure of the whole shop may take long and be cut off at any moment. So it is noted first, where it survives, and
//! deleted then: whoever finds it noted and not done goes on, and replicas that find it noted forget what they hold
//! themselves.

use super::traits::StoreError;
use crate::domain::consent::Purpose;
use crate::domain::ids::ShopperKey;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An erasure of the whole shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// When it was ordered, in whole milliseconds: its name.
    pub at: Timestamp,
    /// Whether everything is deleted.
    pub done: bool,
}

/// How long the erasure of a shopper is told to replicas: one that was away for longer does not hear of it.
pub const ERASURES_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many are told at most; beyond, the oldest go.
pub const MOST_ERASURES: usize = 100_000;

/// The erasure of one shopper, as replicas tell each other of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Whose: the keyed hash.
    pub who: ShopperKey,
    /// What was stored for it; `None`: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// When, by the clock of the process that was asked for it.
    pub at: Timestamp,
    /// That process.
    pub by: u64,
}

/// The place of a note in the order in which the store took them: its milliseconds by the store's clock, and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u64, pub u64);

/// How long news of a product is told to replicas.
pub const NEWS_FOR: Duration = Duration::from_secs(60 * 60);
/// How much of it is told at most; beyond, the oldest goes.
pub const MOST_NEWS: usize = 10_000;

/// What became of a product, as replicas tell each other of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductNote {
    /// The process that was told by the platform.
    pub by: u64,
    /// What it was told, in words of its own.
    pub told: String,
}

/// News of products behind a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductsTold {
    /// Oldest first.
    pub notes: Vec<ProductNote>,
    /// The place of the last note.
    pub at: Place,
    /// Whether some may be missing between the place and these.
    pub gap: bool,
}

impl ProductsTold {
    /// Nothing yet of what stands behind that place.
    pub(super) fn behind(place: Place) -> Self {
        Self { notes: Vec::new(), at: place, gap: false }
    }

    /// Takes the next note in. `before`: the place of the one that was there when it was noted; the first of all, where none was.
    pub(super) fn take(&mut self, place: Place, before: Place, note: ProductNote) {
        // Where nothing was there any more, all that had been had lived its time, or was lost.
        let lived = u128::from(place.0.saturating_sub(self.at.0)) >= NEWS_FOR.as_millis();
        self.gap |= before != self.at && !(before == Place::default() && lived);
        self.at = place;
        self.notes.push(note);
    }
}

/// What concerns the shop as a whole.
#[async_trait]
pub trait ShopStore: Send + Sync {
    /// Notes that everything of every shopper is to go, decisions in this store among it. Quick; the note outlives a
    /// fail-over. An older one than the last changes nothing.
    /// Errors: it is not noted, or not where it survives ([`StoreError::NotDurable`]).
    async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError>;

    /// The last one noted.
    async fn redaction(&self) -> Result<Option<Redaction>, StoreError>;

    /// Deletes everything, consent on file among it, and notes that this redaction is done. What comes in meanwhile may go,
    /// too. May be cut off: called again it goes on. Errors: not everything is deleted yet.
    async fn redact(&self, at: Timestamp) -> Result<(), StoreError>;

    /// Notes that a shopper is erased, for the other replicas. Errors: it is not noted.
    async fn note_erasure(&self, erasure: &Erasure) -> Result<(), StoreError>;

    /// Those noted behind that place, oldest first, for [`ERASURES_FOR`] and [`MOST_ERASURES`] at most.
    async fn erasures(&self, behind: Place) -> Result<Vec<(Place, Erasure)>, StoreError>;

    /// Notes what became of products, for the other replicas. May be lost in a fail-over: whoever reads then is told of a gap.
    /// Errors: it is not known whether it is noted.
    async fn note_products(&self, notes: &[ProductNote]) -> Result<(), StoreError>;

    /// What was noted behind that place, for [`NEWS_FOR`] and about [`MOST_NEWS`] at most; `None`: nothing but the place of the
    /// last.
    async fn products(&self, behind: Option<Place>) -> Result<ProductsTold, StoreError>;

    /// Whether one of these deliveries is remembered.
    async fn knows(&self, deliveries: &[String]) -> Result<bool, StoreError>;

    /// Remembers these deliveries, on every replica, for so long.
    async fn remember(&self, deliveries: &[String], time: Duration) -> Result<(), StoreError>;
}
