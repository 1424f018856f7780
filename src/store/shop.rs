//! What concerns all shoppers of the shop at once: erasing everything, and which deliveries came already.
//!
//! An erasure of the whole shop may take long and be cut off at any moment. So it is noted first, where it survives, and
//! deleted then: whoever finds it noted and not done goes on, and replicas that find it noted forget what they hold
//! themselves.

use super::traits::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// An erasure of the whole shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// When it was ordered, in whole milliseconds: its name.
    pub at: Timestamp,
    /// Whether everything is deleted.
    pub done: bool,
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

    /// Whether one of these deliveries is remembered.
    async fn knows(&self, deliveries: &[String]) -> Result<bool, StoreError>;

    /// Remembers these deliveries, on every replica, for so long.
    async fn remember(&self, deliveries: &[String], time: Duration) -> Result<(), StoreError>;
}
