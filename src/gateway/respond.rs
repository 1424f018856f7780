//! The last stage: the answer as HTTP. Status, media type, caching, and which headers of the platform go back.
//!
//! Status codes follow GraphQL over HTTP: under `application/graphql-response+json` a request error is a 4xx, under
//! `application/json` a 200 that says so in `errors`. What is no GraphQL request at all (not JSON, no document, too large,
//! wrong type, wrong method) has its own status under both. An answer with a shopper's data in it is `private, no-store` unless the shop says
//! otherwise, and varies by what identifies a shopper.

use super::accept::{Accept, Media};
use super::error::{Class, ClientError, GatewayError, UpstreamError};
use super::json::lacks_member;
use crate::telemetry::events::{ErrorTold, Walked};
use bytes::Bytes;
use futures::Stream;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, RETRY_AFTER, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of an answer: held whole, or passed on as it comes.
pub enum AnswerBody {
    /// Whole.
    Full(Bytes),
    /// The platform's own. An error ends the connection, so that a client never takes a part for the whole.
    Passed(Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>),
    /// In parts, as they are made. An error ends the connection.
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Passed(body) => body.as_mut().poll_frame(cx),
            Self::Stream(stream) => stream.as_mut().poll_next(cx).map(|next| next.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Passed(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Passed(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Passed(_) => f.write_str("Passed"),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Among the extensions of an answer that passes through: its bytes stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Untouched;

/// Who may keep the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// As the platform said: nothing of a shopper was added.
    #[default]
    Platform,
    /// Nobody.
    NoStore,
    /// The shopper's own browser, for so many seconds; for GET where the shop asks for it.
    Private(u32),
}

/// Which of the platform's headers go back to the client.
pub type Returns<'a> = &'a dyn Fn(&HeaderName) -> bool;

/// What the platform answered beside its body.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, all of them.
    pub headers: &'a HeaderMap,
}

/// A GraphQL answer that the gateway composed. `has_data` is false where execution did not begin.
///
/// The platform's headers that `returns` allows go back, every `Set-Cookie` among them.
pub fn composed(
    body: Bytes,
    has_data: bool,
    accept: Accept,
    caching: Caching,
    upstream: Option<(Upstream<'_>, Returns<'_>)>,
) -> Response<AnswerBody> {
    let refused = accept.media == Media::GraphqlResponse && !has_data;
    let mut response = Response::new(AnswerBody::Full(body));
    *response.status_mut() = if refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let headers = response.headers_mut();
    if let Some((upstream, returns)) = upstream {
        pass_back(upstream.headers, headers, returns);
    }
    finish(headers, accept.media, caching);
    response
}

/// The platform's own answer, passed on. JSON goes out under the type the client asked for; anything else
/// (`multipart/mixed` of a deferred answer) keeps its own.
///
/// `beginning` is as much of the body as is at hand: where it is a whole answer without `data`, a client of
/// `application/graphql-response+json` gets 400 for it, as GraphQL over HTTP asks.
pub fn forwarded(
    upstream: Upstream<'_>,
    body: AnswerBody,
    beginning: &[u8],
    accept: Accept,
    returns: Returns<'_>,
) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    response.extensions_mut().insert(Untouched);
    let headers = response.headers_mut();
    pass_back(upstream.headers, headers, returns);
    if is_json(upstream.headers) {
        finish(headers, accept.media, Caching::Platform);
        let refused = accept.media == Media::GraphqlResponse && upstream.status.is_success() && lacks_data(beginning);
        *response.status_mut() = if refused { StatusCode::BAD_REQUEST } else { upstream.status };
        return response;
    }
    if let Some(value) = upstream.headers.get(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, value.clone());
    }
    *response.status_mut() = upstream.status;
    response
}

/// An answer in parts that the gateway composes as they come, under the boundary that the platform named.
pub fn in_parts(
    upstream: Upstream<'_>,
    body: AnswerBody,
    caching: Caching,
    returns: &dyn Fn(&HeaderName) -> bool,
) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = upstream.status;
    let headers = response.headers_mut();
    pass_back(upstream.headers, headers, returns);
    finish(headers, Media::Json, caching);
    if let Some(value) = upstream.headers.get(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, value.clone());
    }
    response
}

