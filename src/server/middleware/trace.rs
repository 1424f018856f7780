//! Each request has an id and a place in a trace, is measured, and is told about in the log without its content.
//!
//! `x-request-id` is kept where the client's is short and plain, else made; `traceparent` (W3C Trace Context) is kept
//! where it is well-formed, else started. Both are set on the request, so that what is behind reads them there; the id is
//! on the answer as `outfitter-request-id`, because `x-request-id` may come back from the platform.

use crate::telemetry::events::{RequestActive, RequestServed};
use crate::telemetry::spans::{self, TRACEPARENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tracing::{Instrument, Span};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANSWER_ID: HeaderName = HeaderName::from_static("outfitter-request-id");

/// One request under observation, from its head to the head of its answer.
pub(crate) struct Observed {
    began: Instant,
    id: HeaderValue,
    method: &'static str,
    /// Its place in the log.
    span: Span,
    /// Its place in the trace.
    traced: Span,
    /// Counts it among those in flight.
    _active: RequestActive,
}

impl Observed {
    /// Gives a request its id and its place in a trace. `route`: the pattern of its path, as far as it is known.
    pub(crate) fn begin<B>(request: &mut Request<B>, route: Option<&str>) -> Self {
        let (began, active) = (Instant::now(), RequestActive::begin());
        let id = request_id(request.headers_mut());
        let method = label(request.method());
        // Where traces are exported the request's own span is the one that is named behind.
        let traced = spans::request(method, route, request.headers_mut());
        if traced.is_disabled() {
            traceparent(request.headers_mut());
        }
        let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
        Self { began, id, method, span, traced, _active: active }
    }

    /// Work on the request. The trace's span is the inner one, so that stages find it as the current span.
    pub(crate) fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.instrument(self.traced.clone()).instrument(self.span.clone())
    }

    /// It is answered: tells metrics, trace and log, and the client its id. `route` as the answer knows it.
    pub(crate) fn end<B>(self, response: &mut Response<B>, route: Option<Arc<str>>) {
        let Self { began, id, method, span, traced, _active } = self;
        response.headers_mut().insert(ANSWER_ID, id);
        let status = response.status().as_u16();
        spans::answered(&traced, method, route.as_deref(), status);
        let walked = response.extensions().get().copied();
        span.in_scope(|| RequestServed { method, route, status, walked, took: began.elapsed() }.emit());
    }
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
    let mut digits = [0; 32];
    let id = hexadecimal(&rand::random::<[u8; 16]>(), &mut digits);
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
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    hexadecimal(&trace.to_be_bytes(), &mut text[3..35]);
    hexadecimal(&span.to_be_bytes(), &mut text[36..52]);
    if let Ok(value) = HeaderValue::from_bytes(&text) {
        headers.insert(TRACEPARENT, value);
    }
}

/// Bytes as hexadecimal digits, two each, and those as a header.
fn hexadecimal(bytes: &[u8], digits: &mut [u8]) -> HeaderValue {
    // It fails only where there is no room for the digits.
    hex::encode_to_slice(bytes, digits).ok();
    HeaderValue::from_bytes(digits).unwrap_or(HeaderValue::from_static("0"))
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
