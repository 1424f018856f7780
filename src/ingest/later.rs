//! What cannot be stored now is kept in the [spool](super::spool) and done later, in its order, once the store takes it.

use super::accept::Ingest;
use super::erase::Sure;
use super::error::Refused;
use super::mark::Goes;
use super::task::Task;
use crate::domain::consent::Consent;
use crate::domain::ids::ShopperKey;
use crate::store::StoreError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The first wait before a task is tried again; it doubles to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST: Duration = Duration::from_secs(10);
/// How long the store may take for one task.
const PATIENCE: Duration = Duration::from_secs(10);

impl Ingest {
    /// Keeps a task until the store takes it. Errors: there is no spool, or it is full or refuses: the sender is to send it
    /// again.
    pub(super) async fn keep(&self, task: Task) -> Result<(), Refused> {
        match &self.spool {
            Some(spool) if spool.put(&task).await => Ok(()),
            Some(_) => {
                tracing::warn!("the spool is full or cannot be written; senders were asked to come again");
                Err(Refused::Later)
            }
            None => {
                tracing::warn!(
                    "what came cannot be stored and there is no spool (ingest.spool.dir); senders were asked to come again"
                );
                Err(Refused::Later)
            }
        }
    }

    /// Writes an erasure behind what waits, so that nothing of it comes back. Where that cannot be written, it is said.
    /// It was said at that moment: a consent that the shopper grants later stays.
    /// Errors: a fail-over might undo it, and it could not be kept to be done again.
    pub(super) async fn erase_behind(
        &self,
        keys: Vec<ShopperKey>,
        purposes: Consent,
        said: Timestamp,
        sure: Sure,
    ) -> Result<(), StoreError> {
        let task = match purposes {
            Consent::ALL => Task::Erase(keys, said),
            purposes => Task::Withdraw(keys, purposes, said),
        };
        let Err(doubted) = sure.end(()) else {
            self.put_behind(&task).await;
            return Ok(());
        };
        self.keep(task).await.map_err(|_| doubted)
    }

    /// Writes a task of that kind behind what waits, where something does.
    pub(super) async fn put_behind(&self, task: &Task) {
        let Some(spool) = self.spool.as_ref().filter(|spool| spool.waits()) else { return };
        if !spool.put(task).await {
            tracing::error!(
                "an erasure could not be written behind what waits in the spool; repeat it once the spool is empty"
            );
        }
    }

    /// Does what waits, in its order, until the last reference is gone.
    pub(super) fn start_spool(self: &Arc<Self>) {
        if self.spool.is_none() {
            return;
        }
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut wait = FIRST;
            // What was kept before a redaction of the whole shop, of which this process has not heard yet, goes first.
            while let Some(ingest) = weak.upgrade() {
                if ingest.look().await.is_ok() {
                    break;
                }
                drop(ingest);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST);
            }
            wait = FIRST;
            while let Some(ingest) = weak.upgrade() {
                let Some(spool) = &ingest.spool else { return };
                wait = match spool.oldest().await {
                    Some(task) if ingest.settled(&task).await => {
                        spool.done().await;
                        FIRST
                    }
                    Some(_) => {
                        drop(ingest);
                        tokio::time::sleep(wait).await;
                        (wait * 2).min(LONGEST)
                    }
                    None => {
                        // From time to time, so that the task ends with the process's own.
                        tokio::time::timeout(Duration::from_secs(1), spool.came()).await.ok();
                        FIRST
                    }
                };
            }
        });
    }

    async fn settled(&self, task: &Task) -> bool {
        let performed = async {
            match task {
                // What waits behind it came later.
                Task::Redact(at) => self.redact_shop(*at, Goes::Nothing).await,
                task => self.perform_late(task).await,
            }
        };
        matches!(tokio::time::timeout(PATIENCE, performed).await, Ok(Ok(())))
    }
}
