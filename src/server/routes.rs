//! Which path is whose, and what lies around every answer.
//!
//! The shop's paths are most of the traffic: they are found here and served without a router, whose layers box every
//! future within them. Everything else is axum's. Around both lie the same things in the same order, outermost first:
//! the request's id, trace and metrics; headers of every answer; CORS; compression; the end of a panic.

use super::app::App;
use super::body::Served;
use super::shutdown::Peer;
use super::{graphql, health, middleware, subgraph};
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{self, Response, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{BoxError, Router};
use bytes::Bytes;
use futures::FutureExt;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::compression::{CompressionBody, CompressionLayer};
use tower_http::cors::CorsLayer;

/// An answer as it leaves.
pub type Answered = Response<CompressionBody<Served>>;

/// Everything that is served. Clones share it.
#[derive(Clone)]
pub struct Routes(Arc<Parts>);

struct Parts {
    shop: Option<Shop>,
    others: Router,
    headers: middleware::headers::Always,
    cors: CorsLayer,
    compression: CompressionLayer<middleware::compression::Whole>,
}

/// The shop's endpoint.
struct Shop {
    app: Arc<App>,
    /// Its paths, by their patterns.
    paths: matchit::Router<Arc<str>>,
}

/// The pattern of the path that a request was routed by; among the extensions of answers of the router.
#[derive(Clone, Debug)]
struct Route(Arc<str>);

/// Every route of the gateway, and those of other modules (`/`, `/events`).
pub fn router(app: App, others: Router) -> Routes {
    let app = Arc::new(app);
    let mut paths = matchit::Router::new();
    for path in std::iter::once("/graphql").chain(app.paths.iter().map(String::as_str)) {
        // A path that is there already, or one that the platform writes wrong, which its tests would show.
        paths.insert(path, Arc::from(path)).ok();
    }
    // A page can be made to ask for it by anyone; CORS and CSRF concern the shopper's data only.
    let federated = Router::new()
        .route("/subgraph", post(subgraph::subgraph))
        .layer(from_fn_with_state(app.clone(), middleware::csrf::guard));
    let operations = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics));
    let others = federated.merge(operations).with_state(app.clone()).merge(others).fallback(nothing_here);
    Routes(Arc::new(Parts {
        others: others.layer(from_fn(tell_route)),
        headers: middleware::headers::Always::new(app.config.tls.hsts),
        cors: middleware::cors::layer(&app.origins, &app.exposed),
        compression: middleware::compression::layer(app.config.compression),
        shop: Some(Shop { app, paths }),
    }))
}

impl Routes {
    /// Answers a request. `peer`: the other end of its connection.
    pub(super) async fn answer<B>(&self, mut request: http::Request<B>, peer: Option<Peer>) -> Answered
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let shop = self.0.shop.as_ref();
        let found = shop.and_then(|shop| Some((shop, shop.paths.at(request.uri().path()).ok()?)));
        let (app, route) = found.map(|(shop, path)| (&*shop.app, Arc::clone(path.value))).unzip();
        // Everything within has the request's id in its log lines.
        let observed = middleware::trace::Observed::begin(&mut request, route.as_deref());
        // Boxed, because every layer around it moves it.
        let handle = service_fn(|request| Box::pin(self.handle(request, peer, app)));
        // Whole answers only are compressed: what streams from the platform stays as it was sent. CORS lies around it, so
        // that a preflight costs nothing and errors are readable by the page.
        let mut layered = self.0.cors.layer(self.0.compression.layer(handle));
        let Ok(mut response) = observed.within(layered.call(request)).await;
        self.0.headers.put(response.headers_mut());
        let route = route.or_else(|| response.extensions_mut().remove().map(|Route(pattern)| pattern));
        observed.end(&mut response, route);
        response
    }

    /// A panic becomes an answer inside everything that answers need.
    async fn handle<B>(
        &self,
        request: http::Request<B>,
        peer: Option<Peer>,
        shop: Option<&App>,
    ) -> Result<Response<Served>, Infallible>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let answered = match shop {
            Some(app) => {
                let handled = graphql::graphql(app, request, peer);
                AssertUnwindSafe(handled).catch_unwind().await.map(|answer| answer.map(Served::Answer))
            }
            None => AssertUnwindSafe(self.route(request, peer)).catch_unwind().await,
        };
        Ok(answered.unwrap_or_else(|_| middleware::panic::masked().map(Served::Answer)))
    }

    async fn route<B>(&self, request: http::Request<B>, peer: Option<Peer>) -> Response<Served>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let Ok(answer) = self.0.others.clone().oneshot(request).await;
        answer.map(Served::Routed)
    }
}

/// A router that serves nobody's shop: a shop itself, or a part of one.
impl From<Router> for Routes {
    fn from(others: Router) -> Self {
        let (headers, cors) = (middleware::headers::Always::new(None), CorsLayer::new());
        let compression = middleware::compression::layer(false);
        Self(Arc::new(Parts { shop: None, others, headers, cors, compression }))
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Routes")
    }
}

impl Service<http::Request<Body>> for Routes {
    type Response = Answered;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Answered, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let routes = self.clone();
        Box::pin(async move { Ok(routes.answer(request, None).await) })
    }
}

/// Tells the pattern of the path, which only the router knows, to what lies around it.
async fn tell_route(request: Request, next: Next) -> axum::response::Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(Route(matched.as_str().into()));
    }
    response
}

/// An unknown path, in the form that clients parse.
async fn nothing_here() -> axum::response::Response {
    let body = r#"{"errors":[{"message":"nothing is served at this path; GraphQL is at /graphql"}]}"#;
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
