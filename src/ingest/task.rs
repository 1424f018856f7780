//! Work that a delivery or a beacon brings, in a form that can be done now or written down and done later. Shoppers stand in
//! it by their keyed hashes alone.
//!
//! Doing a task twice does what doing it once does: events count by their ids, erasing finds nothing the second time.
//!
//! A withdrawal or an erasure that is done late leaves the consent that was granted after it was said. The data go all the same,
//! those from after the grant, too: what was taken before the withdrawal and stored behind it cannot be told from them, since
//! the times of events are their senders'.

use super::accept::Ingest;
use super::apply;
use super::batch::{Batch, Outcome};
use super::erase::Sure;
use super::identity::{Caller, Patience};
use super::limit::Pace;
use super::mark::Goes;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;
use crate::domain::standing::Told;
use crate::platform::news::Wanted;
use crate::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task {
    /// Events of one shopper, at most [`crate::domain::event::MAX_EVENTS`].
    Events(Box<Did>),
    /// Everything of these keys goes, as it was said at that moment.
    Erase(Vec<ShopperKey>, Timestamp),
    /// These purposes are taken back by whoever has these keys, who said so at that moment.
    Withdraw(Vec<ShopperKey>, Consent, Timestamp),
    /// The platform said this of whoever has these keys, the current one first.
    Standing(Vec<ShopperKey>, Told),
    /// The platform of that name is asked for what a delivery of that moment named.
    Fetch(String, Wanted, Timestamp),
    /// Everything of every shopper goes, by a redaction of that moment.
    Redact(Timestamp),
    /// The other replicas hear of products what this process was told, by its name and in their own words.
    Tell(u64, Vec<String>),
}

/// Events with whose they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Did {
    /// The customer's key, where the platform names one.
    pub(super) customer: Option<ShopperKey>,
    /// The session's.
    pub(super) session: Option<ShopperKey>,
    /// Keys under older secrets, each with the one in its place.
    pub(super) older: Vec<(ShopperKey, ShopperKey)>,
    /// What was said of consent with the events; `None`: nothing.
    pub(super) said: Option<Consent>,
    /// Where.
    pub(super) market: Market,
    /// What happened.
    pub(super) events: Vec<Event>,
    /// When it came: nothing of it is stored where the shopper was erased since.
    #[serde(default)]
    pub(super) at: Option<Timestamp>,
}

impl Did {
    /// Every key of whose they are.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ShopperKey> {
        self.customer.iter().chain(&self.session).chain(self.older.iter().map(|(old, _)| old))
    }
}

impl Ingest {
    /// Does a task. What became of its events, in order. Errors: the store did not take it; it is to be done again.
    pub(super) async fn perform(&self, task: &Task, pace: Pace) -> Result<Vec<Outcome>, StoreError> {
        match task {
            Task::Events(did) => self.take(did, pace).await,
            Task::Fetch(platform, wanted, came) => self.fetch(platform, wanted, *came, pace).await,
            Task::Erase(keys, said) => {
                let mut sure = Sure::default();
                for key in keys {
                    self.withdrawn.note(key, Consent::ALL);
                    sure.of(self.eraser.everything(key, *said).await)?;
                }
                sure.end(Vec::new())
            }
            Task::Withdraw(keys, purposes, said) => {
                self.take_back(keys, *purposes, *said).await?;
                Ok(Vec::new())
            }
            Task::Standing(keys, told) => {
                self.hear(keys, told, None).await?;
                Ok(Vec::new())
            }
            Task::Redact(at) => {
                self.redact_shop(*at, Goes::All).await?;
                Ok(Vec::new())
            }
            Task::Tell(by, told) => {
                self.tell(*by, told).await?;
                Ok(Vec::new())
            }
        }
    }

    pub(super) async fn take(&self, did: &Did, pace: Pace) -> Result<Vec<Outcome>, StoreError> {
        let shopper = did.customer.clone().or_else(|| did.session.clone());
        let mut caller = Caller {
            shopper,
            session: did.session.clone(),
            customer: did.customer.clone(),
            older: did.older.clone(),
            ..Caller::nobody(did.market.clone())
        };
        // It was said some time ago: where something is on file, both must allow.
        let filed = self.identity.filed(&caller, Patience::Event).await?.map(|(consent, _)| consent);
        caller.consent = match (did.said, filed) {
            (Some(said), Some(filed)) => filed.and(said),
            (Some(said), None) => said,
            (None, filed) => filed.unwrap_or(self.identity.default_consent()),
        };
        let gone = self.gone(did);
        caller.consent = caller.consent.without(gone);
        if gone != Consent::ALL {
            self.identity.join(&caller).await;
        }
        let mut batch = Batch::new(did.events.clone());
        self.walk(&caller, &mut batch, pace, apply::Sure::Acknowledged).await?;
        Ok(batch.outcomes())
    }

    /// Takes purposes back for which consent is on file, and erases what they had stored.
    async fn take_back(&self, keys: &[ShopperKey], purposes: Consent, said: Timestamp) -> Result<(), StoreError> {
        let mut sure = Sure::default();
        for key in keys {
            if self.eraser.shoppers().read_patiently(key).await?.agreed().is_none() {
                continue;
            }
            let mut gone = purposes;
            let taken = self.eraser.shoppers().take_back(key, purposes, said).await;
            sure.of(taken.map(|taken| {
                gone = taken;
                true
            }))?;
            self.withdrawn.note(key, gone);
            for purpose in Purpose::ALL.into_iter().filter(|purpose| purposes.allows(*purpose)) {
                sure.of(self.eraser.purpose(key, purpose).await)?;
            }
        }
        sure.end(())
    }
}
