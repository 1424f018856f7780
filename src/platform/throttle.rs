//! Throttling that is said in GraphQL: status 200, no data, and an error with the code `THROTTLED` (Shopify).
//!
//! Of an answer that streams only its beginning is looked at, and nothing is waited for but the rest of a small answer
//! whose length is known. Whatever was read goes on as the beginning of the stream.

use super::fault::UpstreamError;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use futures::FutureExt;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io::Read;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A longer answer is not one of throttling.
const LARGEST: usize = 4 * 1024;
/// Nor is a longer compressed one.
const LARGEST_ZIPPED: usize = 1024;
/// How long the rest of a small answer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

const CODE: &str = "THROTTLED";

/// Reads the beginning of an answer, so far as it could be one of throttling: what was read, and whether it is one.
/// Errors: the answer broke off meanwhile.
pub(super) async fn peek(response: &mut Response<Incoming>) -> Result<(Bytes, bool), UpstreamError> {
    let declared = response.body().size_hint().exact();
    let small = declared.is_none_or(|length| length <= LARGEST as u64);
    if response.status() != StatusCode::OK || !small || !is_json(response.headers()) {
        return Ok((Bytes::new(), false));
    }
    let body = response.body_mut();
    let mut begun = Bytes::new();
    let deadline = Instant::now() + PATIENCE;
    while begun.len() <= LARGEST && !body.is_end_stream() {
        // A length that is not known may be that of a stream, which is not waited for.
        let frame = match body.frame().now_or_never() {
            None if declared.is_some() => match timeout_at(deadline, body.frame()).await {
                Ok(frame) => frame,
                Err(_) => break,
            },
            None => break,
            Some(frame) => frame,
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| UpstreamError::Read(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            begun = if begun.is_empty() { data } else { [begun, data].concat().into() };
        }
    }
    let throttled = match response.headers().get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => begun.len() <= LARGEST && is_throttled(&begun),
        Some(b"gzip" | b"x-gzip") => begun.len() <= LARGEST_ZIPPED && is_throttled(&unzipped(&begun)),
        Some(_) => false,
    };
    Ok((begun, throttled))
}

/// Whether a whole answer, decompressed, is one of throttling.
pub(super) fn is_throttled(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        data: Option<IgnoredAny>,
        #[serde(borrow, default)]
        errors: Vec<GraphQlError<'a>>,
    }
    #[derive(Deserialize)]
    struct GraphQlError<'a> {
        #[serde(borrow, default)]
        extensions: Extensions<'a>,
    }
    #[derive(Default, Deserialize)]
    struct Extensions<'a> {
        code: Option<&'a str>,
    }
    if body.len() > LARGEST || memmem::find(body, CODE.as_bytes()).is_none() {
        return false;
    }
    serde_json::from_slice(body).is_ok_and(|envelope: Envelope<'_>| {
        // Part of the data is worth more to a client than the wait for all of it.
        envelope.data.is_none() && envelope.errors.iter().any(|error| error.extensions.code == Some(CODE))
    })
}

/// What was compressed; empty where it is not gzip or too long.
fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let most = LARGEST as u64 + 1;
    match MultiGzDecoder::new(bytes).take(most).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => Vec::new(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    memmem::find(media, b"json").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_an_error_of_that_code_without_data() {
        for body in [
            r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#,
            r#"{"data":null,"errors":[{"message":"a"},{"extensions":{"x":[1],"code":"THROTTLED"}}],"extensions":{}}"#,
        ] {
            assert!(is_throttled(body.as_bytes()), "{body}");
        }
        for body in [
            r#"{"data":{"shop":{}},"errors":[{"extensions":{"code":"THROTTLED"}}]}"#,
            r#"{"data":{"product":{"title":"THROTTLED"}}}"#,
            r#"{"errors":[{"message":"THROTTLED"}]}"#,
            r#"{"errors":[{"extensions":{"code":"THROTTLED"}}"#,
            r#"{"errors":{"extensions":{"code":"THROTTLED"}}}"#,
            "THROTTLED",
        ] {
            assert!(!is_throttled(body.as_bytes()), "{body}");
        }
        let long = format!(r#"{{"errors":[{{"extensions":{{"code":"THROTTLED","x":"{}"}}}}]}}"#, "x".repeat(LARGEST));
        assert!(!is_throttled(long.as_bytes()));
    }
}
