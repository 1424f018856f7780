//! The task that writes: gathers what waits, writes it in one transaction, erases, and deletes what is too old.

use super::batch::{Batch, Message};
use super::config::LogConfig;
use super::database::Database;
use crate::store::traits::StoreError;
use crate::telemetry::store::DecisionLogged;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How long a batch gathers: a commit costs more than a row.
const GATHER: Duration = Duration::from_millis(100);
/// How often a batch is tried, and the pause before the second try; each is twice the one before.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// How long one try may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often old rows are deleted.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// How long erasures gather before the file is written anew for them, where it was just now.
const GATHER_ERASURES: Duration = Duration::from_secs(120);
/// How soon the file is written anew again where somebody read it: what was erased is still in it.
const AGAIN: Duration = Duration::from_secs(2);

/// When the file is written anew after erasures.
#[derive(Default)]
struct Anew {
    /// When it last was.
    last: Option<Instant>,
    /// When those that came since have their turn.
    next: Option<Instant>,
}

impl Anew {
    /// Writes it anew, where it has traces and that takes a moment; later where it was done just now.
    async fn after_erasure(&mut self, database: &Database) {
        match self.last.map(|last| last + GATHER_ERASURES).filter(|next| *next > Instant::now()) {
            Some(next) if database.is_traced() => self.next = Some(next),
            _ => self.now(database).await,
        }
    }

    async fn now(&mut self, database: &Database) {
        let scrubbed = database.scrub(true).await;
        if matches!(scrubbed, Ok(true)) {
            self.last = Some(Instant::now());
        }
        self.next = (!report(scrubbed.map(drop))).then(|| Instant::now() + AGAIN);
    }
}

/// The writer's life: until every sender is gone.
pub(super) async fn write(database: Arc<Database>, mut messages: mpsc::Receiver<Message>, config: LogConfig) {
    let mut clean_at = Instant::now() + GATHER;
    let mut anew = Anew::default();
    loop {
        let until = anew.next.map_or(clean_at, |next| clean_at.min(next));
        let first = match timeout_at(until, messages.recv()).await {
            Ok(Some(first)) => first,
            Ok(None) => return,
            Err(_) if until < clean_at => {
                anew.now(&database).await;
                continue;
            }
            Err(_) => {
                clean_at = Instant::now() + if clean(&database, &config).await { HOUSEKEEPING } else { AGAIN };
                continue;
            }
        };
        let mut batch = Batch::default();
        let mut urgent = batch.take(first);
        let until = Instant::now() + GATHER;
        while urgent.is_none() && batch.len() < config.batch.max(1) {
            match timeout_at(until, messages.recv()).await {
                Ok(Some(message)) => urgent = batch.take(message),
                Ok(None) | Err(_) => break,
            }
        }
        if batch.len() > 0 {
            put_down(&database, batch).await;
        }
        match urgent {
            Some(Message::Erase { who, purpose, at, until, done }) => {
                let erased = tokio::time::timeout(LIMIT, database.erase(&who, purpose, at, until)).await;
                // Nobody waits any more: it is done all the same.
                done.send(erased.unwrap_or(Err(StoreError::Timeout))).ok();
                anew.after_erasure(&database).await;
            }
            Some(Message::Redact { at, done }) => {
                let noted = tokio::time::timeout(LIMIT, database.note_redaction(at)).await;
                // Nobody waits any more: it is noted all the same.
                done.send(noted.unwrap_or(Err(StoreError::Timeout))).ok();
            }
            Some(Message::Flush(done)) => {
                if database.is_traced() {
                    anew.now(&database).await;
                }
                // Nobody waits any more: fine.
                done.send(()).ok();
            }
            Some(Message::Decision(_) | Message::Outcome(_)) | None => {}
        }
    }
}

/// Deletes what is too old, and the traces of what is erased. Whether all went well.
async fn clean(database: &Database, config: &LogConfig) -> bool {
    let scrubbed = report(database.scrub(false).await.map(drop));
    let cleaned = report(database.clean(config.max_age, config.most).await);
    // Again, where that has erased something.
    scrubbed && cleaned && report(database.scrub(false).await.map(drop))
}

/// Writes a batch, tried again for some seconds: meanwhile the queue takes what comes.
async fn put_down(database: &Database, batch: Batch) {
    let count = batch.len() as u64;
    let mut pause = PAUSE;
    for attempt in 1..=TRIES {
        let written = tokio::time::timeout(LIMIT, database.write(&batch)).await;
        match written.unwrap_or(Err(StoreError::Timeout)) {
            Ok(()) => return DecisionLogged { outcome: "written", count }.emit(),
            Err(error) if attempt == TRIES => {
                tracing::error!(%error, count, "decisions could not be logged; check store.decisions and its database");
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
    DecisionLogged { outcome: "failed", count }.emit();
}

/// Whether it went well; where not, it is said.
fn report(result: Result<(), StoreError>) -> bool {
    if let Err(error) = &result {
        tracing::warn!(%error, "the decision log could not be cleaned of what is old or erased; it is tried again");
    }
    result.is_ok()
}
