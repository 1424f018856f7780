//! The endpoint for federation routers, within the same limits as the storefront's.

use super::app::App;
use super::graphql::{Endpoint, admit};
use super::shutdown::Peer;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use std::sync::Arc;

/// Serves one request of a router.
pub(super) async fn subgraph(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    admit(&app, request, peer, Endpoint::Subgraph).await.map(Body::new)
}
