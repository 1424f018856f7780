//! The answer of a leader that is followed, read beside it.
//!
//! A task of its own reads the platform as fast as it answers, so that a leader with a slow line holds up nobody. It
//! keeps every frame until the end or the bound, and hands each to the leader at once (clones of one allocation). Beyond
//! the bound the rest of the stream becomes the leader's, at its own pace, and followers are told to ask for themselves.
//! Memory is taken from one budget over all shares before the first byte is kept, for twice the answer: frames that the
//! leader has not taken yet, and the whole that followers get. It goes back when the last of them is done.

use super::key::NEUTRAL;
use super::{Leader, Outcome};
use crate::gateway::json::lacks_member;
use crate::gateway::respond::is_json;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use futures::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, SET_COOKIE, VARY};
use http::{HeaderMap, StatusCode};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// A body as it comes.
pub(in crate::gateway) type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>>;

/// An answer to be given to several.
#[derive(Debug)]
pub struct Whole {
    /// The platform's headers, without those that repeat an id of the leader's.
    pub headers: HeaderMap,
    /// All of it, encoded as it came.
    pub body: Bytes,
}

/// What the leader gets from the task that reads.
enum Piece {
    Frame(Result<Bytes, io::Error>),
    Rest(Frames),
}

/// A whole body with its place in the budget.
struct Budgeted(Vec<u8>, #[expect(dead_code, reason = "held until the last reader is done")] Arc<OwnedSemaphorePermit>);

impl AsRef<[u8]> for Budgeted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A leader that others follow.
pub(in crate::gateway) struct Followed {
    followers: watch::Sender<Outcome>,
    largest: usize,
    memory: Arc<Semaphore>,
}

impl Leader {
    /// Lets nobody join any more. `None` where nobody has.
    pub(in crate::gateway) fn followed(mut self) -> Option<Followed> {
        let followers = self.close()?;
        Some(Followed { followers, largest: self.largest, memory: Arc::clone(&self.memory) })
    }
}

impl Followed {
    /// The leader's stream; followers are served beside it.
    pub(in crate::gateway) fn tee(self, head: (StatusCode, &HeaderMap), stream: Frames) -> Frames {
        let Self { followers, largest, memory } = self;
        let (status, headers) = head;
        let size = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let size: usize = size.unwrap_or(largest);
        let budget = u32::try_from(size.saturating_mul(2)).ok();
        let budget = budget.and_then(|bytes| memory.try_acquire_many_owned(bytes).ok());
        let Some(budget) = budget.filter(|_| size <= largest && may_share(status, headers)) else {
            followers.send_replace(Outcome::Alone);
            return stream;
        };
        let budget = Arc::new(budget);
        let (leader, mut pieces) = mpsc::unbounded_channel();
        let reading = Reading { followers, leader, largest, headers: headers.clone() };
        tokio::spawn(reading.read(stream, Arc::clone(&budget)));
        let pieces = futures::stream::poll_fn(move |cx| {
            // Frames that wait here are in the budget.
            let _held = &budget;
            pieces.poll_recv(cx)
        });
        pieces
            .flat_map(|piece| match piece {
                Piece::Frame(frame) => futures::stream::iter([frame]).boxed(),
                Piece::Rest(stream) => stream,
            })
            .boxed()
    }
}

/// The task that reads.
struct Reading {
    followers: watch::Sender<Outcome>,
    leader: mpsc::UnboundedSender<Piece>,
    largest: usize,
    headers: HeaderMap,
}

impl Reading {
    async fn read(self, mut stream: Frames, budget: Arc<OwnedSemaphorePermit>) {
        let mut kept = Vec::new();
        loop {
            if self.followers.is_closed() {
                // Nobody waits any more: the rest is the leader's, who may be gone too.
                return self.hand_over(stream);
            }
            match stream.next().await {
                Some(Ok(frame)) => {
                    let room = kept.len() + frame.len() <= self.largest;
                    if room {
                        kept.extend_from_slice(&frame);
                    }
                    self.tell(Piece::Frame(Ok(frame)));
                    if !room {
                        self.followers.send_replace(Outcome::Alone);
                        return self.hand_over(stream);
                    }
                }
                // Dropping the sender tells the followers.
                Some(Err(error)) => return self.tell(Piece::Frame(Err(error))),
                None => break,
            }
        }
        let outcome = if has_no_error(&kept, &self.headers) {
            let mut headers = self.headers;
            NEUTRAL.iter().for_each(|name| {
                headers.remove(*name);
            });
            Outcome::Whole(Arc::new(Whole { headers, body: Bytes::from_owner(Budgeted(kept, budget)) }))
        } else {
            Outcome::Alone
        };
        self.followers.send_replace(outcome);
    }

    fn hand_over(self, stream: Frames) {
        self.tell(Piece::Rest(stream));
    }

    /// A leader that has left is not missed.
    fn tell(&self, piece: Piece) {
        drop(self.leader.send(piece));
    }
}

/// Whether the head of an answer lets it be given to others.
fn may_share(status: StatusCode, headers: &HeaderMap) -> bool {
    let says = |name, words: &[&str]| {
        let values = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let mut directives =
            values.map(|part| part.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii());
        directives.any(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word.as_bytes())))
    };
    status == StatusCode::OK
        && is_json(headers)
        && !headers.contains_key(SET_COOKIE)
        && !says(CACHE_CONTROL, &["private", "no-store"])
        && !says(VARY, &["*"])
}

/// Whether a whole answer reports no error of its own. What cannot be read, because it is encoded otherwise or grows
/// beyond reason, counts as having one.
fn has_no_error(body: &[u8], headers: &HeaderMap) -> bool {
    /// How many times its size an answer may grow to when it is read.
    const GROWTH: u64 = 32;
    match headers.get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => lacks_member(body, b"errors"),
        Some(b"gzip") => {
            let most = GROWTH * body.len() as u64;
            let mut text = Vec::new();
            let read = MultiGzDecoder::new(body).take(most + 1).read_to_end(&mut text);
            read.is_ok_and(|length| length as u64 <= most) && lacks_member(&text, b"errors")
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests;
