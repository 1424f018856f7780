//! For operators: whether the process lives, whether it takes requests, and its metrics.

use super::app::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The process answers.
pub(super) async fn live() -> Response {
    ([(CACHE_CONTROL, "no-store")], "live\n").into_response()
}

/// The backend can serve and the process is not stopping; else 503 with the reason.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let reason = if app.lifecycle.stopping() { Some("stopping") } else { app.backend.pending() };
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], format!("{}\n", reason.unwrap_or("ready"))).into_response()
}

/// The metrics, as Prometheus scrapes them.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}
