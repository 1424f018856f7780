//! A backend that reads requests as the gateway does and answers by what the document says.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, Request, Response};
use outfitter::gateway::accept::Accept;
use outfitter::gateway::envelope::{self, Method};
use outfitter::gateway::error::{GatewayError, RequestError};
use outfitter::gateway::limits::{self, Limits};
use outfitter::gateway::respond::{self, AnswerBody, Caching};
use outfitter::server::{self, App, AppParts, Backend, Config, Lifecycle, Tls};
use outfitter::telemetry::init;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// What the tests steer.
pub(super) struct Steered {
    /// Requests that are waiting for a permit of `gate`.
    pub(super) waiting: AtomicUsize,
    pub(super) gate: Semaphore,
    pub(super) loading: AtomicBool,
}

#[async_trait]
impl Backend for Steered {
    async fn execute(&self, request: Request<Bytes>, peer: IpAddr) -> Response<AnswerBody> {
        let (parts, body) = request.into_parts();
        let accept = Accept::of(&parts.headers);
        match self.answer(&parts, &body, peer).await {
            Ok(body) => respond::composed(body.into(), true, accept, Caching::NoStore, None),
            Err(error) => respond::failed(&error, accept),
        }
    }

    async fn subgraph(&self, request: Request<Bytes>) -> Response<AnswerBody> {
        self.execute(request, IpAddr::from([127, 0, 0, 1])).await
    }

    fn pending(&self) -> Option<&'static str> {
        self.loading.load(Ordering::SeqCst).then_some("the schema is not loaded")
    }
}

impl Steered {
    async fn answer(&self, parts: &http::request::Parts, body: &Bytes, peer: IpAddr) -> Result<String, GatewayError> {
        let limits = Limits::default();
        let envelope = envelope::read(parts, body, &limits)?;
        let query = envelope.query.unwrap_or_default();
        limits::scan(&query, &limits)?;
        if apollo_compiler::ast::Document::parse(&*query, "document").is_err() {
            return Err(RequestError::Syntax { message: "no document".to_owned(), locations: Vec::new() }.into());
        }
        let text = query.trim();
        if envelope.method == Method::Get && text.starts_with("mutation") {
            return Err(RequestError::MutationByGet.into());
        }
        let data = match text {
            "{ panic }" => panic!("a secret in a panic"),
            "{ wait }" => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.map_err(|_| GatewayError::Overloaded)?.forget();
                "\"waited\"".to_owned()
            }
            "{ large }" => format!("\"{}\"", "x".repeat(100_000)),
            "{ trace }" => format!("{:?}", parts.headers["traceparent"].to_str().unwrap()),
            "{ peer }" => format!("\"{}\"", peer),
            _ => "\"ok\"".to_owned(),
        };
        Ok(format!(r#"{{"data":{{"answer":{data}}}}}"#))
    }
}

/// A server on a port of its own.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) backend: Arc<Steered>,
    pub(super) lifecycle: Lifecycle,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) ended: JoinHandle<std::io::Result<()>>,
}

/// Settings with short times, for tests of patience.
pub(super) fn config() -> Config {
    Config {
        origins: vec!["https://shop.example".to_owned()],
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        ..Config::default()
    }
}

/// Starts a server.
pub(super) async fn start(config: Config) -> Server {
    start_with(config, None).await
}

/// Starts a server that ends TLS where there is one to.
pub(super) async fn start_with(config: Config, tls: Option<Tls>) -> Server {
    let backend =
        Arc::new(Steered { waiting: AtomicUsize::new(0), gate: Semaphore::new(0), loading: AtomicBool::new(false) });
    let app = App::new(AppParts {
        backend: backend.clone(),
        config: config.clone(),
        paths: vec!["/api/{version}/graphql.json".to_owned()],
        exposed: vec![HeaderName::from_static("server-timing")],
        body_limit: 1 << 20,
        metrics: init::metrics(),
    })
    .unwrap();
    let lifecycle = app.lifecycle();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = server::router(app, axum::Router::new());
    let ended = tokio::spawn(async move {
        server::run(listener, router, &config, tls, async {
            stopped.await.ok();
        })
        .await
    });
    Server { address, backend, lifecycle, stop, ended }
}
