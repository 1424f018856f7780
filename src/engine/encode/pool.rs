//! Threads that encode, and the queue before them. Arithmetic of a tenth of a millisecond and more does not belong on the
//! threads that answer requests.
//!
//! Invariants: at most `queue` sessions wait; who has stopped waiting is not encoded for; a thread that fails to compute
//! answers with the error and takes the next. Sessions are encoded one by one: alone they are faster each than as a batch.

use super::matched::Matched;
use crate::features::Sequence;
use crate::model::ModelError;
use crate::telemetry::model::SessionEncoded;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Instant;
use tokio::sync::oneshot;

/// What a session became.
pub(super) type Vector = Result<Vec<f32>, ModelError>;

/// A session to be encoded.
pub(super) struct Job {
    by: Arc<Matched>,
    session: Sequence,
    asked: Instant,
    answer: oneshot::Sender<Vector>,
}

/// There is no room, or no thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The threads; they end with it.
pub(super) struct Pool {
    queue: SyncSender<Job>,
}

impl Pool {
    /// Starts the threads, one at least. Where the system gives none, everything is [`Full`].
    pub(super) fn start(threads: usize, queue: usize) -> Self {
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads.clamp(1, 64) {
            let receiver = receiver.clone();
            if let Err(error) = Builder::new().name(format!("encode-{number}")).spawn(move || work(&receiver)) {
                tracing::error!(%error, "no thread for the model; slates are decided without it");
            }
        }
        Self { queue: sender }
    }

    /// Has a session encoded; it waits in the queue, the caller does not.
    /// Errors: `Full`.
    pub(super) fn encode(&self, by: Arc<Matched>, session: Sequence) -> Result<oneshot::Receiver<Vector>, Full> {
        let (answer, told) = oneshot::channel();
        let job = Job { by, session, asked: Instant::now(), answer };
        match self.queue.try_send(job) {
            Ok(()) => Ok(told),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Full),
        }
    }
}

/// A pool whose queue nobody serves.
#[cfg(test)]
pub(super) fn idle(queue: usize) -> (Pool, Receiver<Job>) {
    let (sender, receiver) = sync_channel(queue);
    (Pool { queue: sender }, receiver)
}

/// Serves the queue until the pool is gone.
pub(super) fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // Held while it waits: the next in line waits for the lock instead of for the queue.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { by, session, asked, answer }) = next else { return };
        if answer.is_closed() {
            SessionEncoded { outcome: "left", took: asked.elapsed() }.emit();
            continue;
        }
        let encoded = by.served().encode(&[&session]).map(|mut vectors| vectors.pop().unwrap_or_default());
        let outcome = if encoded.is_ok() { "ok" } else { "failed" };
        SessionEncoded { outcome, took: asked.elapsed() }.emit();
        // Who has left in the meantime does not hear of it.
        drop(answer.send(encoded));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{matched, session};
    use super::*;

    #[tokio::test]
    async fn sessions_are_encoded_as_the_model_encodes_them() {
        let by = matched();
        let pool = Pool::start(2, 64);
        let waiting: Vec<_> = (0..40).map(|n| pool.encode(by.clone(), session(n)).unwrap()).collect();
        for (n, told) in waiting.into_iter().enumerate() {
            let alone = by.served().encode(&[&session(n)]).unwrap().remove(0);
            assert_eq!(told.await.unwrap().unwrap(), alone);
        }
    }

    #[test]
    fn a_full_queue_says_so_at_once() {
        let (pool, _queue) = idle(2);
        let _waiting = [1, 2].map(|n| pool.encode(matched(), session(n)).unwrap());
        assert_eq!(pool.encode(matched(), session(3)).err(), Some(Full));
    }

    #[test]
    fn who_has_left_is_not_encoded_for_and_an_error_ends_no_thread() {
        let (pool, queue) = idle(8);
        drop(pool.encode(matched(), session(1)).unwrap());
        let too_long = Sequence::of_rows(&[1; 500], 500);
        let mut wrong = pool.encode(matched(), too_long).unwrap();
        let mut right = pool.encode(matched(), session(2)).unwrap();
        drop(pool);
        work(&Mutex::new(queue));
        assert!(wrong.try_recv().unwrap().is_err());
        assert!(right.try_recv().unwrap().is_ok());
    }
}
