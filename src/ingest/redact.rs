//! Erasing the whole shop: noted where it survives → what this process holds goes → what the stores hold goes, beside.
//!
//! Whoever takes the delivery notes it in the stores and forgets what it holds itself; then it is acknowledged. The stores
//! are walked through beside requests. Other replicas find the note, forget what they hold, and walk once more: what was
//! on its way in them is gone then, too. A process that dies goes on at its next start, and one that was down finds the
//! note.
//!
//! Invariant: what this process took in before the redaction, and has not stored yet, is not stored after it.

use super::accept::Ingest;
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
    /// rest is deleted beside. `drops`: what waits in the spool goes, too; not where the redaction itself comes out of it.
    /// Errors: it is not noted everywhere; nothing is to be acknowledged.
    pub(super) async fn redact_shop(&self, at: Timestamp, drops: bool) -> Result<(), StoreError> {
        self.withdrawn.note_everyone();
        self.shop.note_redaction(at).await?;
        self.go_along(at, drops).await?;
        self.redactions.wake.notify_one();
        Ok(())
    }

    /// Forgets everything that this process holds.
    async fn go_along(&self, at: Timestamp, drops: bool) -> Result<(), StoreError> {
        self.withdrawn.note_everyone();
        self.eraser.decisions.note_redaction(at).await?;
        self.forget_everyone();
        self.redact_folders(at, drops).await?;
        self.redactions.went_along(at);
        Ok(())
    }

    async fn redact_folders(&self, at: Timestamp, drops: bool) -> Result<(), StoreError> {
        let failed = |what: &str, error: &io::Error| {
            tracing::error!(%error, "{what} cannot be deleted for a shop that is redacted; it is tried again");
            StoreError::Unavailable(format!("{what} cannot be deleted"))
        };
        self.eraser.recorder.redact(at).await.map_err(|error| failed("the training log", &error))?;
        match &self.spool {
            Some(spool) => spool.redact(at, drops).await.map_err(|error| failed("the spool", &error)),
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
        if news && done && !before.looked {
            // It was done while this process was down: only its own folders may be from before.
            self.redact_folders(at, true).await?;
            self.redactions.went_along(at);
        } else if news || !done {
            if news {
                self.go_along(at, true).await?;
            }
            self.eraser.decisions.redact().await?;
            self.shop.redact(at).await?;
            ShopRedacted { done: true }.emit();
        }
        self.redactions.looked();
        Ok(())
    }
}
