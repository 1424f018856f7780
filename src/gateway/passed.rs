//! The body of an answer that passes through: the platform's own, chunk by chunk, and as long as it says. A length that
//! is known is told, so that the answer leaves with it and its last bytes are not followed by an empty chunk.

use super::overhear::Overheard;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// On its way from the platform to the client.
pub struct Passed<B> {
    /// Read ahead; empty where nothing was.
    begun: Bytes,
    rest: B,
    overheard: Option<Overheard>,
}

impl<B> Passed<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    /// A body of which `begun` was read already, and who learns from it.
    pub fn new(begun: Bytes, rest: B, overheard: Option<Overheard>) -> Self {
        Self { begun, rest, overheard }
    }

    /// Hands a chunk on. A body whose length is known is not asked again after its last one.
    fn chunk(&mut self, chunk: Bytes) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(overheard) = &mut self.overheard {
            overheard.chunk(&chunk);
        }
        if self.is_end_stream() {
            self.end();
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn end(&mut self) {
        if let Some(overheard) = self.overheard.take() {
            overheard.end();
        }
    }
}

impl<B> Body for Passed<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.begun.is_empty() {
            let begun = std::mem::take(&mut self.begun);
            return self.chunk(begun);
        }
        loop {
            match ready!(Pin::new(&mut self.rest).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers are the platform's with the gateway, as connection headers are.
                    if let Ok(chunk) = frame.into_data() {
                        return self.chunk(chunk);
                    }
                }
                Some(Err(error)) => {
                    // What breaks off teaches nothing.
                    self.overheard = None;
                    return Poll::Ready(Some(Err(io::Error::other(error.to_string()))));
                }
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (begun, rest) = (self.begun.len() as u64, self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(begun));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(begun)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use http_body_util::{BodyExt, Full};

    #[test]
    fn a_length_that_is_known_is_told_with_what_was_read_ahead() {
        let body = Passed::new(Bytes::from_static(b"{\"data\""), Full::new(Bytes::from_static(b":1}")), None);
        assert_eq!(body.size_hint().exact(), Some(10));
        let whole = body.collect().now_or_never().unwrap().unwrap().to_bytes();
        assert_eq!(whole, "{\"data\":1}");
    }
}
