//! Headers that every answer carries, where a handler has not set its own.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tower::layer::util::Identity;
use tower::util::Either;
use tower_http::set_header::SetResponseHeaderLayer;

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

/// Tells browsers to come over TLS alone, where the operator has decided so: it cannot be taken back before it ends.
pub(crate) fn transport(hsts: Option<Duration>) -> Either<SetResponseHeaderLayer<HeaderValue>, Identity> {
    let value = hsts.and_then(|hsts| HeaderValue::try_from(format!("max-age={}", hsts.as_secs())).ok());
    match value {
        Some(value) => Either::Left(SetResponseHeaderLayer::if_not_present(STRICT_TRANSPORT_SECURITY, value)),
        None => Either::Right(Identity::new()),
    }
}
