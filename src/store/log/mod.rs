//! The decision log: each decision as it was made, with what came of it, in SQLite or PostgreSQL, for months.
//!
//! It is written off the request path: what is handed over waits in a bounded queue and is written in batches by a task of
//! its own; where the queue is full it is dropped and counted. Erasing goes through the same queue, so it finds what was
//! handed over before it; of what other replicas still hold, nothing made before an erasure is written after it.
//!
//! A decision is a row with what it is looked up by, and its record packed. Whether it is sampled follows from its id, so
//! every replica says the same.

mod batch;
mod config;
mod database;
mod files;
mod line;
mod parquet;
mod redact;
mod scrub;
mod writer;

#[cfg(test)]
mod tests;

pub use config::LogConfig;
pub use database::Page;
pub use line::{Line, word};
pub use parquet::Rows;

use super::traits::StoreError;
use crate::domain::audit::{DecisionRecord, Outcome};
use crate::domain::consent::Purpose;
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::telemetry::store::DecisionLogged;
use batch::{Message, Noted};
use database::Database;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use xxhash_rust::xxh3::xxh3_64;

/// How long a shopper's question waits for the database.
const READ: Duration = Duration::from_millis(500);
/// How long an erasure waits for its turn and for the database.
const ERASE: Duration = Duration::from_secs(10);

/// Why the log cannot be opened. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Both places are named.
    #[error("store.decisions.file and store.decisions.url exclude each other; take one away")]
    Both,
    /// Neither is named.
    #[error("no decision log is configured; name store.decisions.file or store.decisions.url")]
    Nowhere,
    /// A share that is none.
    #[error("store.decisions.sample is {0}; write a number from 0 to 1")]
    Sample(f64),
    /// The address is none of PostgreSQL.
    #[error("store.decisions.url cannot be used: {0}; write postgres://user:password@host/database")]
    Url(String),
    /// The file cannot be made.
    #[error("the decision log {path} cannot be opened: {source}; check its folder and who may write there")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The near end of the log.
#[derive(Debug)]
pub struct DecisionLog {
    database: Arc<Database>,
    queue: mpsc::Sender<Message>,
    sample: f64,
}

impl DecisionLog {
    /// Opens the log and starts its writer, which ends when this is dropped. Connects when there is something to write: a
    /// gateway starts and serves while the database is away. Needs a runtime. Errors: [`LogError`].
    pub fn open(config: &LogConfig) -> Result<Self, LogError> {
        if !(0.0..=1.0).contains(&config.sample) {
            return Err(LogError::Sample(config.sample));
        }
        let database = Arc::new(Database::open(config)?);
        let (queue, messages) = mpsc::channel(config.queue.max(1));
        tokio::spawn(writer::write(database.clone(), messages, config.clone()));
        Ok(Self { database, queue, sample: config.sample })
    }

    /// Hands a decision over. Never waits.
    pub fn put(&self, record: DecisionRecord) {
        if is_sampled(&record.slate.decision.id, self.sample) {
            self.hand_over(Message::Decision(Box::new(record)));
        }
    }

    /// Hands over what events say came of decisions. Never waits.
    pub fn outcomes(&self, who: &ShopperKey, events: &[Event]) {
        for event in events {
            for (line, (decision, outcome)) in (0_i32..).zip(Outcome::of(event)) {
                if is_sampled(&decision, self.sample) {
                    let event = xxh3_64(event.id.as_str().as_bytes());
                    let (shopper, event) = (who.clone(), format!("{event:016x}"));
                    self.hand_over(Message::Outcome(Box::new(Noted { decision, shopper, event, line, outcome })));
                }
            }
        }
    }

    /// One decision of this shopper, where it is written. Errors: the database does not answer in time.
    pub async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let found = tokio::time::timeout(READ, self.database.get(id, Some(who))).await;
        found.map_err(|_| StoreError::Timeout)?
    }

    /// Any decision, for operators. Errors: the database does not answer.
    pub async fn find(&self, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        self.database.get(id, None).await
    }

    /// What came of a decision, in the order of time. Errors: the database does not answer.
    pub async fn came_of(&self, id: &DecisionId) -> Result<Vec<Outcome>, StoreError> {
        self.database.outcomes(id).await
    }

    /// Decisions made from `since` on with what came of them, oldest first, the next page after `page`. Errors: the database does not answer.
    pub async fn page(
        &self,
        since: Timestamp,
        page: Page,
    ) -> Result<(Vec<(DecisionRecord, Vec<Outcome>)>, Page), StoreError> {
        self.database.page(since, page).await
    }

    /// The share of decisions that is kept.
    pub fn sample(&self) -> f64 {
        self.sample
    }

    /// Deletes all of a shopper, or what was read for a purpose. True where there was something.
    /// Errors: it could not be deleted now; nothing was acknowledged.
    pub async fn erase(&self, who: &ShopperKey, purpose: Option<Purpose>) -> Result<bool, StoreError> {
        self.hand_erasure(who, purpose, Timestamp::now(), Timestamp::MAX).await
    }

    /// The same for what was decided up to that moment. Errors: as those of [`Self::erase`].
    pub async fn erase_until(
        &self,
        who: &ShopperKey,
        purpose: Option<Purpose>,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.hand_erasure(who, purpose, until.min(Timestamp::now()), until).await
    }

    async fn hand_erasure(
        &self,
        who: &ShopperKey,
        purpose: Option<Purpose>,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let (done, wait) = oneshot::channel();
        let message = Message::Erase { who: who.clone(), purpose, at, until, done };
        let erased = async {
            self.queue.send(message).await.map_err(|_| stopped())?;
            wait.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(ERASE, erased).await.map_err(|_| StoreError::Timeout)?
    }

    /// All decisions of this shopper. Errors: the database does not answer.
    pub async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        self.database.of(who).await
    }

    /// Notes on disk that everything is to go; what was decided before and comes later is not written.
    /// Errors: it is not noted.
    pub async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        let noted = async {
            self.queue.send(Message::Redact { at, done }).await.map_err(|_| stopped())?;
            wait.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(ERASE, noted).await.map_err(|_| StoreError::Timeout)?
    }

    /// Deletes everything, as noted, in portions beside what is written; nothing where nothing is noted. A log that was cut
    /// off goes on by itself at its next start. Errors: not everything is deleted yet.
    pub async fn redact(&self) -> Result<(), StoreError> {
        self.database.redact().await?;
        self.database.scrub(false).await.map(drop)
    }

    /// Waits until all that was handed over is written, or dropped where it cannot be, and a file of up to 64 MiB holds no
    /// trace of what was erased.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // A writer that stopped has nothing left to wait for.
            wait.await.ok();
        }
    }

    fn hand_over(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            DecisionLogged { outcome: "dropped", count: 1 }.emit();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the decision log has stopped".to_owned())
}

/// Whether the log keeps this decision: the first 52 bits of its hash, as a number from 0 to 1, are below the share.
fn is_sampled(id: &DecisionId, share: f64) -> bool {
    let hash = xxh3_64(id.as_str().as_bytes()) >> 12;
    // 52 bits fit a float exactly.
    share >= 1.0 || (hash as f64) / (1_u64 << 52) as f64 <= share && share > 0.0
}
