//! Forward: what passes through, byte for byte in both directions. Headers go by the platform's allow-lists.

use super::accept::{Accept, Media};
use super::envelope::Envelope;
use super::error::{GatewayError, UpstreamError};
pub use super::overhear::Listener;
use super::overhear::Overheard;
use super::passed::Passed;
use super::persisted::rewrite::rewrite;
use super::respond::{self, AnswerBody};
use super::share::key::Asked as SharedRequest;
use super::share::{Joined, Leader, Share, Waited, Whole};
use crate::ingest::identity::cookie;
use crate::platform::Platform;
use crate::platform::upstream::{Asked, Repeat, Upstream, UpstreamError as Failure};
use apollo_compiler::ast::OperationType;
use bytes::Bytes;
use futures::TryStreamExt;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use std::borrow::Cow;
use std::net::IpAddr;

/// Headers that are put onto a request after the client's: they should not have to move for it.
const MORE_HEADERS: usize = 6;

/// The headers of a request that the platform gets to see.
pub fn headers(platform: &dyn Platform, from: &HeaderMap, buyer: IpAddr) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(from.len() + MORE_HEADERS);
    for (name, value) in from.iter().filter(|(name, _)| platform.forwards(name)) {
        // The gateway's own session is nobody else's to know.
        let value = if name == COOKIE { without_own(value) } else { Some(value.clone()) };
        if let Some(value) = value {
            headers.append(name.clone(), value);
        }
    }
    platform.buyer(&mut headers, buyer);
    headers
}

/// Cookies without the gateway's own; `None` where nothing is left. Without ours the header stays as it came.
fn without_own(cookies: &HeaderValue) -> Option<HeaderValue> {
    let is_own = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii() == cookie::NAME.as_bytes()
    };
    if !cookies.as_bytes().split(|byte| *byte == b';').any(|pair| is_own(&pair)) {
        return Some(cookies.clone());
    }
    let left = cookies.as_bytes().split(|byte| *byte == b';').filter(|pair| !is_own(pair)).map(<[u8]>::trim_ascii);
    let left = left.collect::<Vec<_>>().join(&b"; "[..]);
    HeaderValue::from_bytes(&left).ok().filter(|value| !value.is_empty())
}

/// Whether an operation may be sent to the platform again where nothing came of it: only a query.
pub fn repeat(operation: OperationType) -> Repeat {
    if operation == OperationType::Query { Repeat::Once } else { Repeat::Never }
}

/// A request on its way through.
pub struct Passing<'a> {
    /// GET or POST.
    pub method: Method,
    /// The query string.
    pub query: Option<Cow<'a, str>>,
    /// What the platform gets to see of the headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether it may be sent again: only what is a query for certain.
    pub repeat: Repeat,
    /// Overhears the answer.
    pub listener: Option<Listener>,
}

