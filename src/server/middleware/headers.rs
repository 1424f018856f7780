//! Headers that every answer carries, where a handler has not set its own.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::middleware::Next;
use axum::response::Response;

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    // JSON stays JSON, whatever a browser thinks that it looks like.
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // No page may put an answer or GraphiQL into a frame.
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // A GET has its variables in the URL.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Adds what is missing.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
