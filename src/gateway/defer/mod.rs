//! Defer: a planned operation whose answer the platform sends in parts. Each part is filled as soon as it is whole and
//! sent on under the same boundary; the answer is never held together.
//!
//! The first part is waited for before the head of the answer goes out, so what fails until then is an error as any
//! other. Later the stream ends with a part of its own that says so (`hasNext: false`). What is held: one part within
//! `limits.upstream_answer`, and what fills it, as often as `limits.entities` says. Between two parts at most
//! `upstream.read_timeout` passes.

mod payload;
mod reader;

use super::accept::Accept;
use super::answer::is_personal;
use super::error::{GatewayError, UpstreamError};
use super::forward::{failed, repeat};
use super::limits::Limits;
use super::plan::{Plan, Step};
use super::respond::{self, AnswerBody, Caching};
use super::run::Run;
use super::splice;
use crate::platform::Platform;
use crate::platform::answer::Answer as Answered;
use crate::platform::upstream::{Asked, Streamed, Upstream};
use crate::telemetry::events::ErrorTold;
use bytes::Bytes;
use futures::stream;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use payload::{Rewriter, Written};
use reader::{Found, Reader};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What the platform is asked for, as clients of `@defer` ask the gateway.
const ASKED: HeaderValue = HeaderValue::from_static("multipart/mixed;deferSpec=20220824, application/json");

/// The parts of a body that comes in these chunks, and whether its end was there; `None` where it has none or they cannot
/// be read. For fuzzing: a request reads its parts one by one as they come.
#[doc(hidden)]
pub fn parts_of<'a>(
    content_type: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Option<(Vec<Bytes>, bool)> {
    let mut reader = Reader::new(&reader::boundary(content_type)?.ok()?, limit);
    let mut parts = Vec::new();
    for chunk in chunks {
        reader.push(chunk);
        loop {
            match reader.next() {
                Ok(Found::Part(part)) => parts.push(part),
                Ok(Found::More) => break,
                Ok(Found::End) => return Some((parts, true)),
                Err(_) => return None,
            }
        }
    }
    Some((parts, false))
}

/// Why the parts cannot be read on. Stays inside, as the platform's fault.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the boundary of its parts is none that RFC 2046 allows")]
    Boundary,
    #[error("its parts are compressed, which was not asked for")]
    Encoded,
    #[error("there is no part where the first should begin")]
    Preamble,
    #[error("a part has no end of its headers")]
    Headers,
    #[error("a part is larger than {0} bytes")]
    TooLarge(usize),
    #[error("no part came within {0:?}")]
    Late(Duration),
    #[error("it broke off: {0}")]
    Read(String),
    #[error("it ended before its last part")]
    Ended,
    #[error(transparent)]
    Malformed(#[from] splice::Malformed),
}

impl Broken {
    fn told(self, status: StatusCode) -> GatewayError {
        GatewayError::Upstream(match self {
            Self::TooLarge(limit) => UpstreamError::TooLarge { limit: u64::try_from(limit).unwrap_or(u64::MAX) },
            Self::Late(limit) => UpstreamError::Timeout {
                address: String::new(),
                milliseconds: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            },
            other => UpstreamError::NotGraphql { status: status.as_u16(), reason: other.to_string() },
        })
    }
}

/// How the platform began to answer.
pub enum Began {
    /// It was not asked for parts, and not asked at all; or it answered whole nevertheless.
    Whole(Option<Answered>),
    /// In parts.
    Parts(Box<Parts>),
}

/// An answer in parts, of which the first is there.
pub struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    body: Streamed,
    reader: Reader,
    boundary: String,
    patience: Duration,
    /// The first part as the platform sent it; `None`: there was none.
    first: Option<Bytes>,
}

/// Asks the platform for parts, where the operation has any to defer and the client takes them. What needs no key of the
/// platform is decided meanwhile.
/// Errors: the platform gave no answer, or no first part.
pub async fn begin(run: &mut Run, upstream: &Upstream, accept: Accept, limits: &Limits) -> Result<Began, GatewayError> {
    let plan = Arc::clone(&run.plan);
    let [Step::Upstream(fetch)] = &plan.steps[..] else { return Ok(Began::Whole(None)) };
    if !plan.deferred || !accept.multipart {
        return Ok(Began::Whole(None));
    }
    let body = run.request_of(fetch);
    let mut headers = run.headers.clone();
    headers.insert(ACCEPT, ASKED);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let asked = Asked { method: Method::POST, query: None, headers, body, repeat: repeat(plan.operation) };
    let asked = ask(upstream, asked, limit(limits));
    let (began, ()) = tokio::join!(asked, run.root());
    began
}

fn limit(limits: &Limits) -> usize {
    usize::try_from(limits.upstream_answer.as_u64()).unwrap_or(usize::MAX)
}

