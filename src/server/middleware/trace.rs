//! Each request has an id and a place in a trace, is measured, and is told about in the log without its content.
//!
//! `x-request-id` is kept where the client's is short and plain, else made; `traceparent` (W3C Trace Context) is kept
//! where it is well-formed, else started. Both are set on the request, so that what is behind reads them there; the id is
//! on the answer as `outfitter-request-id`, because `x-request-id` may come back from the platform.

use crate::telemetry::events::{RequestActive, RequestServed};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANSWER_ID: HeaderName = HeaderName::from_static("outfitter-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Observes one request.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _active = RequestActive::begin();
    let id = request_id(request.headers_mut());
    traceparent(request.headers_mut());
    let method = label(request.method());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(ANSWER_ID, id);
    let served = RequestServed { method, status: response.status().as_u16(), took: began.elapsed() };
    span.in_scope(|| served.emit());
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
    if headers.get(TRACEPARENT).is_some_and(|value| is_traceparent(value.as_bytes())) {
        return;
    }
    // Neither id may be zero.
    let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace:032x}-{span:016x}-00")) {
        headers.insert(TRACEPARENT, value);
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, ids not zero.
fn is_traceparent(value: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let parts: Vec<&[u8]> = value.splitn(5, |byte| *byte == b'-').collect();
    matches!(parts[..], [b"00", trace, span, flags]
        if trace.len() == 32 && span.len() == 16 && flags.len() == 2
            && hex(trace) && hex(span) && hex(flags) && !zero(trace) && !zero(span))
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
        let kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(kept.as_bytes()));
        for wrong in [
            "",
            "00-1-2-3",
            &kept.to_uppercase(),
            &kept.replace("00f067aa0ba902b7", "0000000000000000"),
            &format!("{kept}-"),
        ] {
            assert!(!is_traceparent(wrong.as_bytes()), "{wrong}");
        }
        let mut headers = HeaderMap::new();
        traceparent(&mut headers);
        assert!(is_traceparent(headers[TRACEPARENT].as_bytes()));
    }
}
