//! Erasing: every place where something of a shopper is kept, in one list, so that none is forgotten.

use super::learn::Learner;
use super::record::Recorder;
use crate::domain::consent::Purpose;
use crate::domain::ids::ShopperKey;
use crate::store::{DecisionStore, Erasure, ShopStore, ShopperStore, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;

/// How far apart the clocks of replicas may be.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Whether a fail-over would keep all of several changes. One that it might lose stops none of those behind it.
#[derive(Debug, Default)]
pub(super) struct Sure {
    doubted: bool,
}

impl Sure {
    /// What a change found, or that it changed something. Errors: it was not made.
    pub(super) fn of(&mut self, found: Result<bool, StoreError>) -> Result<bool, StoreError> {
        match found {
            Err(StoreError::NotDurable) => {
                self.doubted = true;
                Ok(true)
            }
            found => found,
        }
    }

    /// What all found. Errors: [`StoreError::NotDurable`].
    pub(super) fn end<T>(self, found: T) -> Result<T, StoreError> {
        if self.doubted { Err(StoreError::NotDurable) } else { Ok(found) }
    }
}

/// Every place.
pub(super) struct Eraser {
    pub(super) shoppers: Arc<dyn ShopperStore>,
    pub(super) decisions: Arc<dyn DecisionStore>,
    pub(super) learner: Arc<dyn Learner>,
    pub(super) recorder: Arc<Recorder>,
    /// Where other replicas hear of it.
    pub(super) shop: Arc<dyn ShopStore>,
    /// The name of this process among them.
    pub(super) by: u64,
}

impl Eraser {
    pub(super) fn shoppers(&self) -> &dyn ShopperStore {
        &*self.shoppers
    }

    /// Deletes what one purpose had stored. True where there was something. Decisions go with
    /// analytics, for which they are logged; with preferences goes what of them shows its data.
    /// Errors: not all of it is deleted; or all is, and a fail-over might bring some of it back ([`StoreError::NotDurable`]).
    pub(super) async fn purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        if matches!(purpose, Purpose::Analytics | Purpose::Preferences) {
            self.tell(who, Some(purpose)).await?;
        }
        let mut sure = Sure::default();
        let mut found = match purpose {
            Purpose::Analytics => self.before_logins(who, &mut sure).await?,
            Purpose::Preferences | Purpose::Marketing | Purpose::SaleOfData => false,
        };
        found |= sure.of(self.shoppers.erase_purpose(who, purpose).await)?;
        match purpose {
            Purpose::Analytics => found |= sure.of(self.decisions.erase(who).await)?,
            Purpose::Preferences => found |= sure.of(self.decisions.erase_read(who, purpose).await)?,
            Purpose::Marketing | Purpose::SaleOfData => return sure.end(found),
        }
        self.learner.forget(who);
        if purpose == Purpose::Analytics {
            found |= self.recorded(who, Timestamp::now()).await?;
        }
        sure.end(found)
    }

    /// Deletes what this process keeps of its own of somebody whom another replica erased. Errors: not all of it is deleted.
    pub(super) async fn own(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let Erasure { who, purpose, at, .. } = erasure;
        let read = purpose.filter(|purpose| *purpose == Purpose::Preferences);
        self.decisions.erase_own(who, read, at.saturating_add(SKEW).unwrap_or(*at)).await?;
        self.learner.forget(who);
        if read.is_none() {
            self.recorded(who, *at).await?;
        }
        Ok(())
    }

    /// Deletes what a customer did on sessions before logging in there, as far as it stands under the sessions' own keys:
    /// decisions, the training log, statistics. The sessions themselves have handed over what they held.
    async fn before_logins(&self, who: &ShopperKey, sure: &mut Sure) -> Result<bool, StoreError> {
        let mut found = false;
        for device in self.shoppers.devices(who).await? {
            self.tell(&device, Some(Purpose::Analytics)).await?;
            found |= sure.of(self.decisions.erase(&device).await)?;
            found |= self.recorded(&device, Timestamp::now()).await?;
            self.learner.forget(&device);
        }
        Ok(found)
    }

    /// Before anything is deleted: whoever stores something of it later finds out.
    async fn tell(&self, who: &ShopperKey, purpose: Option<Purpose>) -> Result<(), StoreError> {
        let erasure = Erasure { who: who.clone(), purpose, at: Timestamp::now(), by: self.by };
        self.shop.note_erasure(&erasure).await
    }

    async fn recorded(&self, who: &ShopperKey, at: Timestamp) -> Result<bool, StoreError> {
        self.recorder.erase(who, at).await.map_err(|error| {
            tracing::error!(%error, "an erasure could not be noted beside the training log; it was not acknowledged");
            StoreError::Unavailable("the erasure cannot be noted beside the training log".to_owned())
        })
    }

    /// Deletes everything but a withdrawn consent, and what was granted after that moment, at which it was said. True where
    /// there was something. Errors as of [`Eraser::purpose`].
    pub(super) async fn everything(&self, who: &ShopperKey, said: Timestamp) -> Result<bool, StoreError> {
        self.tell(who, None).await?;
        let mut sure = Sure::default();
        // First: the record that goes then knows of them.
        let mut found = self.before_logins(who, &mut sure).await?;
        found |= sure.of(self.shoppers.erase_as_said(who, said).await)?;
        found |= sure.of(self.decisions.erase(who).await)?;
        found |= self.recorded(who, Timestamp::now()).await?;
        self.learner.forget(who);
        sure.end(found)
    }
}

impl fmt::Debug for Eraser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eraser")
    }
}
