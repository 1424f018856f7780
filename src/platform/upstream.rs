//! The HTTP client to the shop: one endpoint, a pool of kept-alive connections, bounded in time and size.
//!
//! Two ways to ask. [`Upstream::send`] streams the answer as it comes, for what passes through. [`Upstream::ask`]
//! buffers it within a limit, for what is spliced or read. Neither follows redirects nor retries an answer: a redirect
//! of a GraphQL endpoint is a wrong address, and what to retry is the caller's to know.

use super::answer::{self, Answer};
pub use super::fault::UpstreamError;
pub use super::streamed::Streamed;
use crate::telemetry::events::UpstreamAnswered;
use crate::telemetry::spans;
use arc_swap::ArcSwap;
use bytes::Bytes;
use bytesize::ByteSize;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

/// Where the shop is and how long it may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The shop's GraphQL endpoint, such as `https://shop.example.com/api/2026-04/graphql.json`. Default: none.
    pub url: Option<String>,
    /// From the request sent to the head of the answer, and for [`Upstream::ask`] to its end. Default: 10s.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// To connect, TCP alone. Default: 2s.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// The longest silence within a streamed answer. Default: 30s.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// How long an unused connection is kept. Default: 60s.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How many unused connections are kept. Default: 128.
    pub max_idle: usize,
    /// The longest answer that is buffered, decompressed. Default: 32 MiB.
    pub max_answer: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_idle: 128,
            max_answer: ByteSize::mib(32),
        }
    }
}

/// Why a client could not be made. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamConfigError {
    /// No address was given.
    #[error("the shop's address is missing: set upstream.url or pass --upstream")]
    Missing,
    /// The address is not one.
    #[error(
        "upstream.url is not an address: {0}; write http:// or https://, a host and the path of the GraphQL endpoint"
    )]
    Url(String),
}

/// Whether a request may be sent a second time where the first brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A mutation, or what may be one: a document that was not read here, an operation that cannot be told.
    Never,
    /// A query, for certain.
    Once,
}

/// A request for the shop, on its way through.
#[derive(Debug)]
pub struct Asked<'a> {
    /// GET or POST.
    pub method: Method,
    /// Appended to the endpoint's own query string.
    pub query: Option<&'a str>,
    /// Those that the platform's allow-list let through; connection headers among them are dropped. The encoding is
    /// whatever they accept.
    pub headers: HeaderMap,
    /// As it came.
    pub body: Bytes,
    /// Whether it may be sent again.
    pub repeat: Repeat,
}

/// The client to one GraphQL endpoint. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    /// Put onto every request over what it brought: the gateway's own credentials.
    fixed: Arc<ArcSwap<HeaderMap>>,
    config: Arc<Config>,
    /// What answers are counted under.
    kind: Option<&'static str>,
}

impl Upstream {
    /// A client to `config.url` that puts `fixed` onto every request. Opens no connection yet.
    /// Errors: [`UpstreamConfigError`] where the address is missing or not an absolute `http` or `https` one.
    pub fn new(config: Config, fixed: HeaderMap) -> Result<Self, UpstreamConfigError> {
        let url = endpoint(config.url.as_deref().ok_or(UpstreamConfigError::Missing)?)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.connect_timeout));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.max_idle)
            .build(connector);
        Ok(Self { client, url, fixed: Arc::new(ArcSwap::from_pointee(fixed)), config: Arc::new(config), kind: None })
    }

    /// Puts other credentials onto every request from the next on, those of clones too.
    /// Returns whether they differ from those before.
    pub fn sign_in(&self, fixed: HeaderMap) -> bool {
        let before = self.fixed.swap(Arc::new(fixed));
        *before != **self.fixed.load()
    }

    /// The same client, its answers counted under another kind: `lookup`, `crawl`, `schema`, `customer`. Otherwise what
    /// is sent counts as `forward` and what is asked as `plan`.
    #[must_use]
    pub fn asking_for(&self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self.clone() }
    }

    /// Sends a request and hands the answer back as soon as its head is there; the body streams.
    /// Errors: [`UpstreamError`]; an HTTP error status is an answer, not an error.
    pub async fn send(&self, asked: Asked<'_>) -> Result<Response<Streamed>, UpstreamError> {
        let Asked { method, query, headers, body, repeat: _ } = asked;
        let response = self.head(self.kind.unwrap_or("forward"), self.request(method, query, headers, body)?).await?;
        Ok(response.map(|body| Streamed::new(Bytes::new(), body, self.config.read_timeout)))
    }

    /// Posts a JSON body and buffers the whole answer, decompressed, within `max_answer` and `timeout`.
    /// Errors: [`UpstreamError`]; an HTTP error status is an answer, not an error.
    pub async fn ask(&self, mut headers: HeaderMap, body: Bytes, _repeat: Repeat) -> Result<Answer, UpstreamError> {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let until = Instant::now() + self.config.timeout;
        let request = self.request(Method::POST, None, headers, body)?;
        let response = self.head(self.kind.unwrap_or("plan"), request).await?;
        tokio::time::timeout_at(until, answer::collect(response, self.config.max_answer))
            .await
            .unwrap_or(Err(UpstreamError::Timeout(self.config.timeout)))
    }

    /// Buffers the rest of an answer that [`Upstream::send`] began, within `max_answer` and `timeout`.
    /// Errors: [`UpstreamError`].
    pub async fn whole(&self, response: Response<Streamed>) -> Result<Answer, UpstreamError> {
        let whole = answer::collect(response, self.config.max_answer);
        tokio::time::timeout(self.config.timeout, whole)
            .await
            .unwrap_or(Err(UpstreamError::Timeout(self.config.timeout)))
    }

    /// The longest silence within a streamed answer.
    pub fn read_timeout(&self) -> Duration {
        self.config.read_timeout
    }

    fn request(
        &self,
        method: Method,
        query: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.address(query)?;
        *request.headers_mut() = self.headers(headers);
        Ok(request)
    }

    /// Sends a request until the head of its answer, and counts how that ended.
    async fn head(
        &self,
        kind: &'static str,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut counted = Counted { kind, outcome: "abandoned", began: Instant::now() };
        let method = request.method().clone();
        let span = spans::upstream(kind, method.as_str(), &self.url, request.headers_mut());
        let sent = self.client.request(request).instrument(span.clone());
        let answered = tokio::time::timeout(self.config.timeout, sent).await;
        let answered = match answered {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Connect(causes(&error))),
            Ok(Err(error)) => Err(UpstreamError::Send(causes(&error))),
            Err(_) => Err(UpstreamError::Timeout(self.config.timeout)),
        };
        counted.outcome = answered.as_ref().map_or_else(UpstreamError::code, |_| "ok");
        let ended = answered.as_ref().map(|response| response.status().as_u16()).map_err(UpstreamError::code);
        spans::upstream_ended(&span, ended);
        answered
    }

    fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        for name in [HOST, CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
            headers.remove(name);
        }
        for name in ["keep-alive", "proxy-connection", "proxy-authorization"] {
            headers.remove(HeaderName::from_static(name));
        }
        for (name, value) in &**self.fixed.load() {
            headers.insert(name, value.clone());
        }
        headers
    }

    fn address(&self, query: Option<&str>) -> Result<Uri, UpstreamError> {
        let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(self.url.clone()) };
        let joined = match self.url.query() {
            Some(own) => format!("{}?{own}&{query}", self.url.path()),
            None => format!("{}?{query}", self.url.path()),
        };
        let mut parts = self.url.clone().into_parts();
        let joined = joined.parse().map_err(|error: http::uri::InvalidUri| UpstreamError::Query(error.to_string()))?;
        parts.path_and_query = Some(joined);
        Uri::from_parts(parts).map_err(|error| UpstreamError::Query(error.to_string()))
    }
}

