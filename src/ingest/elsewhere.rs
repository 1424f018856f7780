//! Erasures that other replicas took: found in the store, and done in what this process keeps of its own.
//!
//! Whoever takes an erasure notes it in the store, then deletes where all replicas reach, and what it keeps itself. The others
//! find the note within a second or two: in memory, the training log, a decision log in SQLite, and what waits in the spool
//! from before, they keep things that nobody else reaches. One that was down finds at its start what was noted meanwhile.
//!
//! Invariant: what waited from before an erasure is not stored after it.

use super::accept::Ingest;
use super::limit::Pace;
use super::task::{Did, Task};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::store::{ERASURES_FOR, Erasure, MOST_ERASURES, Place, StoreError};
use futures::future::try_join_all;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the store is asked.
const LOOK: Duration = Duration::from_secs(1);
/// Erasures done at once: their notes on the disk share a sync.
const AT_ONCE: usize = 64;

impl Ingest {
    /// Looks for erasures and for news of products until the last reference is gone.
    pub(super) fn start_looking(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(ingest) = weak.upgrade() {
                if let Err(error) = ingest.hear_erasures().await {
                    tracing::debug!(%error, "erasures of other replicas could not be looked for or done; tried again");
                }
                if let Err(error) = ingest.hear_news().await {
                    tracing::debug!(%error, "news of products could not be looked for; tried again");
                }
                drop(ingest);
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    /// Goes along with what other replicas erased. Errors: it is not known what they did, or not all of it is done here.
    pub(super) async fn hear_erasures(&self) -> Result<(), StoreError> {
        let _one = self.erasures.looking.lock().await;
        let told = self.shop.erasures(self.erasures.behind()).await?;
        if self.erasures.begins() {
            self.warn_of_missed(&told).await;
        }
        let news = self.erasures.hear(told);
        for some in news.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|(_, erasure)| self.go_along_with(erasure))).await?;
            self.erasures.done(some.iter().map(|(place, _)| *place));
        }
        if self.erasures.marks_now() {
            self.mark_heard().await;
        }
        Ok(())
    }

    async fn go_along_with(&self, erasure: &Erasure) -> Result<(), StoreError> {
        if erasure.by == self.erasures.by {
            return Ok(());
        }
        let purposes = erasure.purpose.map_or(Consent::ALL, |purpose| Consent::NONE.with(purpose, true));
        // What was weighed before and is still under way here stores nothing of it any more.
        let ago = Duration::try_from(Timestamp::now().duration_since(erasure.at)).unwrap_or_default();
        if let Some(at) = Instant::now().checked_sub(ago) {
            self.withdrawn.note_at(&erasure.who, purposes, at);
        }
        self.eraser.own(erasure).await
    }

    /// Does a task that has waited, unless whose it is was erased since, also while it was done.
    /// Errors: the store did not take it; it is to be done again.
    pub(super) async fn perform_late(&self, task: &Task) -> Result<(), StoreError> {
        self.hear_erasures().await?;
        match task {
            Task::Events(did) => {
                let before = self.gone(did);
                self.perform(task, Pace::Free).await?;
                self.hear_erasures().await?;
                let meanwhile = self.gone(did).without(before);
                for key in did.keys().filter(|_| meanwhile != Consent::NONE) {
                    self.take_out(key, meanwhile).await?;
                }
                Ok(())
            }
            // What the platform said of somebody before they were erased says nothing any more.
            Task::Standing(keys, told) if self.erasures.gone(keys.iter(), Some(told.at)) == Consent::ALL => Ok(()),
            task => self.perform(task, Pace::Free).await.map(drop),
        }
    }

    /// The purposes for which something was erased since these events came: all, where they came so long ago that nobody knows.
    pub(super) fn gone(&self, did: &Did) -> Consent {
        if did.at.is_some_and(|at| at.checked_add(ERASURES_FOR).is_ok_and(|until| until < Timestamp::now())) {
            tracing::warn!("events that waited for longer than erasures of shoppers are told were not stored");
            return Consent::ALL;
        }
        self.erasures.gone(did.keys(), did.at)
    }

    async fn take_out(&self, key: &ShopperKey, purposes: Consent) -> Result<(), StoreError> {
        if purposes == Consent::ALL {
            // What was granted stays: whoever erased has taken back what was to be taken back.
            return self.eraser.everything(key, Timestamp::MIN).await.map(drop);
        }
        for purpose in Purpose::ALL.into_iter().filter(|purpose| purposes.allows(*purpose)) {
            self.eraser.purpose(key, purpose).await?;
        }
        Ok(())
    }

    /// Says so where erasures may have been noted and forgotten again while this process was down.
    async fn warn_of_missed(&self, told: &[(Place, Erasure)]) {
        let erasures = Arc::clone(&self.erasures);
        let heard = tokio::task::spawn_blocking(move || erasures.mark.as_ref().and_then(super::mark::Mark::read));
        let Some(heard) = heard.await.ok().flatten() else { return };
        let full = told.len() >= MOST_ERASURES;
        let first = told.first().and_then(|(place, _)| i64::try_from(place.0).ok()).filter(|_| full);
        let late = heard.checked_add(ERASURES_FOR).is_ok_and(|until| until < Timestamp::now());
        if late || first.is_some_and(|first| first > heard.as_millisecond()) {
            tracing::error!(
                %heard,
                "this gateway was down for longer than erasures of shoppers are told: its own training log and decision log \
                 may hold some who were erased meanwhile; stop it and delete them (docs/operations.md, Erasing a shopper)"
            );
        }
    }

    async fn mark_heard(&self) {
        let erasures = Arc::clone(&self.erasures);
        let mark = move || erasures.mark.as_ref().map_or(Ok(()), |mark| mark.write(Timestamp::now()));
        // Where it did not run, the process ends.
        if let Ok(Err(error)) = tokio::task::spawn_blocking(mark).await {
            tracing::warn!(%error, "it cannot be noted beside the training log that erasures were heard of");
        }
    }
}
