//! Which path is whose, and the middleware around them, outermost last.

use super::app::App;
use super::{graphql, health, middleware, subgraph};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// Every route of the gateway. Routes of other modules (`/`, `/events`) are merged into it by the caller
/// before it is wrapped: see `wrap`.
pub fn router(app: App, others: Router) -> Router {
    // Handed to each handler and layer of each request: one counter, not one for each of its parts.
    let app = Arc::new(app);
    let mut graphql =
        Router::new().route("/graphql", any(graphql::graphql)).route("/subgraph", post(subgraph::subgraph));
    for path in app.paths.iter().filter(|path| *path != "/graphql") {
        graphql = graphql.route(path, any(graphql::graphql));
    }
    // A page can be made to ask for these by anyone; CORS and CSRF concern the shopper's data only.
    let graphql = graphql.layer(from_fn_with_state(app.clone(), middleware::csrf::guard));
    let operations = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics));
    let routes = graphql.merge(operations).with_state(app.clone()).merge(others).fallback(nothing_here);
    wrap(routes, &app)
}

/// Lays the middleware around the routes. The first is the innermost.
fn wrap(routes: Router, app: &App) -> Router {
    routes
        // A panic becomes an answer inside everything that answers need: CORS, request id, metrics.
        .layer(CatchPanicLayer::custom(middleware::panic::masked))
        // Whole answers only: what streams from the platform stays as it was sent.
        .layer(middleware::compression::layer(app.config.compression))
        // Around compression, so that a preflight costs nothing and errors are readable by the page.
        .layer(middleware::cors::layer(&app.origins, &app.exposed))
        // Headers that hold for every answer.
        .layer(from_fn(middleware::headers::secure))
        .layer(middleware::headers::transport(app.config.tls.hsts))
        // Outermost: everything within has the request's id in its log lines and is measured.
        .layer(from_fn(middleware::trace::observe))
}

/// An unknown path, in the form that clients parse.
async fn nothing_here() -> Response {
    let body = r#"{"errors":[{"message":"nothing is served at this path; GraphQL is at /graphql"}]}"#;
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
