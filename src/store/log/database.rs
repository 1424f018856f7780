//! The tables, alike in SQLite and PostgreSQL: one text of SQL for both, but for the type of bytes.
//!
//! PostgreSQL keeps deleted rows until its own vacuum comes by; what SQLite keeps goes by `scrub`.

use super::LogError;
use super::batch::{Batch, Noted};
use super::config::LogConfig;
use super::files;
use crate::domain::audit::{DecisionRecord, Outcome};
use crate::domain::consent::Purpose;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::store::packed::{pack, unpack};
use crate::store::traits::StoreError;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Executor, Row};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Decisions read at once.
const PAGE: i64 = 500;
/// The most that is kept of what came of one decision: nobody fills the log with events that name it.
const MOST_OUTCOMES: i64 = 200;
/// In the place of a shopper's hash: all of them.
pub(super) const EVERYONE: &str = "*";
/// How long an erasure is remembered: longer than anything waits to be written.
const REMEMBERED: i64 = 60 * 60 * 1000;

const TABLES: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS decisions (id TEXT PRIMARY KEY, shopper TEXT NOT NULL, decided_at BIGINT NOT NULL,
        placement TEXT NOT NULL, body BYTES NOT NULL)",
    "CREATE INDEX IF NOT EXISTS decisions_shopper ON decisions (shopper)",
    "CREATE INDEX IF NOT EXISTS decisions_time ON decisions (decided_at, id)",
    "CREATE TABLE IF NOT EXISTS outcomes (decision TEXT NOT NULL, event TEXT NOT NULL, line INTEGER NOT NULL,
        shopper TEXT NOT NULL, at BIGINT NOT NULL, body BYTES NOT NULL, PRIMARY KEY (decision, event, line))",
    "CREATE INDEX IF NOT EXISTS outcomes_shopper ON outcomes (shopper)",
    // Who was erased, by a hash of the key, so that even the key does not stay.
    "CREATE TABLE IF NOT EXISTS erasures (who TEXT NOT NULL, purpose TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (who, purpose))",
];

const INSERT: &str = "INSERT INTO decisions (id, shopper, decided_at, placement, body)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
const OUTCOME: &str = "INSERT INTO outcomes (decision, event, line, shopper, at, body)
    SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM decisions WHERE id = $7)
    AND (SELECT COUNT(*) FROM outcomes WHERE decision = $8) < $9 ON CONFLICT (decision, event, line) DO NOTHING";

const REMEMBER: &str = "INSERT INTO erasures (who, purpose, at) VALUES ($1, $2, $3)
    ON CONFLICT (who, purpose) DO UPDATE SET at = CASE WHEN erasures.at > excluded.at THEN erasures.at ELSE excluded.at END";

const DECISIONS: &str = "SELECT id, decided_at, body FROM decisions
    WHERE decided_at > $1 OR (decided_at = $2 AND id > $3) ORDER BY decided_at, id LIMIT $4";
const OUTCOMES: &str = "SELECT decision, body FROM outcomes WHERE decision IN (SELECT id FROM decisions
    WHERE decided_at > $1 OR (decided_at = $2 AND id > $3) ORDER BY decided_at, id LIMIT $4) ORDER BY at, event, line";

/// Where a walk through the log stands: the last decision read.
#[derive(Clone, Debug, Default)]
pub struct Page(Option<(i64, String)>);

/// The database, connected when it is needed first.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) pool: AnyPool,
    pub(super) sqlite: bool,
    /// Traces of what was erased may lie in the file.
    pub(super) traces: AtomicBool,
    /// The file was written anew, and its journal is still to be cut.
    pub(super) journal: AtomicBool,
    ready: OnceCell<()>,
}

