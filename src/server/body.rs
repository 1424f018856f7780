//! The body of whatever is served: the gateway's answer, or what a route of the router answered.

use crate::gateway::respond::AnswerBody;
use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body before compression. An error ends the connection.
#[derive(Debug)]
pub enum Served {
    /// Of the gateway.
    Answer(AnswerBody),
    /// Of the router.
    Routed(Body),
}

impl Default for Served {
    fn default() -> Self {
        Self::Answer(AnswerBody::Full(Bytes::new()))
    }
}

impl http_body::Body for Served {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Answer(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Self::Routed(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Answer(body) => body.is_end_stream(),
            Self::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Answer(body) => body.size_hint(),
            Self::Routed(body) => body.size_hint(),
        }
    }
}
