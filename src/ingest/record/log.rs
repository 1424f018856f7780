//! The training log: JSON lines in rotated files, written by a thread of its own behind a bounded queue.
//!
//! Files are `events-<milliseconds>-<number>.jsonl`; a new one is begun at each start, when one is full, and before an
//! erasure. Who is to be erased is noted on disk first, which is what is waited for; a thread of its own then writes the files
//! anew that name them, those of a minute together. What a process leaves the next one does.

mod files;
mod pass;
mod pending;
mod private;
mod writer;

use super::Recorded;
use crate::domain::ids::ShopperKey;
use crate::ingest::config;
use crate::ingest::error::StartError;
use crate::ingest::mark::Goes;
use crate::telemetry::events::LearningDropped;
use files::Files;
use jiff::Timestamp;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use writer::Writer;

/// How often old files are deleted and noted shoppers erased.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long an erasure waits until it is noted.
const NOTED: Duration = Duration::from_secs(10);

enum Message {
    Line(Arc<Recorded>),
    /// What was written of a shopper up to that moment goes; told once it is noted on the disk.
    Erase(ShopperKey, Timestamp, oneshot::Sender<io::Result<()>>),
    /// Everything of every shopper goes, by the redaction of this moment.
    Redact(Timestamp, Goes, oneshot::Sender<io::Result<()>>),
    Housekeeping,
    /// A pass has ended, well or not.
    Passed(bool),
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
        let (own, weak) = (queue.downgrade(), queue.downgrade());
        writer.spawn(move || Writer::new(files, own, counter).run(messages)).map_err(failed)?;
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

    /// Has what was written of a shopper up to that moment erased. Returns once that is noted where it outlives the process;
    /// the lines go within a minute or so. Errors: the disk refused, or did not answer.
    pub(super) async fn erase(&self, shopper: ShopperKey, at: Timestamp) -> io::Result<()> {
        let (done, wait) = oneshot::channel();
        let noted = async {
            // Waits for room in the queue: this must not be dropped.
            self.queue.send(Message::Erase(shopper, at, done)).await.map_err(|_| stopped())?;
            wait.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(NOTED, noted).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Deletes every line, unless this redaction has been heard of before.
    pub(super) async fn redact(&self, at: Timestamp, goes: Goes) -> io::Result<()> {
        let (done, wait) = oneshot::channel();
        self.queue.send(Message::Redact(at, goes, done)).await.map_err(|_| stopped())?;
        wait.await.map_err(|_| stopped())?
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

fn stopped() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// The lines of a shopper in the files of a folder.
pub(super) fn lines_of(dir: &Path, shopper: &ShopperKey) -> io::Result<Vec<Recorded>> {
    files::lines_of(dir, shopper)
}
