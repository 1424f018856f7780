//! `POST /events`, and below it the paths that collectors of other programs have: a beacon within its limits, handed over.
//!
//! Browsers send beacons without asking first (`text/plain`, no headers of their own). So anybody's page can send one; from
//! a page that has not been let in by `server.origins` it brings no cookie with it, and says for itself whose it is.

use super::doors::{Door, Refusal, answer};
use super::middleware::csrf;
use crate::ingest::{Beacon, Form};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use std::sync::Arc;

/// What the path begins with.
const PREFIX: &str = "/events";

/// One beacon.
pub(super) async fn take(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let _permit = door.permits.try_acquire().map_err(|_| Refusal::too_many())?;
    let foreign = csrf::is_not_let_in(&door.origins, &request);
    let (parts, body) = request.into_parts();
    let body = door.collect(&parts.headers, body).await?;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "form");
    let form = named.and_then(|(_, name)| Form::named(&name));
    let form = form.or_else(|| parts.uri.path().strip_prefix(PREFIX).and_then(Form::named));
    let taken = door.ingest.beacon(&Beacon { headers: parts.headers, query, form, body, foreign }).await?;
    let answer = answer(&taken);
    Ok(if taken.is_too_much() {
        (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], answer).into_response()
    } else {
        answer
    })
}
