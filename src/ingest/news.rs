//! News of products between replicas: a platform's delivery reaches one of them, and all have to know.
//!
//! Whoever takes a delivery hears it, then notes it in the store; the others read what was noted behind their place within a
//! second or two, and hear it as if the platform had told them. One that missed some, or was away for long, shows nothing that
//! it keeps of any product, and asks the shop.
//!
//! Invariant: a delivery of products is acknowledged once it is noted where the others find it, or waits in the spool.

use super::accept::Ingest;
use super::task::Task;
use crate::platform::news::{Change, ProductNews};
use crate::store::{NEWS_FOR, Place, ProductNote, StoreError};
use std::time::{Duration, Instant};

/// The longest note in bytes: as many as the store keeps of them stay within 40 MB.
const LONGEST: usize = 4_000;
/// Whoever has not read for so long may have missed what lived its time meanwhile.
const AWAY: Duration = Duration::from_secs(NEWS_FOR.as_secs() / 2);

/// What this process tells the others, and how far it has read what they tell.
pub(super) struct Feed {
    /// The name of this process among the replicas.
    by: u64,
    /// Held by the one that reads.
    read: tokio::sync::Mutex<Read>,
}

struct Read {
    /// Place of the last note; `None`: the store has not told yet.
    behind: Option<Place>,
    /// When the store told last.
    at: Instant,
    /// Whether the store could not tell where to begin.
    missed: bool,
}

impl Feed {
    pub(super) fn of(by: u64) -> Self {
        Self { by, read: tokio::sync::Mutex::new(Read { behind: None, at: Instant::now(), missed: false }) }
    }

    /// What is to be done for the others to hear of it.
    pub(super) fn task(&self, changes: &[Change]) -> Task {
        Task::Tell(self.by, changes.iter().map(note).collect())
    }
}

impl Ingest {
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

/// A change in the words of replicas. Of a product of which too much is to be said they hear less: its text stays what they
/// know, or they ask the shop.
fn note(change: &Change) -> String {
    // What cannot be written is what nobody can read, and then all counts as changed.
    let written = |change: &Change| serde_json::to_string(change).unwrap_or_default();
    let mut ways = vec![change.clone()];
    if let Change::Product(news) = change {
        ways.push(Change::Product(Box::new(ProductNews { text: None, ..(**news).clone() })));
        ways.push(Change::Touched(news.key.clone()));
    }
    let short = ways.iter().map(written).find(|note| note.len() <= LONGEST);
    short.unwrap_or_else(|| written(&Change::Everything))
}
