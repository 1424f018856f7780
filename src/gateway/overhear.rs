//! Overhear: what an operation says of its shopper, read off its own text and variables, and a copy of a streamed
//! answer that is small enough to prove it. Beside the stream and never in its way.

use super::classify::{Classified, Operation};
use super::json::RawJson;
use super::share::key::is_personal;
use super::variables::fill;
use super::who::Who;
use crate::ingest::{Evidence, RootField};
use crate::platform::Platform;
use apollo_compiler::ast::OperationType;
use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use futures::{Stream, StreamExt};
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use std::io::{self, Read};
use std::sync::Arc;

/// A larger answer proves nothing here.
const LARGEST: usize = crate::ingest::traffic::proof::LARGEST;

/// An operation with its variables, as far as its own text tells.
pub struct Spoken<'a> {
    document: &'a Classified,
    operation: &'a Operation,
    /// As they came.
    raw: Option<&'a RawJson>,
    variables: Map<String, Value>,
}

impl<'a> Spoken<'a> {
    /// Reads the variables, if there are any. Variables that cannot be read are the platform's to refuse.
    pub fn new(document: &'a Classified, operation: &'a Operation, raw: Option<&'a RawJson>) -> Self {
        let variables = raw.and_then(|raw| raw.to().ok()).unwrap_or_default();
        Self { document, operation, raw, variables }
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let declared = || self.operation.definition.variables.iter().find(|variable| variable.name == name);
        let default = || declared().and_then(|variable| fill(variable.default_value.as_deref()?, &|_| None));
        self.variables.get(name).cloned().or_else(default)
    }

    fn filled<'b>(
        &self,
        arguments: impl IntoIterator<Item = &'b apollo_compiler::Node<apollo_compiler::ast::Argument>>,
    ) -> Map<String, Value> {
        let value = |argument: &apollo_compiler::ast::Argument| fill(&argument.value, &|name| self.variable(name));
        arguments.into_iter().filter_map(|argument| Some((argument.name.to_string(), value(argument)?))).collect()
    }

    /// What headers and operation directives say of the shopper. `personal`: whether the answer holds personalized
    /// fields, so that no cache keeps it and it may carry a cookie.
    pub fn evidence(&self, parts: &Parts, platform: &dyn Platform, personal: bool) -> Evidence {
        let https = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
            || parts.uri.scheme_str() == Some("https");
        let mut evidence =
            Evidence { headers: parts.headers.clone(), https, may_set_cookie: personal, ..Evidence::default() };
        for directive in &self.operation.definition.directives {
            let arguments = self.filled(&directive.arguments);
            let Some(said) = platform.context(&directive.name, &arguments) else { continue };
            evidence.in_context = said.consent.or(evidence.in_context);
            evidence.token = said.token.or(evidence.token);
            evidence.market = said.market;
        }
        evidence
    }

    /// Whether it is a query that says nothing of who asks, so that its answer may be another's too.
    pub fn may_share(&self, platform: &dyn Platform) -> bool {
        self.operation.definition.operation_type == OperationType::Query
            && !self.document.personal
            && !self.raw.is_some_and(|raw| is_personal(raw.as_bytes()))
            && !self.identifies(platform)
    }

    /// Whether operation directives name a customer or a consent.
    fn identifies(&self, platform: &dyn Platform) -> bool {
        let said = |directive: &apollo_compiler::Node<apollo_compiler::ast::Directive>| {
            platform.context(&directive.name, &self.filled(&directive.arguments))
        };
        let mut said = self.operation.definition.directives.iter().filter_map(said);
        said.any(|said| said.token.is_some() || said.consent.is_some())
    }

    /// The root fields that say something, as whoever listens reads them.
    pub fn roots(&self, who: &dyn Who) -> Vec<RootField> {
        who.roots(self.document, self.operation, &|name| self.variable(name))
    }
}

/// The stream, unchanged, with a copy kept until its end; then what was seen is learned. A stream that breaks off, or an
/// answer that refuses, teaches nothing.
pub fn listening<S>(
    stream: S,
    head: (StatusCode, &HeaderMap),
    who: Arc<dyn Who>,
    evidence: Evidence,
    roots: Vec<RootField>,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + use<S>
where
    S: Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
{
    let (status, headers) = head;
    let encoding = headers.get(CONTENT_ENCODING).cloned();
    let mut copy = Some(BytesMut::new());
    let mut seen = Some((who, evidence, roots)).filter(|_| status.is_success());
    let mut stream = Box::pin(stream);
    futures::stream::poll_fn(move |cx| {
        let polled = stream.poll_next_unpin(cx);
        match &polled {
            std::task::Poll::Ready(Some(Ok(chunk))) => match &mut copy {
                Some(kept) if seen.is_some() && kept.len() + chunk.len() <= LARGEST => kept.extend_from_slice(chunk),
                _ => copy = None,
            },
            std::task::Poll::Ready(Some(Err(_))) => seen = None,
            std::task::Poll::Ready(None) => {
                if let Some((who, evidence, roots)) = seen.take() {
                    let answer = copy.take().map(BytesMut::freeze);
                    let encoding = encoding.clone();
                    tokio::spawn(async move {
                        let answer = answer.and_then(|bytes| plain(bytes, encoding.as_ref().map(|e| e.as_bytes())));
                        who.watch(evidence, &roots, answer);
                    });
                }
            }
            std::task::Poll::Pending => {}
        }
        polled
    })
}

/// The answer as it was before compression; `None` where that cannot be had within the size.
fn plain(bytes: Bytes, encoding: Option<&[u8]>) -> Option<Bytes> {
    match encoding {
        None | Some(b"identity") => Some(bytes),
        Some(b"gzip") => {
            let mut text = Vec::new();
            let most = u64::try_from(LARGEST).ok()? + 1;
            MultiGzDecoder::new(&bytes[..]).take(most).read_to_end(&mut text).ok()?;
            (text.len() <= LARGEST).then(|| text.into())
        }
        Some(_) => None,
    }
}
