//! The GraphQL endpoint: a body within its limits, handed over.

use super::app::App;
use super::shutdown::Peer;
use crate::gateway::accept::Accept;
use crate::gateway::error::{GatewayError, RequestError};
use crate::gateway::respond::{self, AnswerBody};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Request, Response};
use axum::response::IntoResponse;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Which of the backend's two schemas a path serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The shop's, with the personalized fields.
    Shop,
    /// The personalized fields alone, for a federation router.
    Subgraph,
}

/// Serves one request on any path of the gateway.
pub(super) async fn graphql(State(app): State<Arc<App>>, request: Request<Body>) -> axum::response::Response {
    admit(&app, request, Endpoint::Shop).await
}

/// Serves a request where there is room for one more.
pub(super) async fn admit(app: &App, request: Request<Body>, endpoint: Endpoint) -> axum::response::Response {
    let accept = Accept::of(request.headers());
    let answer = match app.permits.clone().try_acquire_owned() {
        Ok(_permit) => match serve(app, request, endpoint).await {
            Ok(answer) => answer,
            Err(error) => respond::failed(&error, accept),
        },
        Err(_) => respond::failed(&GatewayError::Overloaded, accept),
    };
    answer.map(Body::new).into_response()
}

/// Collects the body and asks the backend, each within its time.
async fn serve(app: &App, request: Request<Body>, endpoint: Endpoint) -> Result<Response<AnswerBody>, GatewayError> {
    let (parts, body) = request.into_parts();
    let collecting = collect(&parts.headers, body, app.body_limit);
    let body =
        tokio::time::timeout(app.config.body_timeout, collecting).await.map_err(|_| RequestError::BodyTimeout)??;
    let peer = shopper_address(app, &parts.headers, parts.extensions.get::<Peer>());
    let request = Request::from_parts(parts, body);
    let executing = match endpoint {
        Endpoint::Shop => app.backend.execute(request, peer),
        Endpoint::Subgraph => app.backend.subgraph(request),
    };
    let limit = app.config.request_timeout;
    tokio::time::timeout(limit, executing)
        .await
        .map_err(|_| GatewayError::Timeout { milliseconds: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) })
}

/// The body, never more than `limit` bytes of it in memory.
async fn collect(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, RequestError> {
    let too_large = || RequestError::BodyTooLarge { limit: limit as u64 };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // What announces itself as too large is refused before a byte of it is read.
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(RequestError::BodyBroken),
    }
}

/// The shopper's address: what a trusted proxy wrote, else the connection's.
fn shopper_address(app: &App, headers: &HeaderMap, peer: Option<&Peer>) -> IpAddr {
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let written = app.client_address.as_ref().and_then(|name| headers.get_all(name).iter().next_back());
    let last = written.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.unwrap_or(peer)
}
