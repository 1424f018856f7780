//! Decisions in two places: at once in the store that replicas share or that is at hand, for what a shopper asks a moment
//! later, and in the log, for months.

use super::log::DecisionLog;
use super::traits::{DecisionStore, StoreError};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::Purpose;
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ShopperKey};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

/// A store with a log behind it.
pub struct Logged {
    recent: Arc<dyn DecisionStore>,
    log: Arc<DecisionLog>,
}

impl Logged {
    /// Decisions go into both.
    pub fn new(recent: Arc<dyn DecisionStore>, log: Arc<DecisionLog>) -> Self {
        Self { recent, log }
    }
}

#[async_trait]
impl DecisionStore for Logged {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.log.put(record.clone());
        self.recent.put(record).await
    }

    /// The log knows more of a decision and what was erased of it; what it does not have yet is still at hand.
    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let logged = self.log.get(who, id).await;
        if let Ok(Some(record)) = logged {
            return Ok(Some(record));
        }
        match self.recent.get(who, id).await? {
            Some(record) => Ok(Some(record)),
            // Whether there is none is not known where the log does not answer.
            None => logged,
        }
    }

    /// What is at hand and not in the log yet, or not sampled, is among it.
    async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        let mut all = self.log.of(who).await?;
        let logged: HashSet<DecisionId> = all.iter().map(|record| record.slate.decision.id.clone()).collect();
        let recent = self.recent.of(who).await?;
        all.extend(recent.into_iter().filter(|record| !logged.contains(&record.slate.decision.id)));
        Ok(all)
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let recent = self.recent.erase(who).await;
        Ok(self.log.erase(who, None).await? | recent?)
    }

    async fn erase_read(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        let recent = self.recent.erase_read(who, purpose).await;
        Ok(self.log.erase(who, Some(purpose)).await? | recent?)
    }

    async fn erase_own(&self, who: &ShopperKey, purpose: Option<Purpose>, until: Timestamp) -> Result<(), StoreError> {
        self.log.erase_until(who, purpose, until).await.map(drop)
    }

    async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        self.log.note_redaction(at).await
    }

    async fn redact(&self) -> Result<(), StoreError> {
        self.log.redact().await
    }

    fn outcomes(&self, who: &ShopperKey, events: &[Event]) {
        self.log.outcomes(who, events);
    }
}