/// An error that ends the request before there is an answer. It is counted and logged here, once.
pub fn failed(error: &GatewayError, accept: Accept) -> Response<AnswerBody> {
    let code = error.code();
    // That the circuit opened was logged when it did; each request that finds it so is no news.
    let ours = !matches!(error, GatewayError::Request(_) | GatewayError::Upstream(UpstreamError::Open { .. }));
    ErrorTold { code: code.as_str(), cause: error, ours }.emit();
    let graphql = code.class() != Class::Http && accept.media == Media::Json;
    let mut response = errors(&error.client(), accept.media);
    *response.status_mut() = if graphql { StatusCode::OK } else { status(error) };
    response.extensions_mut().insert(Walked { class: "none", outcome: if ours { "failed" } else { "refused" } });
    if code.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if code == super::error::Code::MutationByGet { "POST" } else { "GET, POST" };
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    let after = match error {
        GatewayError::Upstream(UpstreamError::Open { seconds }) => Some(HeaderValue::from(*seconds)),
        GatewayError::Upstream(UpstreamError::Busy { after, .. }) => after.clone(),
        _ => None,
    };
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    if code.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    response
}

/// The code's status; the platform's own where it answered with an error status.
fn status(error: &GatewayError) -> StatusCode {
    let theirs = match error {
        GatewayError::Upstream(UpstreamError::Busy { status, .. }) => Some(*status),
        GatewayError::Upstream(UpstreamError::NotGraphql { status, .. }) => StatusCode::from_u16(*status).ok(),
        _ => None,
    };
    let theirs = theirs.filter(|status| status.is_client_error() || status.is_server_error());
    theirs.unwrap_or_else(|| error.code().status())
}

/// An answer of the platform that is none of GraphQL: an error page, a redirect. Its body stays here. An error status
/// goes on, and so does `Retry-After` of a busy one, so that a client that is asked to wait, waits; cookies do too.
pub fn foreign(upstream: Upstream<'_>, accept: Accept, returns: Returns<'_>) -> Response<AnswerBody> {
    let reason = "its content type is none of GraphQL over HTTP".to_owned();
    let error = UpstreamError::foreign(upstream.status, upstream.headers, reason).into();
    let mut response = failed(&error, accept);
    for value in upstream.headers.get_all(SET_COOKIE).iter().filter(|_| returns(&SET_COOKIE)) {
        response.headers_mut().append(SET_COOKIE, value.clone());
    }
    response
}

/// The body of an answer that holds errors only.
fn errors(errors: &[ClientError], media: Media) -> Response<AnswerBody> {
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [ClientError],
    }
    // Strings and numbers: there is nothing in it that cannot be written.
    let body = serde_json::to_vec(&Errors { errors }).unwrap_or_else(|_| br#"{"errors":[]}"#.to_vec());
    let mut response = Response::new(AnswerBody::Full(body.into()));
    finish(response.headers_mut(), media, Caching::NoStore);
    response
}

/// Media type, caching and what the answer varies by.
fn finish(headers: &mut HeaderMap, media: Media, caching: Caching) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.append(VARY, HeaderValue::from_static("accept"));
    if caching != Caching::Platform {
        // They describe the platform's answer, not this one.
        headers.remove(ETAG);
        headers.remove(LAST_MODIFIED);
    }
    match caching {
        Caching::Platform => {}
        Caching::NoStore => {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        Caching::Private(seconds) => {
            let value = HeaderValue::try_from(format!("private, max-age={seconds}"));
            headers.insert(CACHE_CONTROL, value.unwrap_or(HeaderValue::from_static("private, no-store")));
            headers.append(VARY, HeaderValue::from_static("outfitter-session, outfitter-consent, cookie"));
        }
    }
}

/// Headers that are put onto an answer after the platform's: they should not have to move for it.
const MORE_HEADERS: usize = 12;

/// Copies what `returns` allows, every value of it, and the platform's own caching. Lengths and encodings are ours.
fn pass_back(from: &HeaderMap, to: &mut HeaderMap, returns: Returns<'_>) {
    to.reserve(from.len() + MORE_HEADERS);
    for (name, value) in from {
        if (returns(name) || name == CACHE_CONTROL || name == VARY) && name != CONTENT_LENGTH && name != CONTENT_TYPE {
            to.append(name.clone(), value.clone());
        }
    }
}

