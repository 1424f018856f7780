//! A stream whose client must take what is written.
//!
//! An answer goes into the system's buffers and leaves them as fast as its client reads. A client that reads nothing fills
//! them; from then on writing waits, and without an end to that it would hold its connection and the answer for good.
//! Under TLS this lies below the session, where every byte that leaves is seen. A client that reads a byte at a time
//! counts as one that reads nothing: its system tells of room only by the packet.

use crate::telemetry::connection::ConnectionCut;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The stream and its clock, which runs only while writing waits.
pub(super) struct Stalled<S> {
    stream: S,
    limit: Duration,
    clock: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalled<S> {
    /// `limit`: how long nothing may be taken.
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, clock: None }
    }

    /// Lets what was written stop the clock, and what waits start it or find it run out.
    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.clock = None;
            return written;
        }
        let limit = self.limit;
        let clock = self.clock.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if clock.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        ConnectionCut { reason: "reader" }.emit();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalled<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A socket has nothing to flush and closes at once: neither says that anything was taken.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn who_takes_something_in_time_is_waited_for_and_who_takes_nothing_is_not() {
        let (mut client, server) = tokio::io::duplex(4);
        let mut stream = Stalled::new(server, Duration::from_secs(1));
        let slowly = tokio::spawn(async move {
            // Longer in all than the limit, and never so long at once.
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
            // Nothing more is read, and the other end stays open.
            std::future::pending::<()>().await;
            drop(client);
        });
        stream.write_all(&[0; 24]).await.unwrap();
        assert_eq!(stream.write_all(&[0; 24]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        slowly.abort();
    }
}
