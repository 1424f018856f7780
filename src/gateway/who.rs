//! Who is asking: what a request says of its shopper is handed to ingest, and what comes back is for the engine.

use super::classify::{Classified, Operation};
use super::error::RequestError;
use super::personalize::EventSink;
use crate::engine::Context;
use crate::ingest::{Evidence, RootField};
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use std::sync::Arc;

/// A shopper as the engine may know them, and the way to change what is stored.
pub struct Asking {
    /// For the engine.
    pub context: Context,
    /// For our mutations, and for what the operation shows.
    pub events: Arc<dyn EventSink>,
}

/// Ingest, as the gateway's walk sees it.
#[async_trait]
pub trait Who: Send + Sync {
    /// Who asks. Errors: a header that the client must mend. A store that fails is a shopper of whom nothing is known.
    async fn ask(&self, evidence: &Evidence) -> Result<Asking, RequestError>;

    /// The root fields of an operation that say something of its shopper; none where nobody listens.
    fn roots(
        &self,
        document: &Classified,
        operation: &Operation,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Vec<RootField>;

    /// The keyed hash of the session that these headers name, for the record of customer data.
    fn session_hash(&self, _headers: &HeaderMap) -> Option<String> {
        None
    }

    /// Learns from an operation that passed through. Returns at once.
    fn watch(&self, evidence: Evidence, roots: &[RootField], answer: Option<Bytes>);

    /// Whether headers tell one shopper from another. Where they do not and no token does, nothing can be learned.
    fn knows(&self, headers: &HeaderMap) -> bool;
}