/// The media type, without its parameters.
fn media(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether the content type is JSON, of GraphQL or any.
pub fn is_json(headers: &HeaderMap) -> bool {
    let media = media(headers);
    ["application/json", "application/graphql-response+json"].iter().any(|json| media.eq_ignore_ascii_case(json))
}

/// Whether the content type is one that a GraphQL server answers with: JSON, or parts of it.
pub fn is_answer(headers: &HeaderMap) -> bool {
    is_json(headers) || media(headers).eq_ignore_ascii_case("multipart/mixed")
}

/// Whether an answer is whole and has no member `data`. What is cut off or no object counts as having one.
pub fn lacks_data(json: &[u8]) -> bool {
    lacks_member(json, b"data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::error::{Code, RequestError};

    const GRAPHQL: Accept = Accept { media: Media::GraphqlResponse, multipart: false };

    fn status(error: RequestError, accept: Accept) -> u16 {
        failed(&error.into(), accept).status().as_u16()
    }

    #[test]
    fn request_errors_are_told_by_status_only_where_the_type_allows_it() {
        assert_eq!(status(RequestError::OperationNameMissing, GRAPHQL), 400);
        assert_eq!(status(RequestError::OperationNameMissing, Accept::default()), 200);
        assert_eq!(status(RequestError::MissingQuery, GRAPHQL), 400);
        assert_eq!(status(RequestError::MissingQuery, Accept::default()), 400);
        assert_eq!(status(RequestError::BodyTooLarge { limit: 1 }, Accept::default()), 413);
        assert_eq!(status(RequestError::MediaType, Accept::default()), 415);
        assert_eq!(status(RequestError::Nesting { name: "variables", limit: 64 }, Accept::default()), 400);
        let response = failed(&RequestError::MutationByGet.into(), Accept::default());
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "POST");
    }

    #[test]
    fn an_answer_of_a_shopper_is_never_stored() {
        let mut upstream = HeaderMap::new();
        upstream.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        upstream.append("set-cookie", HeaderValue::from_static("a=1"));
        upstream.append("set-cookie", HeaderValue::from_static("b=2"));
        upstream.append("x-internal", HeaderValue::from_static("secret"));
        upstream.append(ETAG, HeaderValue::from_static("\"1\""));
        let returns = |name: &HeaderName| name == "set-cookie" || name == ETAG;
        let from = Upstream { status: StatusCode::OK, headers: &upstream };
        let response = composed(Bytes::from_static(b"{}"), true, GRAPHQL, Caching::NoStore, Some((from, &returns)));
        assert_eq!(response.headers()[CACHE_CONTROL], "private, no-store");
        assert_eq!(response.headers().get_all(CACHE_CONTROL).iter().count(), 1);
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert!(!response.headers().contains_key("x-internal"));
        assert!(!response.headers().contains_key(ETAG), "the platform's answer is another one");
        let kept = composed(Bytes::new(), true, GRAPHQL, Caching::Private(30), None);
        assert_eq!(kept.headers()[CACHE_CONTROL], "private, max-age=30");
    }

    #[test]
    fn a_forwarded_answer_keeps_the_platforms_caching_and_parts() {
        let mut upstream = HeaderMap::new();
        upstream.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/mixed; boundary=x"));
        let from = Upstream { status: StatusCode::OK, headers: &upstream };
        let response = forwarded(from, AnswerBody::Full(Bytes::new()), b"", GRAPHQL, &|_| false);
        assert_eq!(response.headers()[CONTENT_TYPE], "multipart/mixed; boundary=x");

        upstream.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        upstream.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        let body = br#"{"errors":[{"data":1}]}"#;
        let answer = |accept| {
            let from = Upstream { status: StatusCode::OK, headers: &upstream };
            forwarded(from, AnswerBody::Full(Bytes::from_static(body)), body, accept, &|_| false)
        };
        assert_eq!(answer(GRAPHQL).status(), 400);
        assert_eq!(answer(Accept::default()).status(), 200);
        assert_eq!(answer(GRAPHQL).headers()[CACHE_CONTROL], "public, max-age=60");
    }

    #[test]
    fn data_is_found_at_the_top_only() {
        assert!(!lacks_data(br#"{"data":null}"#));
        assert!(!lacks_data(br#"{"errors":[],"data" : {}}"#));
        assert!(lacks_data(br#"{"errors":[{"data":1}],"x":"data"} "#));
        assert!(!lacks_data(br#"{"errors":[{"message":"cut"#));
        assert!(!lacks_data(b""));
    }

    #[test]
    fn a_failure_of_the_platform_is_masked() {
        let error = GatewayError::from(UpstreamError::NotGraphql { status: 502, reason: "HTML".into() });
        assert_eq!(error.code(), Code::UpstreamInvalid);
        let response = failed(&error, Accept::default());
        assert_eq!(response.status(), 502);
        let AnswerBody::Full(body) = response.into_body() else { panic!("a stream") };
        assert!(!String::from_utf8_lossy(&body).contains("HTML"));
    }
}
