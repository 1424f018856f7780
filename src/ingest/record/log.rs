//! The training log: JSON lines in rotated files, written by a thread of its own behind a bounded queue.
//!
//! Files are `events-<milliseconds>-<number>.jsonl`; a new one is begun at each start and when one is full. Erasing
//! rewrites the files that name a shopper; who is still to be erased is noted on disk, so a crash does not lose it.

mod files;

use super::Recorded;
use crate::domain::ids::ShopperKey;
use crate::ingest::config;
use crate::ingest::error::StartError;
use crate::ingest::mark::Goes;
use crate::telemetry::events::LearningDropped;
use files::Files;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How often old files are deleted and noted shoppers erased.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

enum Message {
    Line(Arc<Recorded>),
    Erase(ShopperKey),
    /// Everything of every shopper goes, by the redaction of this moment.
    Redact(Timestamp, Goes, oneshot::Sender<std::io::Result<()>>),
    Housekeeping,
    Flush(oneshot::Sender<()>),
}

/// The near end of the log.
pub(super) struct TrainingLog {
    queue: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
}

impl TrainingLog {
    /// Makes the folder and starts the writer, which ends when this is dropped. Needs a runtime.
    pub(super) fn open(config: &config::Log) -> Result<Self, StartError> {
        let failed = |source| StartError::LogFolder { path: config.dir.clone(), source };
        let files = Files::open(config).map_err(failed)?;
        let (queue, messages) = mpsc::channel(config.queue.max(1));
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        let writer = std::thread::Builder::new().name("training-log".to_owned());
        writer.spawn(move || write(files, messages, &counter)).map_err(failed)?;
        let weak = queue.downgrade();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(HOUSEKEEPING);
            while let Some(queue) = {
                ticks.tick().await;
                weak.upgrade()
            } {
                // A full queue has no time for housekeeping; the next tick comes soon.
                queue.try_send(Message::Housekeeping).ok();
            }
        });
        Ok(Self { queue, dropped })
    }

    /// Hands a line over. Never waits: where the queue is full the line is dropped and counted.
    pub(super) fn append(&self, event: Arc<Recorded>) {
        if self.queue.try_send(Message::Line(event)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            LearningDropped { kind: "line" }.emit();
        }
    }

    /// Has a shopper erased. Waits for room in the queue: this must not be dropped.
    pub(super) async fn erase(&self, shopper: ShopperKey) {
        if self.queue.send(Message::Erase(shopper)).await.is_err() {
            tracing::error!("the training log has stopped: a shopper's lines could not be erased");
        }
    }

    /// Deletes every line, unless this redaction has been heard of before.
    pub(super) async fn redact(&self, at: Timestamp, goes: Goes) -> std::io::Result<()> {
        let (done, wait) = oneshot::channel();
        let stopped = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.queue.send(Message::Redact(at, goes, done)).await.map_err(|_| stopped(()))?;
        wait.await.map_err(|_| stopped(()))?
    }

    /// Waits until all that was handed over is on disk and erased.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // A writer that stopped has nothing left to wait for.
            wait.await.ok();
        }
    }

    /// Lines dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The lines of a shopper in the files of a folder.
pub(super) fn lines_of(dir: &Path, shopper: &ShopperKey) -> std::io::Result<Vec<Recorded>> {
    files::lines_of(dir, shopper)
}

/// The writer's life: until every sender is gone.
fn write(mut files: Files, mut messages: mpsc::Receiver<Message>, dropped: &AtomicU64) {
    loop {
        let message = match messages.try_recv() {
            Ok(message) => Some(message),
            // Nothing waits, so there is time to bring lines to the disk.
            Err(_) => {
                report(files.flush());
                messages.blocking_recv()
            }
        };
        match message {
            Some(Message::Line(event)) => {
                if files.append(&event).is_err() {
                    dropped.fetch_add(1, Ordering::Relaxed);
                    LearningDropped { kind: "line" }.emit();
                }
            }
            Some(Message::Erase(shopper)) => report(files.note_erasure(&shopper)),
            // Nobody waits any more: it is done all the same.
            Some(Message::Redact(at, goes, done)) => drop(done.send(files.redact(at, goes))),
            Some(Message::Housekeeping) => report(files.housekeeping()),
            Some(Message::Flush(done)) => {
                report(files.housekeeping());
                // Nobody waits any more: fine.
                done.send(()).ok();
            }
            None => return report(files.flush()),
        }
    }
}

fn report(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the training log cannot be written; check its folder and the space on its disk");
    }
}
