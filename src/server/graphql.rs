//! The GraphQL endpoint: a body within its limits, handed over.

use super::app::App;
use super::middleware::csrf;
use super::shutdown::Peer;
use crate::gateway::accept::Accept;
use crate::gateway::error::{GatewayError, RequestError};
use crate::gateway::respond::{self, AnswerBody};
use axum::BoxError;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::net::{IpAddr, Ipv4Addr};

/// Which of the backend's two schemas a path serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The shop's, with the personalized fields.
    Shop,
    /// The personalized fields alone, for a federation router.
    Subgraph,
}

/// Serves one request on any path of the shop, unless a foreign page may have sent it.
pub(super) async fn graphql<B>(app: &App, request: Request<B>, peer: Option<Peer>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
{
    match csrf::refused(app, &request) {
        Some(refused) => refused,
        None => admit(app, request, peer, Endpoint::Shop).await,
    }
}

/// Serves a request where there is room for one more.
pub(super) async fn admit<B>(
    app: &App,
    request: Request<B>,
    peer: Option<Peer>,
    endpoint: Endpoint,
) -> Response<AnswerBody>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
{
    let accept = Accept::of(request.headers());
    match app.permits.try_acquire() {
        Ok(_permit) => {
            let served = serve(app, request, peer, endpoint).await;
            served.unwrap_or_else(|error| respond::failed(&error, accept))
        }
        Err(_) => respond::failed(&GatewayError::Overloaded, accept),
    }
}

/// Collects the body and asks the backend, each within its time.
async fn serve<B>(
    app: &App,
    request: Request<B>,
    peer: Option<Peer>,
    endpoint: Endpoint,
) -> Result<Response<AnswerBody>, GatewayError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
{
    let (parts, body) = request.into_parts();
    let collecting = collect(&parts.headers, body, app.body_limit);
    let body =
        tokio::time::timeout(app.config.body_timeout, collecting).await.map_err(|_| RequestError::BodyTimeout)??;
    let peer = shopper_address(app, &parts.headers, peer);
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
async fn collect<B>(headers: &HeaderMap, mut body: B, limit: usize) -> Result<Bytes, RequestError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let too_large = || RequestError::BodyTooLarge { limit: limit as u64 };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // What announces itself as too large is refused before a byte of it is read.
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    // Most bodies come in one piece, which is taken as it is.
    let mut first = Bytes::new();
    while first.is_empty() && !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        first = frame.map_err(|_| RequestError::BodyBroken)?.into_data().unwrap_or_default();
    }
    if first.len() > limit {
        return Err(too_large());
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    match Limited::new(body, limit - first.len()).collect().await {
        Ok(rest) => Ok([first, rest.to_bytes()].concat().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(RequestError::BodyBroken),
    }
}

/// The shopper's address: what a trusted proxy wrote, else the connection's.
fn shopper_address(app: &App, headers: &HeaderMap, peer: Option<Peer>) -> IpAddr {
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let written = app.client_address.as_ref().and_then(|name| headers.get_all(name).iter().next_back());
    let last = written.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.unwrap_or(peer)
}
