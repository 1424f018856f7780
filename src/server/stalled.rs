//! A stream whose client must take what is written.
//!
//! An answer goes into the system's buffers and leaves them as fast as its client reads. A client that reads nothing fills
//! them; from then on writing waits, and without an end to that it would hold its connection and the answer for good.
//! Under TLS this lies below the session, where every byte that leaves is seen. A client that reads a little now and then
//! is no better: it must take [`LEAST`] within the limit. Only time spent waiting counts, so a connection may be idle
//! between answers for as long as other limits let it. Over HTTP/2 [`super::pace`] asks the same of each answer.

use crate::telemetry::connection::ConnectionCut;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What must be taken within the limit, in bytes: 546 a second with the default of 30 s. It is also the piece in which
/// [`super::pace`] hands answers on.
pub(super) const LEAST: usize = 16 * 1024;

/// The stream and its clock, which runs only while writing waits.
pub(super) struct Stalled<S> {
    stream: S,
    limit: Duration,
    /// What is left of the limit, and what was taken of [`LEAST`] meanwhile.
    left: Duration,
    taken: usize,
    /// Since when writing waits, and the clock that ends it.
    waits: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Stalled<S> {
    /// `limit`: how long writing may wait until [`LEAST`] is taken.
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, left: limit, taken: 0, waits: None }
    }

    /// Lets what waits start the clock or find it run out, and what was written stop it.
    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.took(written.as_ref().map_or(0, |bytes| *bytes));
            return Poll::Ready(written);
        }
        let left = self.left;
        let (_, clock) = self.waits.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        if clock.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        ConnectionCut { reason: "reader" }.emit();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn took(&mut self, bytes: usize) {
        self.taken += bytes;
        let waited = self.waits.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        self.left = self.left.saturating_sub(waited);
        if self.taken >= LEAST {
            (self.left, self.taken) = (self.limit, 0);
        }
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

    const LIMIT: Duration = Duration::from_secs(2);

    /// Writes without end to a client who reads so many bytes after each pause, as often as that, and then nothing more.
    /// What was written, until the clock ran out.
    async fn written(bytes: usize, pause: Duration, times: usize) -> usize {
        let (mut client, server) = tokio::io::duplex(64);
        let mut stream = Stalled::new(server, LIMIT);
        let reads = tokio::spawn(async move {
            let mut piece = vec![0; bytes];
            for _ in 0..times {
                tokio::time::sleep(pause).await;
                client.read_exact(&mut piece).await.unwrap();
            }
            std::future::pending::<()>().await;
            drop(client);
        });
        let mut count = 0;
        loop {
            match stream.write(&[0; 64]).await {
                Ok(more) => count += more,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    reads.abort();
                    return count;
                }
            }
        }
    }

    #[tokio::test]
    async fn who_takes_enough_in_time_is_waited_for_though_it_takes_longer_in_all() {
        let count = written(LEAST, LIMIT / 4, 6).await;
        assert!(count >= 6 * LEAST, "{count} bytes");
    }

    #[tokio::test]
    async fn who_takes_nothing_is_not_waited_for() {
        assert_eq!(written(0, LIMIT, 0).await, 64, "what the buffer holds");
    }

    #[tokio::test]
    async fn who_takes_a_little_now_and_then_is_not_waited_for_either() {
        // Some four seconds, and never a tenth of the limit without a byte.
        let count = written(64, LIMIT / 20, 40).await;
        assert!((64..30 * 64).contains(&count), "{count} bytes");
    }

    #[tokio::test]
    async fn time_between_answers_does_not_count() {
        let (mut client, server) = tokio::io::duplex(4);
        let mut stream = Stalled::new(server, LIMIT);
        for _ in 0..2 {
            let (sent, read) = tokio::join!(stream.write_all(&[0; 8]), async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                client.read_exact(&mut [0; 8]).await
            });
            assert!(sent.is_ok() && read.is_ok());
            tokio::time::sleep(LIMIT + LIMIT / 4).await;
        }
    }
}
