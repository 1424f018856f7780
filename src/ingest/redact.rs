//! Erasing the whole shop: noted where it survives → what this process holds goes → what the stores hold goes, beside.
//!
//! Whoever takes the delivery notes it in the stores and forgets what it holds itself; then it is acknowledged. The stores
//! are walked through beside requests. Other replicas find the note, forget what they hold, and walk once more: what was
//! on its way in them is gone then, too. A process that dies goes on at its next start, and one that was down finds the
//! note.
//!
//! Invariant: what this process took in before the redaction, and has not stored yet, is not stored after it.

use super::accept::Ingest;
use super::mark::Goes;
use crate::store::{Redaction, StoreError};
use crate::telemetry::ingest::ShopRedacted;
use jiff::Timestamp;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often the note is looked for.
const LOOK: Duration = Duration::from_secs(5);

impl Ingest {
    /// Has everything of every shopper go, by a redaction of that moment. Returns once it is noted where it survives; the
    /// rest is deleted beside. `waiting`: what of the spool goes; nothing where the redaction itself comes out of it.
    /// Errors: it is not noted everywhere; nothing is to be acknowledged.
    pub(super) async fn redact_shop(&self, at: Timestamp, waiting: Goes) -> Result<(), StoreError> {
        self.withdrawn.note_everyone();
        self.shop.note_redaction(at).await?;
        self.go_along(at, Goes::All, waiting).await?;
        self.redactions.wake.notify_one();
        Ok(())
    }

    /// Forgets everything that this process holds.
    async fn go_along(&self, at: Timestamp, lines: Goes, waiting: Goes) -> Result<(), StoreError> {
        self.withdrawn.note_everyone();
        self.eraser.decisions.note_redaction(at).await?;
        self.forget_everyone();
        self.redact_folders(at, lines, waiting).await?;
        self.redactions.went_along(at);
        Ok(())
    }

    /// `lines`: what of the training log goes; `waiting`: of the spool.
    async fn redact_folders(&self, at: Timestamp, lines: Goes, waiting: Goes) -> Result<(), StoreError> {
        let failed = |what: &str, error: &io::Error| {
            tracing::error!(%error, "{what} cannot be deleted for a shop that is redacted; it is tried again");
            StoreError::Unavailable(format!("{what} cannot be deleted"))
        };
        self.eraser.recorder.redact(at, lines).await.map_err(|error| failed("the training log", &error))?;
        match &self.spool {
            Some(spool) => spool.redact(at, waiting).await.map_err(|error| failed("the spool", &error)),
            None => Ok(()),
        }
    }

    /// Looks for redactions until the last reference is gone.
    pub(super) fn start_redactions(self: &Arc<Self>) {
        let (weak, redactions) = (Arc::downgrade(self), Arc::clone(&self.redactions));
        tokio::spawn(async move {
            while let Some(ingest) = weak.upgrade() {
                if let Err(error) = ingest.look().await {
                    tracing::debug!(%error, "redactions of the shop could not be looked for or done; tried again");
                }
                drop(ingest);
                // Either it is woken or the time is over.
                tokio::time::timeout(LOOK, redactions.wake.notified()).await.ok();
            }
        });
    }

    /// Goes along with a redaction that is noted, and deletes what it has left. Errors: it is not known whether there is one,
    /// or not everything is deleted yet.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        let _one = self.redactions.deleting.lock().await;
        let before = self.redactions.known();
        let Some(Redaction { at, done }) = self.shop.redaction().await? else {
            self.redactions.looked();
            return Ok(());
        };
        let news = before.at < Some(at);
        // It was ordered before this process started: what it has taken in since is from after.
        let goes = if before.looked { Goes::All } else { Goes::Older };
        if news && done && !before.looked {
            self.redact_folders(at, goes, goes).await?;
            self.redactions.went_along(at);
        } else if news || !done {
            if news {
                self.go_along(at, goes, goes).await?;
            }
            self.eraser.decisions.redact().await?;
            self.shop.redact(at).await?;
            ShopRedacted { done: true }.emit();
        }
        self.redactions.looked();
        Ok(())
    }
}
