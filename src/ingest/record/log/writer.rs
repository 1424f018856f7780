//! The thread that writes the training log: lines, notes of erasures, and a pass of another thread at a time.

use super::Message;
use super::files::Files;
use crate::telemetry::events::LearningDropped;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Messages of one round at most: erasures noted in it are brought to the disk together.
const ROUND: usize = 256;

/// The thread's own.
pub(super) struct Writer {
    files: Files,
    /// The way by which a pass tells that it has ended.
    own: mpsc::WeakSender<Message>,
    dropped: Arc<AtomicU64>,
    /// A pass is on its way.
    passing: bool,
    /// Whoever waits until nothing is to be erased any more.
    waiting: Vec<oneshot::Sender<()>>,
    /// Erasures of this round, to be told once they are on the disk.
    noted: Vec<(bool, oneshot::Sender<io::Result<()>>)>,
}

impl Writer {
    pub(super) fn new(files: Files, own: mpsc::WeakSender<Message>, dropped: Arc<AtomicU64>) -> Self {
        Self { files, own, dropped, passing: false, waiting: Vec::new(), noted: Vec::new() }
    }

    /// The thread's life: until every sender is gone.
    pub(super) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        loop {
            let first = match messages.try_recv() {
                Ok(message) => Some(message),
                // Nothing waits, so there is time to bring lines to the disk.
                Err(_) => {
                    report(self.files.flush());
                    messages.blocking_recv()
                }
            };
            let Some(first) = first else { return report(self.files.flush()) };
            self.take(first);
            for _ in 1..ROUND {
                let Ok(message) = messages.try_recv() else { break };
                self.take(message);
            }
            self.tell();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(event) => {
                if self.files.append(&event).is_err() {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    LearningDropped { kind: "line" }.emit();
                }
            }
            Message::Erase(shopper, at, done) => {
                let noted = self.files.pending.note(&shopper, at);
                self.noted.push((noted.is_ok(), done));
                report(noted);
            }
            // Nobody waits any more: it is done all the same.
            Message::Redact(at, goes, done) => drop(done.send(self.files.redact(at, goes))),
            Message::Housekeeping => self.housekeeping(),
            Message::Passed(well) => {
                self.passing = false;
                report(self.files.pending.done(well));
                self.next(well);
            }
            Message::Flush(done) => {
                self.waiting.push(done);
                self.housekeeping();
            }
        }
    }

    fn housekeeping(&mut self) {
        report(self.files.flush());
        report(self.files.prune());
        self.next(true);
    }

    /// Begins a pass where somebody is to be erased and none is on its way; where nobody is, whoever waits for that is told,
    /// and where a pass failed, too.
    fn next(&mut self, well: bool) {
        if self.passing {
            return;
        }
        if well && self.files.pending.waits() {
            self.passing = self.begin();
        }
        if !self.passing {
            // Nobody waits any more: fine.
            self.waiting.drain(..).for_each(|done| done.send(()).unwrap_or_default());
        }
    }

    /// Whether a pass is on its way now.
    fn begin(&mut self) -> bool {
        // Everybody has left: the next process does it.
        let Some(own) = self.own.upgrade() else { return false };
        let pass = match self.files.begin_pass() {
            Ok(pass) => pass,
            Err(error) => {
                report(Err(error));
                return false;
            }
        };
        let work = move || {
            let passed = pass.run();
            let well = passed.is_ok();
            report(passed);
            // A writer that stopped leaves it to the next process.
            own.blocking_send(Message::Passed(well)).ok();
        };
        match std::thread::Builder::new().name("training-erase".to_owned()).spawn(work) {
            Ok(_) => true,
            Err(error) => {
                report(Err(error));
                report(self.files.pending.done(false));
                false
            }
        }
    }

    /// Brings the erasures of a round to the disk and tells who waits for it.
    fn tell(&mut self) {
        if self.noted.is_empty() {
            return;
        }
        let synced = self.files.pending.sync();
        let well = synced.is_ok();
        report(synced);
        for (noted, done) in self.noted.drain(..) {
            let told = if noted && well { Ok(()) } else { Err(io::Error::other("it could not be noted on the disk")) };
            // Nobody waits any more: it is noted all the same.
            done.send(told).ok();
        }
    }
}

fn report(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the training log cannot be written; check its folder and the space on its disk");
    }
}
