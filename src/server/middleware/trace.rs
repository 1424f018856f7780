//! Each request has an id and a place in a trace, is measured, and is told about in the log without its content.
//!
//! `x-request-id` is kept where the client's is short and plain, else made; `traceparent` (W3C Trace Context) is kept
//! where it is well-formed, else started. Both are set on the request, so that what is behind reads them there; the id is
//! on the answer as `outfitter-request-id`, because `x-request-id` may come back from the platform.

use crate::telemetry::events::{RequestActive, RequestServed};
use crate::telemetry::spans::{self, TRACEPARENT};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANSWER_ID: HeaderName = HeaderName::from_static("outfitter-request-id");

/// Observes one request.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _active = RequestActive::begin();
    let id = request_id(request.headers_mut());
    let method = label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    // Where traces are exported the request's own span is the one that is named behind.
    let traced = spans::request(method, route.as_ref().map(MatchedPath::as_str), request.headers_mut());
    if traced.is_disabled() {
        traceparent(request.headers_mut());
    }
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    // The trace's span is the inner one, so that stages find it as the current span.
    let mut response = next.run(request).instrument(traced.clone()).instrument(span.clone()).await;
    response.headers_mut().insert(ANSWER_ID, id);
    let status = response.status().as_u16();
    spans::answered(&traced, status);
    let route = route.map(|route| Arc::from(route.as_str()));
    let walked = response.extensions().get().copied();
    span.in_scope(|| RequestServed { method, route, status, walked, took: began.elapsed() }.emit());
    response
}

/// The method as a label: hostile clients send any word.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The client's id where it is 1 to 64 letters, digits, `-`, `_` or `.`; else a new one.
fn request_id(headers: &mut HeaderMap) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let kept = headers.get(REQUEST_ID).filter(|value| (1..=64).contains(&value.len()));
    if let Some(kept) = kept.filter(|value| value.as_bytes().iter().all(plain)) {
        return kept.clone();
    }
    let id = hexadecimal(rand::random::<u128>(), 32);
    headers.insert(REQUEST_ID, id.clone());
    id
}

/// Keeps a well-formed `traceparent` or starts a trace.
fn traceparent(headers: &mut HeaderMap) {
    if headers.get(TRACEPARENT).is_some_and(|value| spans::parse(value.as_bytes()).is_some()) {
        return;
    }
    // Neither id may be zero.
    let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace:032x}-{span:016x}-00")) {
        headers.insert(TRACEPARENT, value);
    }
}

/// A number as a header.
fn hexadecimal(number: u128, digits: usize) -> HeaderValue {
    HeaderValue::try_from(format!("{number:0digits$x}")).unwrap_or(HeaderValue::from_static("0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_kept_and_any_other_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1.2_3"));
        assert_eq!(request_id(&mut headers), "abc-1.2_3");
        for wrong in ["", "a b", "\"}{", &"x".repeat(65)] {
            headers.insert(REQUEST_ID, HeaderValue::from_str(wrong).unwrap());
            assert_eq!(request_id(&mut headers).len(), 32, "{wrong}");
        }
    }

    #[test]
    fn a_trace_is_kept_or_started() {
        let kept = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let mut headers = HeaderMap::from_iter([(TRACEPARENT, kept.clone())]);
        traceparent(&mut headers);
        assert_eq!(headers[TRACEPARENT], kept);
        for mut headers in
            [HeaderMap::new(), HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static("00-1-2-3"))])]
        {
            traceparent(&mut headers);
            assert!(spans::parse(headers[TRACEPARENT].as_bytes()).is_some());
        }
    }
}