/// A request on its way; counted when it ends, also where the caller leaves.
struct Counted {
    kind: &'static str,
    outcome: &'static str,
    began: Instant,
}

impl Drop for Counted {
    fn drop(&mut self) {
        UpstreamAnswered { kind: self.kind, outcome: self.outcome, took: self.began.elapsed() }.emit();
    }
}

/// The address of an endpoint: absolute, `http` or `https`, without user and password, which would end up in errors.
fn endpoint(text: &str) -> Result<Uri, UpstreamConfigError> {
    let url = url::Url::parse(text).map_err(|error| UpstreamConfigError::Url(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UpstreamConfigError::Url(format!("the scheme is {}", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UpstreamConfigError::Url("it holds a user or a password".into()));
    }
    let plain = text.split('#').next().unwrap_or(text);
    plain.parse().map_err(|error: http::uri::InvalidUri| UpstreamConfigError::Url(error.to_string()))
}

/// An error with all its causes: hyper's own text is only "client error (Connect)".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str) -> Upstream {
        Upstream::new(Config { url: Some(url.into()), ..Config::default() }, HeaderMap::new()).unwrap()
    }

    #[test]
    fn the_query_string_is_appended_to_the_endpoints_own() {
        let plain = upstream("http://shop.test/graphql");
        assert_eq!(
            plain.address(Some("query=%7Bshop%7D")).unwrap().to_string(),
            "http://shop.test/graphql?query=%7Bshop%7D"
        );
        assert_eq!(plain.address(None).unwrap().to_string(), "http://shop.test/graphql");
        let keyed = upstream("http://shop.test/graphql?shop=1");
        assert_eq!(keyed.address(Some("a=b")).unwrap().to_string(), "http://shop.test/graphql?shop=1&a=b");
        assert!(plain.address(Some("a b")).is_err());
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_the_reason() {
        let refused = |url: &str| {
            let config = Config { url: Some(url.into()), ..Config::default() };
            Upstream::new(config, HeaderMap::new()).unwrap_err().to_string()
        };
        assert!(refused("shop.test/graphql").contains("write http:// or https://"));
        assert!(refused("ftp://shop.test/").contains("scheme is ftp"));
        assert!(refused("https://user:secret@shop.test/").contains("user or a password"));
        assert!(!refused("https://user:secret@shop.test/").contains("secret@"));
        assert!(matches!(Upstream::new(Config::default(), HeaderMap::new()), Err(UpstreamConfigError::Missing)));
    }

    #[test]
    fn own_credentials_win_and_connection_headers_stay_here() {
        let mut fixed = HeaderMap::new();
        fixed.insert("x-token", HeaderValue::from_static("ours"));
        let config = Config { url: Some("http://shop.test/".into()), ..Config::default() };
        let upstream = Upstream::new(config, fixed).unwrap();
        let mut sent = HeaderMap::new();
        sent.insert("x-token", HeaderValue::from_static("theirs"));
        sent.insert(CONNECTION, HeaderValue::from_static("close"));
        sent.insert(HOST, HeaderValue::from_static("gateway.test"));
        let headers = upstream.headers(sent);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-token"], "ours");
    }

    #[test]
    fn what_a_client_reads_holds_no_address() {
        let inside = UpstreamError::Connect("tcp connect error: 10.0.0.7:443".into());
        assert!(!inside.public().contains("10.0.0.7"));
        assert_eq!(inside.code(), "UPSTREAM_UNREACHABLE");
    }
}
