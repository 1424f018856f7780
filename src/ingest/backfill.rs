//! What a shop knows of its past, taken as if it had been told at the time.
//!
//! The walk is that of webhooks: consent on file or the shop's default, validation, store, training log. Ids make it safe
//! to take the same again.

use super::accept::Ingest;
use super::limit::Pace;
use super::task::Task;
use super::webhook::Delivered;
use crate::platform::news::News;
use crate::store::StoreError;

impl Ingest {
    /// Takes pieces of news in their order. What became of them is added to `delivered`.
    /// Errors: the store did not take one; those before it are taken, and all may be sent again.
    pub async fn backfill(&self, news: &[News], delivered: &mut Delivered) -> Result<(), StoreError> {
        let (tasks, _) = self.sorted(news);
        // Of nobody who could be known again.
        delivered.unused += news.len().saturating_sub(tasks.len());
        for task in &tasks {
            let outcomes = self.perform(task, Pace::Free).await?;
            match task {
                Task::Events(_) => delivered.count(&outcomes),
                // What a customer stands for has no outcomes.
                _ => delivered.accepted += 1,
            }
        }
        Ok(())
    }
}
