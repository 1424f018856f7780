//! The body of an answer that streams: what was read of it already, then the rest as it comes, until it is silent for
//! too long.
//!
//! The clock runs only while nothing is there: a body that keeps coming costs no timer.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A body that streams. An error is its end: it broke off, or said nothing for longer than `read_timeout`.
#[derive(Debug)]
pub struct Streamed {
    /// Read ahead; empty where nothing was.
    begun: Bytes,
    rest: Incoming,
    patience: Duration,
    /// When the silence is too long; none has been waited for yet where it is `None`.
    silence: Option<Pin<Box<Sleep>>>,
    /// Whether the last poll waited, so that the clock runs from its beginning.
    waiting: bool,
}

impl Streamed {
    /// A body of which `begun` was read already.
    pub(super) fn new(begun: Bytes, rest: Incoming, patience: Duration) -> Self {
        Self { begun, rest, patience, silence: None, waiting: false }
    }

    /// Waits on, at most until the silence is too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let patience = self.patience;
        let silence = self.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if !std::mem::replace(&mut self.waiting, true) {
            silence.as_mut().reset(Instant::now() + patience);
        }
        let too_long = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing came for {patience:?}"));
        silence.as_mut().poll(cx).map(|()| Some(Err(too_long())))
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.begun.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.begun)))));
        }
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.waiting = false;
                Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
            }
            Poll::Pending => self.wait(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let begun = self.begun.len() as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(begun));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(begun)) {
            hint.set_upper(upper);
        }
        hint
    }
}
