//! The spool: what was acknowledged and could not be stored, on disk until the store takes it.
//!
//! A task is a line with its checksum; it is acknowledged once the line is synced to the disk, many lines by one sync.
//! Lines are done in the order in which they came, from the start of the process on and whenever the store is back; a
//! file goes when all of its lines are done. A process that is killed does the rest of a file again, which changes
//! nothing: events count by their ids. Torn and damaged lines are left out and counted. Shoppers stand in it by their keyed
//! hashes, and only the gateway's own user may read it.
//!
//! Invariant: what is done later never undoes an erasure: one that happens while lines wait is written behind them, too.

mod files;

use super::config;
use super::error::StartError;
use super::mark::Goes;
use super::task::Task;
use crate::telemetry::ingest::Spooled;
use files::Files;
use jiff::Timestamp;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, mpsc, oneshot};

/// Lines that wait for the disk at most; one more is refused.
const QUEUE: usize = 1_024;
/// Lines of one sync at most.
const BATCH: usize = 256;

enum Message {
    /// A line, and whom to tell whether it is on the disk.
    Put(Vec<u8>, oneshot::Sender<bool>),
    /// The oldest task that is not done.
    Next(oneshot::Sender<Option<Task>>),
    /// It is done.
    Done,
    /// The whole shop was redacted at that moment: what of that which waits goes, and whom to tell.
    Redact(Timestamp, Goes, oneshot::Sender<io::Result<()>>),
}

/// The near end of the spool.
pub(super) struct Spool {
    queue: mpsc::Sender<Message>,
    /// Tasks that are not done, about: counted from the start.
    waiting: Arc<AtomicU64>,
    came: Notify,
}

impl Spool {
    /// Opens the folder and starts the thread that owns its files. Errors: it cannot be made or read.
    pub(super) fn open(config: &config::Spool) -> Result<Option<Self>, StartError> {
        let Some(dir) = &config.dir else { return Ok(None) };
        let failed = |source| StartError::SpoolFolder { path: dir.clone(), source };
        let files = Files::open(dir, config.size.as_u64()).map_err(failed)?;
        Self::over(files).map(Some).map_err(failed)
    }

    /// Starts the thread that owns these files. Errors: it cannot be started.
    fn over(files: Files) -> io::Result<Self> {
        let waiting = Arc::new(AtomicU64::new(files.lines()));
        let (queue, messages) = mpsc::channel(QUEUE);
        let left = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("spool".to_owned());
        thread.spawn(move || work(files, messages, &left))?;
        Ok(Self { queue, waiting, came: Notify::new() })
    }

    /// Whether tasks wait to be done.
    pub(super) fn waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Writes a task. True once it survives the process; false where there is no room, or the disk refused.
    pub(super) async fn put(&self, task: &Task) -> bool {
        let Ok(line) = files::line(task) else { return false };
        let (done, written) = oneshot::channel();
        let kept = self.queue.try_send(Message::Put(line, done)).is_ok() && written.await.unwrap_or(false);
        Spooled { outcome: if kept { "kept" } else { "refused" } }.emit();
        if kept {
            self.came.notify_one();
        }
        kept
    }

    /// The oldest task that is not done.
    pub(super) async fn oldest(&self) -> Option<Task> {
        let (tell, oldest) = oneshot::channel();
        self.queue.send(Message::Next(tell)).await.ok()?;
        oldest.await.ok().flatten()
    }

    /// The whole shop was redacted, unless it was heard of before. Errors: the disk refused.
    pub(super) async fn redact(&self, at: Timestamp, goes: Goes) -> io::Result<()> {
        let (done, wait) = oneshot::channel();
        let stopped = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.queue.send(Message::Redact(at, goes, done)).await.map_err(|_| stopped())?;
        wait.await.map_err(|_| stopped())?
    }

    /// The oldest task is done.
    pub(super) async fn done(&self) {
        // A thread that stopped has nothing left to forget.
        self.queue.send(Message::Done).await.ok();
        Spooled { outcome: "done" }.emit();
    }
}

impl Spool {
    /// Waits until a task comes.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spool")
    }
}

/// The thread's life: until every sender is gone.
fn work(mut files: Files, mut messages: mpsc::Receiver<Message>, waiting: &AtomicU64) {
    while let Some(first) = messages.blocking_recv() {
        let mut written = Vec::new();
        let mut message = Some(first);
        while let Some(one) = message.take() {
            match one {
                Message::Put(line, done) => written.push((files.append(&line).is_ok(), done)),
                Message::Next(tell) => drop(tell.send(files.oldest())),
                Message::Done => files.advance(),
                // Nobody waits any more: it is done all the same.
                Message::Redact(at, goes, done) => drop(done.send(files.redact(at, goes))),
            }
            if written.len() < BATCH {
                message = messages.try_recv().ok();
            }
        }
        let synced = written.is_empty() || files.sync().is_ok();
        // First: whoever hears that a task is kept finds that it waits.
        waiting.store(files.lines(), Ordering::Release);
        for (appended, done) in written {
            // Nobody waits any more: it is on the disk all the same.
            done.send(appended && synced).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ShopperKey;
    use std::sync::mpsc as blocking;
    use std::time::Duration;

    fn task() -> Task {
        Task::Erase(vec![ShopperKey::new("somebody")], Timestamp::UNIX_EPOCH)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_kept_is_told_once_the_disk_has_it_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        let (began, mut begins) = mpsc::unbounded_channel();
        let (release, released) = blocking::channel::<io::Result<()>>();
        files.to_disk = Box::new(move |_| {
            began.send(()).unwrap();
            released.recv().unwrap()
        });
        let spool = Arc::new(Spool::over(files).unwrap());
        let put = || {
            let spool = Arc::clone(&spool);
            tokio::spawn(async move { spool.put(&task()).await })
        };
        let mut first = put();
        tokio::select! {
            biased;
            told = &mut first => panic!("told {told:?} before the disk was asked"),
            asked = begins.recv() => asked.unwrap(),
        }
        // It is written; a power cut now would lose it.
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut first).await.is_err(), "told too early");
        release.send(Ok(())).unwrap();
        assert!(first.await.unwrap());
        let second = put();
        begins.recv().await.unwrap();
        release.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        assert!(!second.await.unwrap(), "the disk does not have it");
    }
}
