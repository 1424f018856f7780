//! The HTTP client to the shop: one endpoint, a pool of kept-alive connections, bounded in time and size.
//!
//! Two ways to ask. [`Upstream::send`] streams the answer as it comes, for what passes through. [`Upstream::ask`]
//! buffers it within a limit, for what is spliced or read. Neither follows redirects: a redirect of a GraphQL endpoint
//! is a wrong address. Both send a query a second time where that helps ([`super::retry`]) and nothing at all while the
//! way is broken ([`super::breaker`]). A mutation leaves once: the pool takes another connection only for a request of
//! which no byte was written.

mod get;
use super::answer::{self, Answer};
use super::breaker::{Breaker, Health};
use super::endpoint::endpoint;
pub use super::endpoint::{Config, UpstreamConfigError};
pub use super::fault::UpstreamError;
use super::retry::{Again, Retry, Tried};
pub use super::streamed::Streamed;
use super::throttle;
use crate::telemetry::events::UpstreamAnswered;
use crate::telemetry::spans;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

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

/// How the shop has been doing; one for all clones, whatever they ask for.
#[derive(Debug)]
struct Way {
    retry: Retry,
    breaker: Breaker,
}

/// The client to one GraphQL endpoint. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    /// Put onto every request over what it brought: the gateway's own credentials.
    fixed: Arc<ArcSwap<HeaderMap>>,
    config: Arc<Config>,
    way: Arc<Way>,
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
            .with_tls_config(super::trust::client(config.ca.as_deref())?)
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
        let way = Way { retry: Retry::new(config.retry.clone()), breaker: Breaker::new(config.breaker.clone()) };
        let fixed = Arc::new(ArcSwap::from_pointee(fixed));
        Ok(Self { client, url, fixed, config: Arc::new(config), way: Arc::new(way), kind: None })
    }

    /// Puts other credentials onto every request from the next on, those of clones too.
    /// Returns whether they differ from those before.
    pub fn sign_in(&self, fixed: HeaderMap) -> bool {
        let before = self.fixed.swap(Arc::new(fixed));
        *before != **self.fixed.load()
    }

    /// The credentials in use.
    pub fn credentials(&self) -> HeaderMap {
        HeaderMap::clone(&self.fixed.load())
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
        let Asked { method, query, headers, body, repeat } = asked;
        let request = self.request(method, query, headers, body)?;
        let until = Instant::now() + self.config.timeout;
        let spare = self.spare(&request, repeat);
        let first = self.stream(request, spare.is_some(), until).await;
        match self.second(spare, first.again, until) {
            Some((request, wait)) => {
                drop(first);
                tokio::time::sleep(wait).await;
                self.stream(request, false, until).await.result
            }
            None => first.result,
        }
    }

    /// Posts a JSON body and buffers the whole answer, decompressed, within `max_answer` and `timeout`.
    /// Errors: [`UpstreamError`]; an HTTP error status is an answer, not an error.
    pub async fn ask(&self, headers: HeaderMap, body: Bytes, repeat: Repeat) -> Result<Answer, UpstreamError> {
        self.answered(self.request(Method::POST, None, asking(headers), body)?, repeat).await
    }

    async fn answered(&self, request: Request<Full<Bytes>>, repeat: Repeat) -> Result<Answer, UpstreamError> {
        let until = Instant::now() + self.config.timeout;
        let spare = self.spare(&request, repeat);
        let first = self.collect(request, until).await;
        match self.second(spare, first.again, until) {
            Some((request, wait)) => {
                drop(first);
                tokio::time::sleep(wait).await;
                self.collect(request, until).await.result
            }
            None => first.result,
        }
    }

    /// Headers as they leave with [`Upstream::ask`], the gateway's own credentials among them.
    pub fn leaving(&self, headers: HeaderMap) -> HeaderMap {
        self.headers(asking(headers))
    }

    /// Where everything is sent.
    pub fn endpoint(&self) -> &Uri {
        &self.url
    }

    /// The request once more, where it may be sent once more.
    fn spare(&self, request: &Request<Full<Bytes>>, repeat: Repeat) -> Option<Request<Full<Bytes>>> {
        (self.way.retry.earn() && repeat == Repeat::Once).then(|| request.clone())
    }

    /// The second try, where there is to be one, and how long to wait before it.
    fn second<T>(&self, spare: Option<T>, again: Option<Again>, until: Instant) -> Option<(T, Duration)> {
        let (request, again) = (spare?, again?);
        Some((request, self.way.retry.wait(again, until)?))
    }

    /// One try of [`Upstream::send`]. `peek`: whether it could be told apart from a throttled one.
    async fn stream(&self, request: Request<Full<Bytes>>, peek: bool, until: Instant) -> Tried<Response<Streamed>> {
        let permit = match self.way.breaker.enter() {
            Ok(permit) => permit,
            Err(wait) => return Tried::done(Err(UpstreamError::Open(wait))),
        };
        let kind = self.kind.unwrap_or("forward");
        let (answered, broke) = self.head(kind, request, until).await;
        permit.done(health(kind, answered.as_ref().map(Response::status)));
        let mut response = match answered {
            Ok(response) => response,
            Err(error) => return Tried { result: Err(error), again: broke.then_some(Again::BROKEN) },
        };
        let mut again = Again::by_head(response.status(), response.headers());
        let mut begun = Bytes::new();
        if peek {
            match throttle::peek(&mut response).await {
                Ok((read, throttled)) => {
                    begun = read;
                    again = again.or_else(|| throttled.then(|| Again::throttled(response.headers())));
                }
                Err(error) => return Tried::done(Err(error)),
            }
        }
        Tried { result: Ok(response.map(|body| Streamed::new(begun, body, self.config.read_timeout))), again }
    }

    /// One try of [`Upstream::ask`].
    async fn collect(&self, request: Request<Full<Bytes>>, until: Instant) -> Tried<Answer> {
        let permit = match self.way.breaker.enter() {
            Ok(permit) => permit,
            Err(wait) => return Tried::done(Err(UpstreamError::Open(wait))),
        };
        let kind = self.kind.unwrap_or("plan");
        let (answered, broke) = self.head(kind, request, until).await;
        let result = match answered {
            Ok(response) => tokio::time::timeout_at(until, answer::collect(response, self.config.max_answer))
                .await
                .unwrap_or(Err(UpstreamError::Timeout(self.config.timeout))),
            Err(error) => Err(error),
        };
        permit.done(health(kind, result.as_ref().map(|answer| answer.status)));
        let again = match &result {
            Ok(answer) => Again::by_answer(answer.status, &answer.headers, &answer.body),
            Err(_) => broke.then_some(Again::BROKEN),
        };
        Tried { result, again }
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

    /// Sends a request until the head of its answer, and counts how that ended. Beside an error: whether the
    /// connection broke.
    async fn head(
        &self,
        kind: &'static str,
        mut request: Request<Full<Bytes>>,
        until: Instant,
    ) -> (Result<Response<Incoming>, UpstreamError>, bool) {
        let mut counted = Counted { kind, outcome: "abandoned", began: Instant::now() };
        let method = request.method().clone();
        let span = spans::upstream(kind, method.as_str(), &self.url, request.headers_mut());
        let sent = self.client.request(request).instrument(span.clone());
        let (answered, broke) = match tokio::time::timeout_at(until, sent).await {
            Ok(Ok(response)) => (Ok(response), false),
            Ok(Err(error)) => {
                let (error, broke) = UpstreamError::of(&error);
                (Err(error), broke)
            }
            Err(_) => (Err(UpstreamError::Timeout(self.config.timeout)), false),
        };
        counted.outcome = answered.as_ref().map_or_else(UpstreamError::code, |_| "ok");
        let ended = answered.as_ref().map(|response| response.status().as_u16()).map_err(UpstreamError::code);
        spans::upstream_ended(&span, ended);
        (answered, broke)
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

/// The headers of a question whose answer is read here.
fn asking(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// What an outcome says about the shop. Questions of our own that time out say nothing: many of them, or slow ones,
/// are no reason to refuse a shopper.
fn health(kind: &'static str, outcome: Result<StatusCode, &UpstreamError>) -> Health {
    match outcome {
        Ok(status) if status.is_server_error() => Health::Failed,
        Ok(_) | Err(UpstreamError::TooLarge(_) | UpstreamError::Encoding(_)) => Health::Alive,
        Err(UpstreamError::Timeout(_)) if !matches!(kind, "forward" | "plan") => Health::Unknown,
        Err(UpstreamError::Query(_) | UpstreamError::Open(_)) => Health::Unknown,
        Err(_) => Health::Failed,
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
