//! Traces of what was erased, in SQLite's file.
//!
//! What SQLite deletes it overwrites (`secure_delete`), but copies of it stay in the gaps of pages that were rebuilt before. So
//! after erasures the file is written anew, and its journal brought into it and cut to nothing: no trace stays on disk.

use super::database::{Database, unavailable};
use crate::store::traits::StoreError;
use sqlx::Row;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A file up to so many bytes is written anew at once after an erasure; a larger one with the next housekeeping.
const QUICK: i64 = 64 << 20;

impl Database {
    /// From now on traces of what was erased may lie in the file.
    pub(super) fn has_traces(&self) {
        self.traces.fetch_or(self.sqlite, Ordering::Relaxed);
    }

    /// Whether traces of what was erased may lie in the file.
    pub(super) fn is_traced(&self) -> bool {
        self.traces.load(Ordering::Relaxed)
    }

    /// Writes the file anew, if something was erased since the last time, and at the start if it was within the last hour.
    /// With `quick`, only where that takes a moment. A reader may keep the journal from being cut: that alone is tried again.
    /// Whether the file was written anew.
    pub(super) async fn scrub(&self, quick: bool) -> Result<bool, StoreError> {
        let mut anew = false;
        if self.is_traced() {
            let pool = self.pool().await?;
            let number = async |text: &'static str| {
                let row = sqlx::query(text).fetch_one(pool).await.map_err(unavailable)?;
                row.try_get::<i64, _>(0).map_err(unavailable)
            };
            let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
            if quick && number(pages).await? > QUICK {
                return Ok(false);
            }
            anew = number("SELECT COUNT(*) FROM erasures").await? > 0;
            // What is erased while it is written leaves traces again.
            self.traces.store(false, Ordering::Relaxed);
            if anew && let Err(error) = sqlx::query("VACUUM").execute(pool).await {
                self.traces.store(true, Ordering::Relaxed);
                return Err(unavailable(error));
            }
            self.journal.fetch_or(anew, Ordering::Relaxed);
        }
        if self.journal.load(Ordering::Relaxed) {
            self.checkpoint().await?;
            self.journal.store(false, Ordering::Relaxed);
        }
        Ok(anew)
    }

    /// Brings SQLite's journal into the file and cuts it: what was deleted stood there, too.
    pub(super) async fn checkpoint(&self) -> Result<(), StoreError> {
        // A reader that is in its way is soon done.
        for _ in 0..50 {
            let query = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
            let row = query.fetch_one(&self.pool).await.map_err(unavailable)?;
            if row.try_get::<i32, _>(0).map_err(unavailable)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(StoreError::Unavailable("the journal of the decision log is in use".to_owned()))
    }
}
