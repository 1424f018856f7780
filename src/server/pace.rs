//! How an HTTP/2 connection moves: which answers wait for their client to take them, and since when nothing is asked for.
//!
//! Over HTTP/2 a client holds each answer back by itself, with windows of its own, while the connection stays lively: it
//! answers pings, or asks for something else. What lies below ([`super::stalled`]) sees nothing of that. Here each answer
//! is watched from the moment when it could be taken, and handed on in pieces, so that no more than a piece of it can
//! wait behind the library's back. HTTP/1.1 has one answer at a time and is not watched here.

use super::stalled::LEAST;
use axum::http::Version;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The most bytes of an answer that are handed on at once, and so what must be taken of it in time.
const PIECE: usize = LEAST;

/// What a connection's answers are doing. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The client speaks HTTP/1.1, whose idle connections end otherwise.
    plain: bool,
    /// When the last request ended, or the connection began.
    quiet: Instant,
    /// Requests from their head to the end of their answers.
    open: usize,
    /// Answers by number: since when the client could take more of it; `None` while more is awaited from the inside.
    offered: Vec<Option<Instant>>,
}

/// What is to be done about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Fine,
    /// Nothing was asked for in so long.
    Idle,
    /// Some answer has not been taken for too long.
    Stalled,
}

impl Pace {
    /// A connection that begins now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { plain: false, quiet: Instant::now(), open: 0, offered: Vec::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers only: a panic elsewhere leaves nothing half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come; it lasts as long as what is returned. `None` over HTTP/1.1.
    pub(super) fn asked(&self, version: Version) -> Option<Asked> {
        let mut state = self.state();
        if version != Version::HTTP_2 {
            state.plain = true;
            return None;
        }
        state.open += 1;
        drop(state);
        Some(Asked { pace: self.clone(), place: None })
    }

    /// How the connection stands. `reader`: how long an answer may not be taken; `idle`: how long nothing may be asked.
    pub(super) fn verdict(&self, now: Instant, reader: Duration, idle: Duration) -> Verdict {
        let state = self.state();
        let overdue = |offered: &Instant| now.duration_since(*offered) >= reader;
        if state.offered.iter().flatten().any(overdue) {
            Verdict::Stalled
        } else if !state.plain && state.open == 0 && now.duration_since(state.quiet) >= idle {
            Verdict::Idle
        } else {
            Verdict::Fine
        }
    }
}

/// A request on a watched connection.
#[derive(Debug)]
pub(super) struct Asked {
    pace: Pace,
    /// Where its answer stands among those offered, once it has begun.
    place: Option<usize>,
}

impl Asked {
    /// The answer waits for the client from now on.
    fn offer(&mut self) {
        let mut state = self.pace.state();
        let place = match self.place {
            Some(place) => place,
            None => {
                // At most as many as streams may be open: the first free place is soon found.
                let free = state.offered.iter().position(Option::is_none);
                free.unwrap_or_else(|| {
                    state.offered.push(None);
                    state.offered.len() - 1
                })
            }
        };
        self.place = Some(place);
        if let Some(offered) = state.offered.get_mut(place) {
            *offered = Some(Instant::now());
        }
    }

    /// The client took what there was.
    fn taken(&mut self) {
        if let Some(place) = self.place.take()
            && let Some(offered) = self.pace.state().offered.get_mut(place)
        {
            *offered = None;
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.taken();
        let mut state = self.pace.state();
        state.open = state.open.saturating_sub(1);
        state.quiet = Instant::now();
    }
}

/// The body of an answer, watched where it goes out over HTTP/2.
pub(super) struct Paced<B> {
    body: B,
    asked: Option<Asked>,
    /// Of the last frame, what was more than a piece.
    rest: Bytes,
}

impl<B> Paced<B> {
    /// Watches a body whose head goes out now; `None`: it goes out as it is.
    pub(super) fn new(body: B, mut asked: Option<Asked>) -> Self {
        if let Some(asked) = &mut asked {
            asked.offer();
        }
        Self { body, asked, rest: Bytes::new() }
    }

    /// The next piece of what is there; the client's turn from now on.
    fn piece(&mut self) -> Frame<Bytes> {
        if let Some(asked) = &mut self.asked {
            asked.offer();
        }
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(asked) = &mut self.asked else { return Pin::new(&mut self.body).poll_frame(cx) };
        asked.taken();
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Poll::Ready(Some(Ok(frame))) = polled else { return polled };
        match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                Poll::Ready(Some(Ok(self.piece())))
            }
            Err(trailers) => Poll::Ready(Some(Ok(trailers))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (below, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(below.lower().saturating_add(rest));
        if let Some(upper) = below.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body as Sent;
    use http_body_util::BodyExt;

    const READER: Duration = Duration::from_secs(30);
    const IDLE: Duration = Duration::from_secs(75);

    fn after(pace: &Pace, seconds: u64) -> Verdict {
        pace.verdict(Instant::now() + Duration::from_secs(seconds), READER, IDLE)
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_stalls_its_connection_whatever_else_goes_on() {
        let pace = Pace::new();
        let mut held = Paced::new(Sent::from(vec![b'x'; 3 * PIECE]), pace.asked(Version::HTTP_2));
        assert_eq!(held.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
        let other = Paced::new(Sent::from("answer"), pace.asked(Version::HTTP_2));
        assert_eq!(other.collect().await.unwrap().to_bytes(), "answer");
        assert_eq!((after(&pace, 28), after(&pace, 30)), (Verdict::Fine, Verdict::Stalled));
        assert_eq!(held.collect().await.unwrap().to_bytes().len(), 2 * PIECE);
        assert_eq!(after(&pace, 30), Verdict::Fine, "all was taken");
        let _unread = Paced::new(Sent::from("answer"), pace.asked(Version::HTTP_2));
        assert_eq!(after(&pace, 30), Verdict::Stalled, "not a byte was wanted");
    }

    #[tokio::test]
    async fn what_is_awaited_from_the_inside_is_not_the_clients_fault() {
        let pace = Pace::new();
        let asked = pace.asked(Version::HTTP_2);
        assert_eq!(after(&pace, 600), Verdict::Fine, "the answer has not begun");
        let body = Sent::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut body = Paced::new(body, asked);
        assert!(futures::poll!(std::pin::pin!(body.frame())).is_pending());
        assert_eq!(after(&pace, 600), Verdict::Fine);
        drop(body);
        assert_eq!((after(&pace, 73), after(&pace, 75)), (Verdict::Fine, Verdict::Idle));
        assert!(pace.asked(Version::HTTP_11).is_none());
        assert_eq!(after(&pace, 600), Verdict::Fine, "HTTP/1.1 has a limit of its own");
    }

    #[tokio::test]
    async fn a_body_in_pieces_keeps_its_length_and_its_bytes() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let mut body = Paced::new(Sent::from(bytes.clone()), Pace::new().asked(Version::HTTP_2));
        let mut read = Vec::new();
        while !Body::is_end_stream(&body) {
            let left = Body::size_hint(&body).exact().unwrap();
            assert_eq!(left as usize, bytes.len() - read.len());
            read.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(read, bytes);
    }
}
