//! Who is asking: what a request says of its shopper, handed to ingest, and what comes back for the engine.

use super::error::RequestError;
use super::personalize::EventSink;
use super::plan::Plan;
use super::variables::Variables;
use crate::domain::consent::Consent;
use crate::domain::market::Market;
use crate::engine::Context;
use crate::platform::Platform;
use async_trait::async_trait;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;

/// What one request says of its shopper.
pub struct Evidence {
    /// Its headers.
    pub headers: HeaderMap,
    /// Consent in the operation itself.
    pub consent: Option<Consent>,
    /// The market in the operation itself.
    pub market: Market,
    /// A customer token in the operation: a credential, confirmed by the platform before it counts.
    pub token: Option<String>,
}

impl Evidence {
    /// Collects what headers and operation directives say.
    pub fn new(parts: &Parts, platform: &dyn Platform, plan: &Plan, variables: &Variables) -> Self {
        let mut evidence =
            Self { headers: parts.headers.clone(), consent: None, market: Market::default(), token: None };
        for (directive, arguments) in &plan.context {
            let Some(said) = platform.context(directive, &variables.arguments(arguments)) else { continue };
            evidence.consent = said.consent.or(evidence.consent);
            evidence.token = said.token.or(evidence.token);
            evidence.market = said.market;
        }
        evidence
    }
}

/// A shopper as the engine may know them, and the way to change what is stored.
pub struct Asking {
    /// For the engine.
    pub context: Context,
    /// For our mutations.
    pub events: Arc<dyn EventSink>,
    /// The session cookie to set, where consent allows one and the request brought no session.
    pub set_cookie: Option<HeaderValue>,
}

/// Weighs evidence.
#[async_trait]
pub trait Who: Send + Sync {
    /// Who asks. Errors: a header that the client must mend. A store that fails is a shopper of whom nothing is known.
    async fn ask(&self, evidence: &Evidence) -> Result<Asking, RequestError>;
}
