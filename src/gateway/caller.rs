//! Who is asking, by ingest: the way from a request's evidence to the caller whom the engine and our mutations see.

use super::classify::{Classified, Operation};
use super::error::RequestError;
use super::personalize::EventSink;
use super::personalize::sink::{Rejection, SinkError};
use super::who::{Asking, Who};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::engine::Context;
use crate::ingest::{self, Caller, Change, Evidence, Failure, Ingest, Outcome, RootField};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

#[async_trait]
impl Who for Arc<Ingest> {
    async fn ask(&self, evidence: &Evidence) -> Result<Asking, RequestError> {
        let caller = self.identify(evidence).await?;
        Ok(Asking {
            context: self.context(&caller, Timestamp::now()).await,
            events: Arc::new(Bound { ingest: Arc::clone(self), caller: Mutex::new(caller) }),
        })
    }

    fn roots(
        &self,
        document: &Classified,
        operation: &Operation,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Vec<RootField> {
        Ingest::roots(self, &operation.definition, &document.fragments, variable)
    }

    fn session_hash(&self, headers: &HeaderMap) -> Option<String> {
        Ingest::session_hash(self, headers)
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        Ingest::knows(self, headers)
    }

    fn watch(&self, evidence: Evidence, roots: &[RootField], answer: Option<Bytes>) {
        Ingest::watch(self, evidence, roots, answer);
    }
}

/// Ingest, bound to one caller. Serial mutations see what an earlier one changed of consent.
struct Bound {
    ingest: Arc<Ingest>,
    caller: Mutex<Caller>,
}

impl Bound {
    fn caller(&self) -> Caller {
        // A panic while the lock was held cannot have left a caller half written.
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl EventSink for Bound {
    async fn track(&self, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>> {
        let told = |outcome| match outcome {
            Outcome::Accepted => Ok(()),
            Outcome::Rejected(why) => Err((rejection(why.code), why.message)),
        };
        self.ingest.accept(&self.caller(), events).await.into_iter().map(told).collect()
    }

    async fn consent(&self, changes: &[(Purpose, bool)]) -> Result<(Consent, Vec<Purpose>), SinkError> {
        let mut change = Change::default();
        for (purpose, allowed) in changes {
            change.set(*purpose, *allowed);
        }
        let changed = self.ingest.consent(&self.caller(), change).await.map_err(failed)?;
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = changed.caller;
        Ok((changed.consent, changed.erased))
    }

    async fn forget(&self) -> Result<bool, SinkError> {
        self.ingest.forget(&self.caller()).await.map_err(failed)
    }

    async fn context(&self) -> Context {
        self.ingest.context(&self.caller(), Timestamp::now()).await
    }

    fn observe(&self, roots: &[RootField], answer: Option<Bytes>) {
        self.ingest.observe(&self.caller(), roots, answer);
    }

    fn set_cookie(&self) -> Option<HeaderValue> {
        self.caller().set_cookie.map(|cookie| cookie.header().clone())
    }
}

fn failed(failure: Failure) -> SinkError {
    match failure {
        Failure::Refused(refusal) => SinkError::Refused { code: refusal.code(), message: refusal.to_string() },
        Failure::Store(error) => {
            tracing::warn!(%error, "what is stored of a shopper could not be changed");
            SinkError::Unavailable
        }
    }
}

fn rejection(code: ingest::Rejection) -> Rejection {
    match code {
        ingest::Rejection::NoConsent => Rejection::NoConsent,
        ingest::Rejection::Duplicate => Rejection::Duplicate,
        ingest::Rejection::Malformed => Rejection::Malformed,
        ingest::Rejection::UnknownProduct => Rejection::UnknownProduct,
        ingest::Rejection::Future => Rejection::Future,
        ingest::Rejection::TooOld => Rejection::TooOld,
        ingest::Rejection::RateLimited => Rejection::RateLimited,
    }
}
