//! What the routes share: the backend, the settings, and whether the process takes requests.

use super::config::{Config, ConfigError, Origins};
use crate::gateway::Gateway;
use crate::gateway::respond::AnswerBody;
use crate::telemetry::init::Metrics;
use async_trait::async_trait;
use axum::http::{HeaderName, Request, Response};
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// What serves GraphQL requests: the gateway, and in tests something smaller.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Answers one request. `peer` is the shopper's address, as far as it is known. Every failure is an answer.
    async fn execute(&self, request: Request<Bytes>, peer: IpAddr) -> Response<AnswerBody>;

    /// Answers one request of a federation router, in the schema of the subgraph. Every failure is an answer.
    async fn subgraph(&self, request: Request<Bytes>) -> Response<AnswerBody>;

    /// Why no request can be served yet, if so: `the schema is not loaded`.
    fn pending(&self) -> Option<&'static str>;
}

#[async_trait]
impl Backend for Gateway {
    async fn execute(&self, request: Request<Bytes>, peer: IpAddr) -> Response<AnswerBody> {
        Self::execute(self, request, peer).await
    }

    async fn subgraph(&self, request: Request<Bytes>) -> Response<AnswerBody> {
        Self::subgraph(self, request).await
    }

    fn pending(&self) -> Option<&'static str> {
        Self::pending(self)
    }
}

/// Whether the process is stopping. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle(Arc<AtomicBool>);

impl Lifecycle {
    /// From now on `/health/ready` says no, so that a load balancer sends its requests elsewhere.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Lifecycle::stop`] was called.
    pub fn stopping(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Shared by every handler; cloning it costs counters.
#[derive(Clone)]
pub struct App {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) config: Arc<Config>,
    pub(super) paths: Arc<[String]>,
    pub(super) exposed: Arc<[HeaderName]>,
    pub(super) origins: Arc<Origins>,
    pub(super) client_address: Option<HeaderName>,
    /// The largest body in bytes.
    pub(super) body_limit: usize,
    /// A permit for each request in flight.
    pub(super) permits: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    pub(super) lifecycle: Lifecycle,
}

/// What an [`App`] is made of.
pub struct AppParts {
    /// What serves GraphQL.
    pub backend: Arc<dyn Backend>,
    /// `[server]`.
    pub config: Config,
    /// Paths besides `/graphql`, as axum writes them: `/api/{version}/graphql.json`.
    pub paths: Vec<String>,
    /// Headers of answers that pages of other origins may read.
    pub exposed: Vec<HeaderName>,
    /// `limits.body`, bytes.
    pub body_limit: u64,
    /// For `/metrics`.
    pub metrics: Metrics,
}

impl App {
    /// Puts the parts together. Errors: a setting that cannot be used.
    pub fn new(parts: AppParts) -> Result<Self, ConfigError> {
        parts.config.checked_limits()?;
        Ok(Self {
            origins: Arc::new(parts.config.parsed_origins()?),
            client_address: parts.config.parsed_header()?,
            permits: Arc::new(Semaphore::new(parts.config.requests.min(Semaphore::MAX_PERMITS))),
            backend: parts.backend,
            config: Arc::new(parts.config),
            paths: parts.paths.into(),
            exposed: parts.exposed.into(),
            body_limit: usize::try_from(parts.body_limit).unwrap_or(usize::MAX),
            metrics: parts.metrics,
            lifecycle: Lifecycle::default(),
        })
    }

    /// With the lifecycle of a process that runs already.
    #[must_use]
    pub fn within(self, lifecycle: Lifecycle) -> Self {
        Self { lifecycle, ..self }
    }

    /// In the place of another: a request that is in flight there takes room here, too, where the room is as large.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        let as_large = self.config.requests == before.config.requests;
        Self { permits: if as_large { before.permits.clone() } else { self.permits }, ..self }
    }

    /// To say that the process is stopping.
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }
}