impl Database {
    /// Errors: settings that cannot be used. Connects to nothing yet.
    pub(super) fn open(config: &LogConfig) -> Result<Self, LogError> {
        sqlx::any::install_default_drivers();
        let (address, sqlite) = match (&config.file, &config.url) {
            (Some(_), Some(_)) => return Err(LogError::Both),
            (None, None) => return Err(LogError::Nowhere),
            (Some(file), None) => (files::address(file)?, true),
            (None, Some(url)) if !url.starts_with("postgres://") && !url.starts_with("postgresql://") => {
                return Err(LogError::Url("it does not begin with postgres://".to_owned()));
            }
            (None, Some(url)) => (url.clone(), false),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(3))
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            // Its message could quote the address, and with it the password.
            .connect_lazy(&address)
            .map_err(|_| LogError::Url("it is no address".to_owned()))?;
        // Those of an erasure before a crash, too: it may not have come to that.
        Ok(Self {
            pool,
            sqlite,
            traces: AtomicBool::new(sqlite),
            journal: AtomicBool::default(),
            ready: OnceCell::new(),
        })
    }

    /// The pool, once the tables are there.
    pub(super) async fn pool(&self) -> Result<&AnyPool, StoreError> {
        let make = async || {
            let mut transaction = self.pool.begin().await.map_err(unavailable)?;
            // Replicas that start together must not make the tables twice.
            self.lock(&mut transaction, "SELECT pg_advisory_xact_lock(7157312094)").await?;
            let bytes = if self.sqlite { "BLOB" } else { "BYTEA" };
            for table in TABLES {
                let text = AssertSqlSafe(table.replace("BYTES", bytes));
                transaction.execute(text).await.map_err(unavailable)?;
            }
            transaction.commit().await.map_err(unavailable)
        };
        self.ready.get_or_try_init(make).await?;
        Ok(&self.pool)
    }

