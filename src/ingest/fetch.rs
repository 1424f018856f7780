//! What a delivery named by its id alone: the platform is asked for it, now or, where it does not answer, later.

use super::accept::Ingest;
use super::batch::Outcome;
use super::limit::Pace;
use super::task::Task;
use crate::platform::news::Wanted;
use crate::store::StoreError;
use jiff::{SignedDuration, Timestamp};

/// After so long it is not asked any more: whatever waits in the spool waits behind it.
const AGE: SignedDuration = SignedDuration::from_hours(24);

impl Ingest {
    /// Asks for it and takes what somebody did. `came`: when the delivery did; nothing of it is stored where the shopper was
    /// erased since. Errors: the platform does not answer, or the store does not take it; it is to be done again.
    pub(super) async fn fetch(
        &self,
        platform: &str,
        wanted: &Wanted,
        came: Timestamp,
        pace: Pace,
    ) -> Result<Vec<Outcome>, StoreError> {
        let opened = self.webhooks.opened.load_full();
        let Some((_, sender)) = opened.0.iter().find(|(name, _)| *name == platform) else {
            tracing::warn!(platform, "a delivery of a platform whose webhooks are not taken any more is left aside");
            return Ok(Vec::new());
        };
        let news = match sender.fetch(wanted).await {
            Ok(news) => news,
            Err(error) if Timestamp::now().duration_since(came) > AGE => {
                tracing::error!(platform, %error, "it was asked for a day and is given up; what the delivery named is not learned");
                return Ok(Vec::new());
            }
            Err(error) => return Err(StoreError::Unavailable(error.to_string())),
        };
        let mut outcomes = Vec::new();
        for task in self.sorted(&news).0 {
            if let Task::Events(mut did) = task {
                did.at = Some(came);
                outcomes.extend(self.take(&did, pace).await?);
            }
        }
        Ok(outcomes)
    }
}