impl Passing<'_> {
    /// Puts the text in for a document that was named otherwise.
    /// Errors: the envelope cannot be written, which is a bug.
    pub fn rewrite(&mut self, envelope: &Envelope) -> Result<(), GatewayError> {
        let written = rewrite(envelope).map_err(|error| GatewayError::Internal(error.to_string()))?;
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (self.method, self.query, self.body) = (written.method, written.query.map(Cow::Owned), written.body);
        Ok(())
    }

    /// Sends the request and streams the answer back.
    /// Errors: the platform gave no answer at all; what it answers, errors included, is passed on.
    pub async fn forward(
        self,
        upstream: &Upstream,
        platform: &dyn Platform,
        accept: Accept,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        self.lead(None, upstream, platform, accept).await
    }

    /// As [`Passing::forward`]; but where the same is on its way already, with the answer to that. `came`: the client's
    /// headers.
    /// Errors: as there.
    pub async fn share(
        self,
        share: &Share,
        came: &HeaderMap,
        upstream: &Upstream,
        platform: &dyn Platform,
        accept: Accept,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let (method, query) = (&self.method, self.query.as_deref());
        let asked = SharedRequest { method, query, body: &self.body, sent: &self.headers, came, accept };
        let Some(key) = share.key(&asked, platform) else {
            return self.forward(upstream, platform, accept).await;
        };
        // Who was left by a leader may lead or follow once more, then goes alone.
        for _ in 0..2 {
            match share.join(&key) {
                Joined::Lead(leader) => return self.lead(Some(leader), upstream, platform, accept).await,
                Joined::Follow(following) => match following.wait().await {
                    Waited::Whole(whole) => return Ok(self.follow(&whole, platform, accept)),
                    Waited::Alone => break,
                    Waited::Abandoned => {}
                },
            }
        }
        self.forward(upstream, platform, accept).await
    }

    /// Answers with what another request was answered, and learns from it for this one.
    fn follow(self, whole: &Whole, platform: &dyn Platform, accept: Accept) -> Response<AnswerBody> {
        let from = respond::Upstream { status: StatusCode::OK, headers: &whole.headers };
        let body = match self.listener {
            None => AnswerBody::Full(whole.body.clone()),
            Some(listener) => {
                let overheard = Overheard::new(listener, StatusCode::OK, &whole.headers);
                AnswerBody::Passed(Box::pin(Passed::new(Bytes::new(), Full::new(whole.body.clone()), overheard)))
            }
        };
        respond::forwarded(from, body, &whole.body, accept, &|name| platform.returns(name))
    }

    async fn lead(
        self,
        leader: Option<Leader>,
        upstream: &Upstream,
        platform: &dyn Platform,
        accept: Accept,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let Self { method, query, headers, body, repeat, listener } = self;
        let asked = Asked { method, query: query.as_deref(), headers, body, repeat };
        let answer = upstream.send(asked).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        let mut body = match leader.and_then(Leader::followed) {
            None => Either::Left(body),
            Some(followed) => {
                let frames = followed.tee((head.status, &head.headers), Box::pin(body.into_data_stream()));
                Either::Right(StreamBody::new(frames.map_ok(Frame::data)))
            }
        };
        if !respond::is_answer(&head.headers) {
            let from = respond::Upstream { status: head.status, headers: &head.headers };
            return Ok(respond::foreign(from, accept, &|name| platform.returns(name)));
        }
        // Only where the status depends on it: an answer without data comes whole in its first chunk.
        let first = match accept.media {
            Media::GraphqlResponse => match body.frame().await {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(broken_off(&error)),
                None => Bytes::new(),
            },
            Media::Json => Bytes::new(),
        };
        let from = respond::Upstream { status: head.status, headers: &head.headers };
        let overheard = listener.and_then(|listener| Overheard::new(listener, head.status, &head.headers));
        let body = AnswerBody::Passed(Box::pin(Passed::new(first.clone(), body, overheard)));
        Ok(respond::forwarded(from, body, &first, accept, &|name| platform.returns(name)))
    }
}

/// The answer ended before its first chunk.
fn broken_off(error: &impl std::fmt::Display) -> GatewayError {
    GatewayError::Upstream(UpstreamError::NotGraphql { status: 200, reason: error.to_string() })
}

/// What the client's transport says, in the gateway's terms.
pub fn failed(failure: Failure) -> GatewayError {
    let error = match &failure {
        Failure::Timeout(limit) => UpstreamError::Timeout {
            address: String::new(),
            milliseconds: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        },
        Failure::TooLarge(limit) => UpstreamError::TooLarge { limit: limit.as_u64() },
        Failure::Open(wait) => UpstreamError::Open { seconds: wait.as_secs() + 1 },
        Failure::Head(reason) | Failure::Read(reason) | Failure::Encoding(reason) => {
            UpstreamError::NotGraphql { status: 200, reason: reason.clone() }
        }
        Failure::Connect(cause) | Failure::Send(cause) | Failure::Query(cause) => {
            UpstreamError::Unreachable { address: String::new(), cause: cause.clone() }
        }
    };
    GatewayError::Upstream(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_own_cookie_does_not_reach_the_platform() {
        let kept = |cookies: &'static str| {
            let value = without_own(&HeaderValue::from_static(cookies));
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(kept("a=1;b=2").as_deref(), Some("a=1;b=2"));
        assert_eq!(kept("a=1; outfitter_session=secret; b=2").as_deref(), Some("a=1; b=2"));
        assert_eq!(kept("outfitter_session=secret"), None);
        assert_eq!(kept("my_outfitter_session=1").as_deref(), Some("my_outfitter_session=1"));
    }
}
