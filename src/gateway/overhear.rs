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
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};
use std::io::Read;
use std::sync::{Arc, OnceLock};

/// Who learns from what passes, and from what.
pub type Listener = (Arc<dyn Who>, Evidence, Vec<RootField>);

/// A larger answer proves nothing here.
const LARGEST: usize = crate::ingest::traffic::proof::LARGEST;

/// An operation with its variables, as far as its own text tells.
pub struct Spoken<'a> {
    document: &'a Classified,
    operation: &'a Operation,
    /// As they came.
    raw: Option<&'a RawJson>,
    /// Read where something asks for one.
    variables: OnceLock<Map<String, Value>>,
}

impl<'a> Spoken<'a> {
    /// Variables that cannot be read are the platform's to refuse.
    pub fn new(document: &'a Classified, operation: &'a Operation, raw: Option<&'a RawJson>) -> Self {
        Self { document, operation, raw, variables: OnceLock::new() }
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let declared = || self.operation.definition.variables.iter().find(|variable| variable.name == name);
        let default = || declared().and_then(|variable| fill(variable.default_value.as_deref()?, &|_| None));
        let variables = self.variables.get_or_init(|| self.raw.and_then(|raw| raw.to().ok()).unwrap_or_default());
        variables.get(name).cloned().or_else(default)
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

    /// Whether no operation directive says anything.
    pub fn is_bare(&self) -> bool {
        self.operation.definition.directives.is_empty()
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

/// A copy of an answer that passes, kept until its end; then what was seen is learned. An answer that breaks off, or one
/// that refuses, teaches nothing.
pub struct Overheard {
    who: Arc<dyn Who>,
    evidence: Evidence,
    roots: Vec<RootField>,
    encoding: Option<HeaderValue>,
    /// None from where it grew too large.
    copy: Option<BytesMut>,
}

impl Overheard {
    /// Listens to an answer with this head; `None` where it refuses.
    pub fn new(listener: Listener, status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let (who, evidence, roots) = listener;
        let encoding = headers.get(CONTENT_ENCODING).cloned();
        status.is_success().then(|| Self { who, evidence, roots, encoding, copy: Some(BytesMut::new()) })
    }

    /// What went by.
    pub fn chunk(&mut self, chunk: &[u8]) {
        match &mut self.copy {
            Some(kept) if kept.len() + chunk.len() <= LARGEST => kept.extend_from_slice(chunk),
            _ => self.copy = None,
        }
    }

    /// It went by whole.
    pub fn end(self) {
        let Self { who, evidence, roots, encoding, copy } = self;
        tokio::spawn(async move {
            let answer = copy.map(BytesMut::freeze);
            let answer = answer.and_then(|bytes| plain(bytes, encoding.as_ref().map(HeaderValue::as_bytes)));
            who.watch(evidence, &roots, answer);
        });
    }
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
