//! `POST /webhooks/{platform}`: a body within its limits, handed over as it came.

use super::doors::{Door, Refusal, answer};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
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
