//! A panic of a handler is an internal error to its client, and the end of nothing else.

use crate::gateway::accept::Accept;
use crate::gateway::error::GatewayError;
use crate::gateway::respond;
use crate::telemetry::events::Panicked;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use std::any::Any;

/// The masked answer. What the panic says can hold anything, so it is not repeated.
pub(crate) fn masked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Panicked.emit();
    let error = GatewayError::Internal("a handler panicked".to_owned());
    respond::failed(&error, Accept::default()).map(Body::new).into_response()
}
