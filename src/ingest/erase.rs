//! Erasing: every place where something of a shopper is kept, in one list, so that none is forgotten.

use super::learn::Learner;
use super::record::Recorder;
use crate::domain::consent::Purpose;
use crate::domain::ids::ShopperKey;
use crate::store::{DecisionStore, ShopperStore, StoreError};
use jiff::Timestamp;
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

    /// Deletes what one purpose had stored. True where there was something. Decisions go with
    /// analytics, for which they are logged; with preferences goes what of them shows its data.
    pub(super) async fn purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        let mut found = self.shoppers.erase_purpose(who, purpose).await?;
        match purpose {
            Purpose::Analytics => found |= self.decisions.erase(who).await?,
            Purpose::Preferences => found |= self.decisions.erase_read(who, purpose).await?,
            Purpose::Marketing | Purpose::SaleOfData => return Ok(found),
        }
        self.learner.forget(who);
        if purpose == Purpose::Analytics {
            found |= self.recorded(who).await?;
        }
        Ok(found)
    }

    async fn recorded(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        self.recorder.erase(who, Timestamp::now()).await.map_err(|error| {
            tracing::error!(%error, "an erasure could not be noted beside the training log; it was not acknowledged");
            StoreError::Unavailable("the erasure cannot be noted beside the training log".to_owned())
        })
    }

    /// Deletes everything but a withdrawn consent. True where there was something.
    pub(super) async fn everything(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let mut found = self.shoppers.erase(who).await?;
        found |= self.decisions.erase(who).await?;
        found |= self.recorded(who).await?;
        self.learner.forget(who);
        Ok(found)
    }
}

impl fmt::Debug for Eraser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eraser")
    }
}
