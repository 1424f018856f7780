//! What the personalization schema hands to ingest: events, consent, erasure.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::engine::context::Context;
use crate::store::StoreError;
use async_trait::async_trait;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Described where the schema describes them.
pub enum Rejection {
    NoConsent,
    Duplicate,
    Malformed,
    UnknownProduct,
    Future,
    TooOld,
    RateLimited,
}

/// Ingest, as far as resolvers see it. The shopper is the one of the context, and nobody else.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes events; one answer an event, in order: taken, or why not, in words for the client.
    async fn track(&self, context: &Context, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>>;

    /// Sets or withdraws consent for the purposes named. The consent now in force, and the purposes whose data was
    /// deleted.
    async fn consent(
        &self,
        context: &Context,
        change: &[(Purpose, bool)],
    ) -> Result<(Consent, Vec<Purpose>), StoreError>;

    /// Deletes everything about the shopper. True where there was something.
    async fn forget(&self, context: &Context) -> Result<bool, StoreError>;
}