    /// Writes a batch as a whole. What is there already, and what an erasure overtook, is left out.
    pub(super) async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await.map_err(unavailable)?;
        self.lock(&mut transaction, "SELECT pg_advisory_xact_lock_shared(7157312095)").await?;
        let erasures = Erasures::read(&mut transaction).await?;
        for record in batch.decisions.iter().filter_map(|record| erasures.left(record)) {
            let query = sqlx::query(INSERT)
                .bind(record.slate.decision.id.as_str())
                .bind(record.shopper.as_str())
                .bind(record.decided_at().as_millisecond())
                .bind(&*record.slate.placement)
                .bind(pack(&*record)?);
            query.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        for Noted { decision, shopper, event, line, outcome } in &batch.outcomes {
            if !erasures.0.is_empty() && erasures.erased(shopper, outcome.at) {
                continue;
            }
            let query = sqlx::query(OUTCOME)
                .bind(decision.as_str())
                .bind(event.as_str())
                .bind(*line)
                .bind(shopper.as_str())
                .bind(outcome.at.as_millisecond())
                .bind(pack(outcome)?)
                .bind(decision.as_str())
                .bind(decision.as_str())
                .bind(MOST_OUTCOMES);
            query.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    /// A decision; with `who`, only where it is theirs.
    pub(super) async fn get(
        &self,
        id: &DecisionId,
        who: Option<&ShopperKey>,
    ) -> Result<Option<DecisionRecord>, StoreError> {
        let query = match who {
            Some(who) => {
                let own = "SELECT body FROM decisions WHERE id = $1 AND shopper = $2";
                sqlx::query(own).bind(id.as_str()).bind(who.as_str())
            }
            None => sqlx::query("SELECT body FROM decisions WHERE id = $1").bind(id.as_str()),
        };
        let row = query.fetch_optional(self.pool().await?).await.map_err(unavailable)?;
        row.map(|row| body(&row)).transpose()
    }

    /// All decisions of a shopper, oldest first.
    pub(super) async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        let query = sqlx::query("SELECT body FROM decisions WHERE shopper = $1 ORDER BY decided_at, id");
        let rows = query.bind(who.as_str()).fetch_all(self.pool().await?).await.map_err(unavailable)?;
        rows.iter().map(body).collect()
    }

    /// What came of a decision.
    pub(super) async fn outcomes(&self, id: &DecisionId) -> Result<Vec<Outcome>, StoreError> {
        let query = sqlx::query("SELECT body FROM outcomes WHERE decision = $1 ORDER BY at, event, line");
        let rows = query.bind(id.as_str()).fetch_all(self.pool().await?).await.map_err(unavailable)?;
        rows.iter().map(body).collect()
    }

    /// The next decisions from `since` on with what came of them, and where the walk then stands.
    pub(super) async fn page(
        &self,
        since: Timestamp,
        page: Page,
    ) -> Result<(Vec<(DecisionRecord, Vec<Outcome>)>, Page), StoreError> {
        let Page(last) = page;
        let (at, id) = last.clone().unwrap_or((since.as_millisecond(), String::new()));
        let query = sqlx::query(DECISIONS).bind(at).bind(at).bind(id.as_str()).bind(PAGE);
        let rows = query.fetch_all(self.pool().await?).await.map_err(unavailable)?;
        let outcomes = sqlx::query(OUTCOMES).bind(at).bind(at).bind(id).bind(PAGE);
        let mut came: HashMap<String, Vec<Outcome>> = HashMap::new();
        for row in outcomes.fetch_all(self.pool().await?).await.map_err(unavailable)? {
            came.entry(row.try_get("decision").map_err(unavailable)?).or_default().push(body(&row)?);
        }
        let mut found = Vec::with_capacity(rows.len());
        let mut next = last;
        for row in &rows {
            let id: String = row.try_get("id").map_err(unavailable)?;
            found.push((body(row)?, came.remove(&id).unwrap_or_default()));
            next = Some((row.try_get("decided_at").map_err(unavailable)?, id));
        }
        Ok((found, Page(next)))
    }

    /// Deletes all of a shopper that was decided up to `until`, or what was read for a purpose; remembers it, so that nothing
    /// older than `at` is written later.
    pub(super) async fn erase(
        &self,
        who: &ShopperKey,
        purpose: Option<Purpose>,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = until.as_millisecond();
        let mut transaction = self.pool().await?.begin().await.map_err(unavailable)?;
        // Whoever writes has written before this, or reads of the erasure.
        self.lock(&mut transaction, "SELECT pg_advisory_xact_lock(7157312095)").await?;
        let remember = sqlx::query(REMEMBER).bind(hashed(who)).bind(purpose.map_or("", Purpose::word));
        let remember = remember.bind(at.as_millisecond()).execute(&mut *transaction);
        remember.await.map_err(unavailable)?;
        let found = match purpose {
            None => {
                let mut deleted = 0;
                for delete in [
                    "DELETE FROM outcomes WHERE decision IN (SELECT id FROM decisions WHERE shopper = $1
                        AND decided_at <= $2)",
                    "DELETE FROM outcomes WHERE shopper = $1 AND at <= $2",
                    "DELETE FROM decisions WHERE shopper = $1 AND decided_at <= $2",
                ] {
                    let query = sqlx::query(delete).bind(who.as_str()).bind(until);
                    deleted += query.execute(&mut *transaction).await.map_err(unavailable)?.rows_affected();
                }
                deleted > 0
            }
            Some(purpose) => erase_read(&mut transaction, who, purpose, until).await?,
        };
        transaction.commit().await.map_err(unavailable)?;
        self.traces.fetch_or(found && self.sqlite, Ordering::Relaxed);
        Ok(found)
    }

    /// Deletes what is older than `max_age` and the oldest beyond `most`.
    pub(super) async fn clean(&self, max_age: Duration, most: u32) -> Result<(), StoreError> {
        // What a process before has begun.
        self.redact().await?;
        let pool = self.pool().await?;
        let now = Timestamp::now().as_millisecond();
        let oldest = now.saturating_sub(i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX));
        let mut deleted = 0;
        for (delete, than) in [
            ("DELETE FROM decisions WHERE decided_at < $1", oldest),
            ("DELETE FROM outcomes WHERE at < $1", oldest),
            ("DELETE FROM erasures WHERE at < $1 AND purpose <> 'redacting'", now - REMEMBERED),
        ] {
            deleted += sqlx::query(delete).bind(than).execute(pool).await.map_err(unavailable)?.rows_affected();
        }
        let count =
            sqlx::query("SELECT COUNT(*) AS count FROM decisions").fetch_one(pool).await.map_err(unavailable)?;
        let over = count.try_get::<i64, _>("count").map_err(unavailable)? - i64::from(most);
        if over > 0 {
            let delete =
                "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions ORDER BY decided_at, id LIMIT $1)";
            deleted += sqlx::query(delete).bind(over).execute(pool).await.map_err(unavailable)?.rows_affected();
        }
        if deleted > 0 && self.sqlite { self.checkpoint().await } else { Ok(()) }
    }

    /// Takes a lock of PostgreSQL's until the transaction ends; SQLite lets only one write anyway.
    pub(super) async fn lock(&self, connection: &mut AnyConnection, lock: &'static str) -> Result<(), StoreError> {
        if self.sqlite { Ok(()) } else { connection.execute(lock).await.map(drop).map_err(unavailable) }
    }
}

