//! A door for what platforms or pages send ([`super::incoming`] has the paths). It takes so many at once, bodies of so many
//! bytes, within a time; what is refused says why in the form that clients of the gateway parse.

use super::app::App;
use super::config::Origins;
use crate::gateway::error::{Code, RequestError};
use crate::ingest::{Ingest, Refused};
use crate::telemetry::events::ErrorTold;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What handlers of one door share.
pub(super) struct Door {
    /// Takes what comes.
    pub(super) ingest: Arc<Ingest>,
    /// One for each that is in work.
    pub(super) permits: Semaphore,
    /// The largest body, bytes.
    limit: usize,
    /// How long a body may take to arrive.
    patience: Duration,
    /// Pages that were let in.
    pub(super) origins: Arc<Origins>,
}

/// Why something was not taken, as it is answered.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    message: Cow<'static, str>,
}

impl Refusal {
    /// More come in than are taken at once.
    pub(super) fn too_many() -> Self {
        Self { code: Code::TooMany, message: "too many at once; send it again in a second".into() }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let code = match refused {
            Refused::NotTaken => Code::WebhookNotTaken,
            Refused::Unproven(_) => Code::WebhookUnproven,
            Refused::Unreadable(_) | Refused::NoForm(_) => Code::Malformed,
            Refused::Caller(_) => Code::InvalidParameter,
            Refused::Later => Code::TryLater,
        };
        Self { code, message: refused.to_string().into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        ErrorTold { code: self.code.as_str(), cause: &self, ours: self.code == Code::TryLater }.emit();
        let body = json!({ "errors": [{ "message": self.message, "extensions": { "code": self.code.as_str() } }] });
        let mut response = answer(&body);
        *response.status_mut() = self.code.status();
        let again = match self.code {
            Code::TooMany => Some("1"),
            Code::TryLater => Some("10"),
            _ => None,
        };
        response.headers_mut().extend(again.map(|seconds| (RETRY_AFTER, HeaderValue::from_static(seconds))));
        response
    }
}

/// An answer in JSON that nobody keeps.
pub(super) fn answer(body: &impl Serialize) -> Response {
    // What is answered are numbers, codes and texts: there is no error.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let headers = [(CONTENT_TYPE, "application/json; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, bytes).into_response()
}

impl Door {
    /// Takes so many at once, bodies of so many bytes.
    pub(super) fn new(app: &App, ingest: &Arc<Ingest>, in_flight: usize, body: u64) -> Arc<Self> {
        Arc::new(Self {
            ingest: Arc::clone(ingest),
            permits: Semaphore::new(in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            limit: usize::try_from(body).unwrap_or(usize::MAX),
            patience: app.config.body_timeout,
            origins: Arc::clone(&app.origins),
        })
    }

    /// The whole body within limit and time.
    pub(super) async fn collect(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        let too_large = || Refusal {
            code: Code::BodyTooLarge,
            message: format!("the body is larger than the {} bytes that are taken here", self.limit).into(),
        };
        let announced =
            headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > self.limit as u64) {
            return Err(too_large());
        }
        match tokio::time::timeout(self.patience, Limited::new(body, self.limit).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Refusal { code: Code::Malformed, message: RequestError::BodyBroken.to_string().into() }),
            Err(_) => Err(Refusal { code: Code::BodyTimeout, message: RequestError::BodyTimeout.to_string().into() }),
        }
    }
}

#[cfg(test)]
mod tests;
