//! Who is asking, by ingest: the way from a request's evidence to the caller whom the engine and our mutations see.

use super::error::RequestError;
use super::personalize::EventSink;
use super::personalize::sink::{Rejection, SinkError};
use super::who::{Asking, Evidence, Who};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::ingest::{self, Caller, Change, Failure, Ingest, Outcome};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

#[async_trait]
impl Who for Arc<Ingest> {
    async fn ask(&self, evidence: &Evidence) -> Result<Asking, RequestError> {
        let forwarded = evidence.headers.get("x-forwarded-proto").map(|proto| proto.as_bytes());
        let evidence = ingest::Evidence {
            headers: evidence.headers.clone(),
            in_context: evidence.consent,
            token: evidence.token.clone(),
            market: evidence.market.clone(),
            // Whoever forges the header makes their own cookie useless and nobody else's.
            https: forwarded.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")),
            may_set_cookie: true,
        };
        let caller = self.identify(&evidence).await?;
        Ok(Asking {
            context: self.context(&caller, Timestamp::now()).await,
            set_cookie: caller.set_cookie.as_ref().map(|cookie| cookie.header().clone()),
            events: Arc::new(Bound { ingest: Arc::clone(self), caller: Mutex::new(caller) }),
        })
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
