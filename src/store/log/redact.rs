//! Deleting everything, for a shop that has left: noted first, then deleted in portions, so that whoever writes waits for
//! one portion at most, and a process that dies goes on at its next start.

use super::database::{Database, EVERYONE, unavailable};
use crate::store::traits::StoreError;
use jiff::Timestamp;
use sqlx::Row;

/// In the place of a purpose: the deletion is not done yet.
const BEGUN: &str = "redacting";
/// Rows of one portion.
const PORTION: i64 = 1_000;

const NOTE: &str = "INSERT INTO erasures (who, purpose, at) VALUES ($1, $2, $3)
    ON CONFLICT (who, purpose) DO UPDATE SET at = CASE WHEN erasures.at > excluded.at THEN erasures.at ELSE excluded.at END";

impl Database {
    /// Notes that everything is to go.
    pub(super) async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await.map_err(unavailable)?;
        // Whoever writes has written before this, or reads of it.
        self.lock(&mut transaction, "SELECT pg_advisory_xact_lock(7157312095)").await?;
        for purpose in ["", BEGUN] {
            let note = sqlx::query(NOTE).bind(EVERYONE).bind(purpose).bind(at.as_millisecond());
            note.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    /// Deletes everything, where that is noted and not done. Decisions that are made meanwhile may go, too.
    pub(super) async fn redact(&self) -> Result<(), StoreError> {
        let pool = self.pool().await?;
        let begun = "SELECT COUNT(*) AS count FROM erasures WHERE who = $1 AND purpose = $2";
        let begun = sqlx::query(begun).bind(EVERYONE).bind(BEGUN).fetch_one(pool).await.map_err(unavailable)?;
        if begun.try_get::<i64, _>("count").map_err(unavailable)? == 0 {
            return Ok(());
        }
        // Before the first portion: a process that dies in between has traces to remove.
        self.has_traces();
        for portion in [
            "DELETE FROM outcomes WHERE decision IN (SELECT decision FROM outcomes LIMIT $1)",
            "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions ORDER BY decided_at, id LIMIT $1)",
            // Of decisions that are gone by now.
            "DELETE FROM outcomes WHERE decision IN (SELECT decision FROM outcomes LIMIT $1)",
        ] {
            while sqlx::query(portion).bind(PORTION).execute(pool).await.map_err(unavailable)?.rows_affected() > 0 {}
        }
        let done = sqlx::query("DELETE FROM erasures WHERE who = $1 AND purpose = $2").bind(EVERYONE).bind(BEGUN);
        done.execute(pool).await.map(drop).map_err(unavailable)
    }
}