async fn ask(upstream: &Upstream, asked: Asked<'_>, limit: usize) -> Result<Began, GatewayError> {
    let response = upstream.send(asked).await.map_err(failed)?;
    let media = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(boundary) = media.and_then(|media| reader::boundary(&media)) else {
        return Ok(Began::Whole(Some(upstream.whole(response).await.map_err(failed)?)));
    };
    let status = response.status();
    let plain = response.headers().get(CONTENT_ENCODING).is_none_or(|value| value == "identity");
    let boundary = boundary.and_then(|boundary| if plain { Ok(boundary) } else { Err(Broken::Encoded) });
    let boundary = boundary.map_err(|broken| broken.told(status))?;
    let (head, body) = response.into_parts();
    let reader = Reader::new(&boundary, limit);
    let patience = upstream.read_timeout();
    let mut parts = Parts { status, headers: head.headers, body, reader, boundary, patience, first: None };
    parts.first = parts.next().await.map_err(|broken| broken.told(status))?;
    Ok(Began::Parts(Box::new(parts)))
}

impl Parts {
    /// The first part as the platform sent it.
    pub fn first(&self) -> Option<Bytes> {
        self.first.clone()
    }

    /// The answer, whose body fills each part as it comes.
    /// Errors: the first part is no GraphQL answer.
    pub async fn respond(
        mut self,
        mut run: Run,
        platform: &dyn Platform,
        limits: &Limits,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let status = self.status;
        let mut rewriter = Rewriter::new(limit(limits).saturating_mul(2));
        let plan = Arc::clone(&run.plan);
        let first = self.first.take().ok_or(Broken::Ended).map_err(|broken| broken.told(status))?;
        let written = rewriter.rewrite(&mut run, trie(&plan), &first).await.map_err(|broken| broken.told(status))?;
        let caching = if is_personal(&run) { Caching::NoStore } else { Caching::Platform };
        let cookie = run.viewer.events.set_cookie();
        let headers = std::mem::take(&mut self.headers);
        let goes_on = written.has_next;
        let begins = format!("\r\n--{}\r\n", self.boundary).into_bytes();
        let first = Some([begins, framed(&self.boundary, &written)].concat().into());
        let passage = Passage { parts: self, run, plan, rewriter, first, goes_on };
        let body = stream::unfold(passage, |mut passage| async move { Some((Ok(passage.next().await?), passage)) });
        let from = respond::Upstream { status, headers: &headers };
        let body = AnswerBody::Stream(Box::pin(body));
        let mut response = respond::in_parts(from, body, caching, &|name| platform.returns(name));
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The next part; `None` behind the last one.
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let patience = self.patience;
        tokio::time::timeout(patience, self.read()).await.unwrap_or(Err(Broken::Late(patience)))
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            match self.reader.next()? {
                Found::Part(part) => return Ok(Some(part)),
                Found::End => return Ok(None),
                Found::More => {}
            }
            let frame = self.body.frame().await.ok_or(Broken::Ended)?;
            let frame = frame.map_err(|error| Broken::Read(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                self.reader.push(&data);
            }
        }
    }
}

/// Where data of the platform's one answer stands.
fn trie(plan: &Plan) -> &super::plan::Trie {
    static NOTHING: std::sync::LazyLock<super::plan::Trie> = std::sync::LazyLock::new(Default::default);
    match &plan.steps[..] {
        [Step::Upstream(fetch)] => &fetch.trie,
        _ => &NOTHING,
    }
}

/// The parts on their way through.
struct Passage {
    parts: Parts,
    run: Run,
    plan: Arc<Plan>,
    rewriter: Rewriter,
    /// Written, and not yet sent.
    first: Option<Bytes>,
    goes_on: bool,
}

impl Passage {
    /// The next bytes for the client: always a whole part with the delimiter behind it, by which clients know its end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if !self.goes_on {
            return None;
        }
        let written = match self.parts.next().await {
            Ok(Some(part)) => self.rewriter.rewrite(&mut self.run, trie(&self.plan), &part).await,
            // The platform promised more and ended in good order.
            Ok(None) => Ok(last(json!({}), &self.run)),
            Err(broken) => Err(broken),
        };
        let written = written.unwrap_or_else(|broken| ending(&broken.told(self.parts.status), &self.run));
        self.goes_on = written.has_next;
        Some(framed(&self.parts.boundary, &written).into())
    }
}

/// A last part that says why there are no more. It adds nothing to the data: clients merge an empty object at the root.
fn ending(error: &GatewayError, run: &Run) -> Written {
    ErrorTold { code: error.code().as_str(), cause: error, ours: true }.emit();
    last(json!({"incremental": [{"data": {}, "path": [], "errors": error.client()}]}), run)
}

/// A last part of the gateway's own, with what it tells to who asked how the answer came about.
fn last(mut text: Value, run: &Run) -> Written {
    if let Some(told) = run.watch.extension(&run.plan) {
        text["extensions"] = json!({ "outfitter": told });
    }
    text["hasNext"] = false.into();
    Written { text: text.to_string().into_bytes(), has_next: false }
}

/// A part behind its delimiter, and the next delimiter.
fn framed(boundary: &str, part: &Written) -> Vec<u8> {
    let mut out = b"Content-Type: application/json; charset=utf-8\r\n\r\n".to_vec();
    out.extend_from_slice(&part.text);
    out.extend_from_slice(format!("\r\n--{boundary}{}\r\n", if part.has_next { "" } else { "--" }).as_bytes());
    out
}