/// The erasures of the last hour.
struct Erasures(HashMap<(String, String), i64>);

impl Erasures {
    async fn read(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let rows = sqlx::query("SELECT who, purpose, at FROM erasures").fetch_all(connection).await;
        let read = |row: &AnyRow| Ok(((row.try_get("who")?, row.try_get("purpose")?), row.try_get("at")?));
        rows.and_then(|rows| rows.iter().map(read).collect::<Result<_, _>>()).map(Self).map_err(unavailable)
    }

    /// Whether everything of the shopper's, or of everyone's, was erased at that moment or later.
    fn erased(&self, who: &ShopperKey, at: Timestamp) -> bool {
        self.covers(hashed(who), "", at) || self.covers(EVERYONE.to_owned(), "", at)
    }

    /// What may be written of a decision: without what was read for a purpose withdrawn since.
    fn left<'a>(&self, record: &'a DecisionRecord) -> Option<Cow<'a, DecisionRecord>> {
        let mut left = Cow::Borrowed(record);
        if self.0.is_empty() {
            return Some(left);
        }
        let (who, at) = (&record.shopper, record.decided_at());
        if self.erased(who, at) {
            return None;
        }
        for purpose in Purpose::ALL.into_iter().filter(|purpose| self.covers(hashed(who), purpose.word(), at)) {
            left.to_mut().erase(purpose);
        }
        Some(left)
    }

    fn covers(&self, who: String, purpose: &str, at: Timestamp) -> bool {
        self.0.get(&(who, purpose.to_owned())).is_some_and(|found| *found >= at.as_millisecond())
    }
}

/// Erases what was read of a shopper for a purpose, decision by decision.
async fn erase_read(
    connection: &mut AnyConnection,
    who: &ShopperKey,
    purpose: Purpose,
    until: i64,
) -> Result<bool, StoreError> {
    let own = sqlx::query("SELECT body FROM decisions WHERE shopper = $1 AND decided_at <= $2");
    let rows = own.bind(who.as_str()).bind(until).fetch_all(&mut *connection).await.map_err(unavailable)?;
    let mut found = false;
    for row in rows {
        let mut record: DecisionRecord = body(&row)?;
        if record.erase(purpose) {
            found = true;
            let update = sqlx::query("UPDATE decisions SET body = $1 WHERE id = $2");
            let update = update.bind(pack(&record)?).bind(record.slate.decision.id.as_str());
            update.execute(&mut *connection).await.map_err(unavailable)?;
        }
    }
    Ok(found)
}

/// What a new connection is told first.
async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    if connection.backend_name() != "SQLite" {
        return Ok(());
    }
    let pragmas = "PRAGMA busy_timeout = 3000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY";
    sqlx::raw_sql(pragmas).execute(connection).await.map(drop)
}

/// A packed value of a row.
fn body<T: serde::de::DeserializeOwned>(row: &AnyRow) -> Result<T, StoreError> {
    unpack(&row.try_get::<Vec<u8>, _>("body").map_err(unavailable)?)
}

fn hashed(who: &ShopperKey) -> String {
    hex::encode(Sha256::digest(who.as_str().as_bytes()))
}

/// What went wrong, without what was sent: a database quotes values in its messages.
pub(super) fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(match error {
        sqlx::Error::Database(error) => format!("the database refused ({})", error.code().unwrap_or_default()),
        sqlx::Error::Io(error) => format!("the connection to the database broke or cannot be made ({})", error.kind()),
        sqlx::Error::PoolTimedOut => "the database gave no connection in time".to_owned(),
        sqlx::Error::Tls(_) => "TLS to the database failed".to_owned(),
        _ => "what the database answered cannot be read".to_owned(),
    })
}
