//! News of products between replicas: a platform's delivery reaches one of them, and all have to know.
//!
//! Whoever takes a delivery hears it, then notes it in the store; the others read what was noted behind their place within a
//! second or two, and hear it as if the platform had told them. One that missed some, or was away for long, shows nothing that
//! it keeps of any product, and asks the shop.
//!
//! Invariant: a delivery of products is acknowledged once it is noted where the others find it, or waits in the spool.

use super::accept::Ingest;
use super::feed::{Read, note};
use super::task::Task;
use crate::platform::news::Change;
use crate::store::{NEWS_FOR, ProductNote, StoreError};
use std::time::{Duration, Instant};

/// Whoever has not read for so long may have missed what lived its time meanwhile.
const AWAY: Duration = Duration::from_secs(NEWS_FOR.as_secs() / 2);

impl Ingest {
    /// What is to be done for the others to hear what this process was told.
    pub(super) fn telling(&self, changes: &[Change]) -> Task {
        Task::Tell(self.feed.by, changes.iter().map(note).collect())
    }

    /// Notes for the others what the process of that name was told.
    /// Errors: it is not known whether it is noted; noting it twice changes nothing.
    pub(super) async fn tell(&self, by: u64, told: &[String]) -> Result<(), StoreError> {
        let notes: Vec<_> = told.iter().map(|told| ProductNote { by, told: told.clone() }).collect();
        self.shop.note_products(&notes).await
    }

    /// Hears what other replicas were told. Errors: the store does not say.
    pub(super) async fn hear_news(&self) -> Result<(), StoreError> {
        let mut read = self.feed.read.lock().await;
        let now = Instant::now();
        let told = self.shop.products(read.behind).await.inspect_err(|_| read.missed |= read.behind.is_none())?;
        let mut missed = told.gap || read.missed || now.saturating_duration_since(read.at) >= AWAY;
        let mut changes = Vec::new();
        for note in told.notes.iter().filter(|note| note.by != self.feed.by) {
            match serde_json::from_str(&note.told) {
                Ok(change) => changes.push(change),
                // A replica of another version.
                Err(_) => missed = true,
            }
        }
        if missed {
            tracing::warn!("news of products was missed: nothing that is kept of them is shown, and the shop is asked");
            changes.push(Change::Everything);
        }
        if !changes.is_empty() {
            self.catalogue.hear(changes);
        }
        *read = Read { behind: Some(told.at), at: now, missed: false };
        Ok(())
    }
}
