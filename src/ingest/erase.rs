//! Erasing: every place where something of a shopper is kept, in one list, so that none is forgotten.

use super::learn::Learner;
use super::record::Recorder;
use crate::domain::consent::Purpose;
use crate::domain::ids::ShopperKey;
use crate::store::{DecisionStore, ShopperStore, StoreError};
use std::fmt;
use std::sync::Arc;

/// Every place.
pub(super) struct Eraser {
    pub(super) shoppers: Arc<dyn ShopperStore>,
    pub(super) decisions: Arc<dyn DecisionStore>,
    pub(super) learner: Arc<dyn Learner>,
    pub(super) recorder: Arc<Recorder>,
}

impl Eraser {
    pub(super) fn shoppers(&self) -> &dyn ShopperStore {
        &*self.shoppers
    }

    /// Deletes what one purpose had stored. True where there was something. Decisions go with either purpose that
    /// fed them: analytics, for which they are logged, and preferences, whose data they show.
    pub(super) async fn purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        let mut found = self.shoppers.erase_purpose(who, purpose).await?;
        if matches!(purpose, Purpose::Analytics | Purpose::Preferences) {
            found |= self.decisions.erase(who).await?;
            self.learner.forget(who);
        }
        if purpose == Purpose::Analytics {
            found |= self.recorder.erase(who).await;
        }
        Ok(found)
    }

    /// Deletes everything but a withdrawn consent. True where there was something.
    pub(super) async fn everything(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let mut found = self.shoppers.erase(who).await?;
        found |= self.decisions.erase(who).await?;
        found |= self.recorder.erase(who).await;
        self.learner.forget(who);
        Ok(found)
    }
}

impl fmt::Debug for Eraser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eraser")
    }
}
