//! Headers that every answer carries, where a handler has not set its own.

use super::vary;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::{
    HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use std::time::Duration;

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    // JSON stays JSON, whatever a browser thinks that it looks like.
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // No page may put an answer or GraphiQL into a frame.
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // A GET has its variables in the URL.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The headers, put together once.
#[derive(Debug)]
pub(crate) struct Always {
    /// Tells browsers to come over TLS alone, where the operator has decided so: it cannot be taken back before it ends.
    transport: Option<HeaderValue>,
}

impl Always {
    /// `hsts`: for how long browsers are to come over TLS alone.
    pub(crate) fn new(hsts: Option<Duration>) -> Self {
        let value = |hsts: Duration| HeaderValue::try_from(format!("max-age={}", hsts.as_secs())).ok();
        Self { transport: hsts.and_then(value) }
    }

    /// Adds what is missing, and joins what the layers within have each said of `Vary`.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        for (name, value) in HEADERS {
            headers.entry(name).or_insert(value);
        }
        if let Some(value) = &self.transport {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| value.clone());
        }
        vary::join(headers);
    }
}
