//! A panic of a handler is an internal error to its client, and the end of nothing else.

use crate::gateway::accept::Accept;
use crate::gateway::error::GatewayError;
use crate::gateway::respond::{self, AnswerBody};
use crate::telemetry::events::Panicked;
use axum::http::Response;

/// The masked answer. What the panic says can hold anything, so it is not repeated.
pub(crate) fn masked() -> Response<AnswerBody> {
    Panicked.emit();
    let error = GatewayError::Internal("a handler panicked".to_owned());
    respond::failed(&error, Accept::default())
}
