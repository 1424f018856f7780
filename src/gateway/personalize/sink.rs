//! What the personalization schema hands to ingest: events, consent, erasure.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::engine::Context;
use crate::ingest::RootField;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;

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

/// Why consent was not set or nothing was erased.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The client can do something about it: the message says what.
    #[error("{message}")]
    Refused {
        /// The stable code.
        code: &'static str,
        /// What is wrong and what to do, in words for the client.
        message: String,
    },
    /// What is stored cannot be reached now. Logged where it was found.
    #[error("what is stored about the shopper cannot be reached now; try again")]
    Unavailable,
}

/// Ingest, bound to the caller of one request: it reaches that shopper and nobody else.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes events; one answer an event, in order: taken, or why not, in words for the client.
    async fn track(&self, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>>;

    /// Sets or withdraws consent for the purposes named. The consent now in force, and the purposes whose data was
    /// deleted.
    async fn consent(&self, change: &[(Purpose, bool)]) -> Result<(Consent, Vec<Purpose>), SinkError>;

    /// Deletes everything about the shopper. True where there was something.
    async fn forget(&self) -> Result<bool, SinkError>;

    /// The shopper as the engine may know them now: after one of our mutations that may be another than before.
    async fn context(&self) -> Context;

    /// Learns what the operation shows about the shopper, from its root fields and the platform's answer. Returns at
    /// once.
    fn observe(&self, _roots: &[RootField], _answer: Option<Bytes>) {}

    /// The session cookie to set on the answer, where consent allows one and the request brought no session.
    fn set_cookie(&self) -> Option<HeaderValue> {
        None
    }
}
