//! What a store must do. Every method names one shopper: nothing here can read two shoppers at once.

use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::granted::Granted;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::domain::profile::Profile;
use crate::domain::session::Session;
use crate::domain::standing::{Standing, Told};
use async_trait::async_trait;
use jiff::Timestamp;

/// Why a store could not answer. What it says stays inside; a client only ever sees a fallback.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer in time.
    #[error("the store did not answer in time")]
    Timeout,
    /// The store cannot be reached or refused.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is stored, but a fail-over just now might lose it.
    #[error("it is stored, but not yet on as many replicas as the settings ask for")]
    NotDurable,
}

/// Everything stored about one shopper that a decision may read. A copy shares events and purchases with it: two that
/// share them compare at once, any others by their contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopperState {
    /// Recent events.
    pub session: Session,
    /// Visits and purchases.
    pub profile: Profile,
    /// Consent on file; `None` where the shopper never set one through the gateway.
    pub consent: Option<Consent>,
    /// When the shopper granted what of it.
    pub granted: Granted,
    /// How a customer stands with the shop by the platform's word.
    pub standing: Standing,
}

impl ShopperState {
    /// What is on file in all: set through the gateway, and kept by the shop with its customer. Where both are there, both
    /// have to allow.
    pub fn agreed(&self) -> Option<Consent> {
        match (self.consent, self.standing.consent) {
            (Some(set), Some(kept)) => Some(set.and(kept)),
            (set, kept) => set.or(kept),
        }
    }

    /// Puts consent on file, `granted` of it from this moment on.
    pub fn agree(&mut self, consent: Consent, granted: Consent, at: Timestamp) {
        self.consent = Some(consent);
        self.granted.forget(Consent::ALL.without(consent));
        self.granted.grant(granted.and(consent), at);
    }

    /// Takes these purposes back, as it was said at that moment, but for those that were granted later. Gives those that it
    /// took. Without consent on file nothing can be taken back.
    pub fn take_back(&mut self, purposes: Consent, said: Timestamp) -> Consent {
        if self.agreed().is_none() {
            return Consent::NONE;
        }
        let gone = purposes.without(self.granted.since(said));
        // What the platform keeps may come to allow more later; what was taken back here stays so.
        self.consent = Some(self.consent.unwrap_or(Consent::ALL).without(gone));
        self.granted.forget(gone);
        gone
    }
}

/// What became of one appended event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the shopper's next read.
    Accepted,
    /// Its id was there already.
    Duplicate,
}

/// What became of events that are to be acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// One an event, in order.
    pub answers: Vec<Appended>,
    /// Whether a fail-over would keep them. Where not, they are not to be acknowledged.
    pub is_durable: bool,
}

impl Stored {
    /// The answers. Errors: [`StoreError::NotDurable`].
    pub fn durable(self) -> Result<Vec<Appended>, StoreError> {
        if self.is_durable { Ok(self.answers) } else { Err(StoreError::NotDurable) }
    }
}

/// Sessions, profiles and consent.
///
/// A change of what a shopper allows, and an erasure, is [`StoreError::NotDurable`] where it was made and a fail-over might lose
/// it; whoever makes it again gets an answer for good.
#[async_trait]
pub trait ShopperStore: Send + Sync {
    /// Everything about one shopper; empty where nothing is stored.
    async fn read(&self, who: &ShopperKey) -> Result<ShopperState, StoreError>;

    /// The same for what nobody waits for as they wait for a page, such as a beacon's consent: takes as long as a change may.
    async fn read_patiently(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        self.read(who).await
    }

    /// Adds events to session and profile; one answer an event, in order. Event ids count once per shopper.
    async fn append(&self, who: &ShopperKey, events: &[Event]) -> Result<Vec<Appended>, StoreError>;

    /// The same for events that are acknowledged then: answers once a fail-over would keep them, as far as the store can
    /// tell, or says that it might not. They are stored all the same; whoever appends them again gets an answer for good, and
    /// finds them duplicates.
    async fn append_durably(&self, who: &ShopperKey, events: &[Event]) -> Result<Stored, StoreError> {
        Ok(Stored { answers: self.append(who, events).await?, is_durable: true })
    }

    /// Puts consent on file, all of it granted just now.
    async fn set_consent(&self, who: &ShopperKey, consent: Consent) -> Result<(), StoreError> {
        self.agree(who, consent, consent).await
    }

    /// Puts consent on file, of which the shopper granted this much just now: see [`ShopperState::agree`].
    async fn agree(&self, who: &ShopperKey, consent: Consent, granted: Consent) -> Result<(), StoreError>;

    /// Takes purposes back, as it was said at that moment: see [`ShopperState::take_back`].
    async fn take_back(&self, who: &ShopperKey, purposes: Consent, said: Timestamp) -> Result<Consent, StoreError>;

    /// Takes over what the platform says of a customer, unless something later is known.
    async fn hear(&self, who: &ShopperKey, told: &Told) -> Result<(), StoreError>;

    /// Joins a session's state to a customer's, at login and as often as the two come together: what the session holds becomes
    /// the customer's, unless another customer has logged in on it; then it is nobody's for good. `formerly`: the customer's
    /// keys under older secrets.
    async fn stitch(
        &self,
        session: &ShopperKey,
        customer: &ShopperKey,
        formerly: &[ShopperKey],
    ) -> Result<(), StoreError>;

    /// Moves everything to the key that the same shopper has under a newer secret.
    async fn rename(&self, old: &ShopperKey, new: &ShopperKey) -> Result<(), StoreError>;

    /// The sessions on which a customer logged in, as far as they are known: what was done there before is theirs, too.
    async fn devices(&self, who: &ShopperKey) -> Result<Vec<ShopperKey>, StoreError>;

    /// Deletes what was stored for one purpose. True where there was something.
    async fn erase_purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError>;

    /// Deletes everything about the shopper but a withdrawn consent. True where there was something.
    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        self.erase_as_said(who, Timestamp::MAX).await
    }

    /// The same as it was said at that moment: consent that was granted later stays.
    async fn erase_as_said(&self, who: &ShopperKey, said: Timestamp) -> Result<bool, StoreError>;
}

/// The decision log.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Keeps a decision.
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError>;

    /// One decision of this shopper; `None` where it is another's or unknown: the two cannot be told apart.
    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError>;

    /// All decisions of this shopper that are kept, in no order.
    async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError>;

    /// Deletes all decisions of the shopper. True where there was one.
    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError>;

    /// Deletes what was read for one purpose, out of every decision of the shopper. True where there was something. A store
    /// that keeps decisions for a short time deletes them whole.
    async fn erase_read(&self, who: &ShopperKey, _purpose: Purpose) -> Result<bool, StoreError> {
        self.erase(who).await
    }

    /// Deletes what was decided up to that moment out of places of this process's own: another replica erased the shopper, or
    /// what was read for a purpose, and did so where all reach. A store without such places does nothing.
    async fn erase_own(
        &self,
        _who: &ShopperKey,
        _purpose: Option<Purpose>,
        _until: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// Notes that all decisions are to go: none made before is written any more. A store that [`super::ShopStore`] reaches
    /// does nothing. Errors: it is not noted where it survives.
    async fn note_redaction(&self, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    /// Deletes all decisions, as noted. May be cut off: called again it goes on.
    async fn redact(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Notes what events say came of the decisions that they name. Never waits; a store that keeps no outcomes does nothing.
    fn outcomes(&self, _who: &ShopperKey, _events: &[Event]) {}
}
