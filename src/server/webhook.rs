//! `POST /webhooks/{platform}`: a body within its limits, handed over as it came; and a GET by which a platform tries the
//! address.

use super::doors::{Door, Refusal, answer};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::Arc;

/// One delivery.
pub(super) async fn deliver(
    State(door): State<Arc<Door>>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let _permit = door.permits.try_acquire().map_err(|_| Refusal::too_many())?;
    let body = door.collect(&headers, body).await?;
    let delivered = door.ingest.webhook(&platform, &headers, &body).await?;
    Ok(answer(&delivered))
}

/// The answer that a platform waits for before it delivers anything: letters and digits of its own.
pub(super) async fn challenge(
    State(door): State<Arc<Door>>,
    Path(platform): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let answer = door.ingest.challenge(&platform, &query.unwrap_or_default())?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], answer).into_response())
}
