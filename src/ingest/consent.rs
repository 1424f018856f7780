//! Consent set and withdrawn through the gateway, purpose by purpose.
//!
//! A withdrawal is put on file before anything is erased, so that nothing new is stored meanwhile. It holds for the
//! session as well as for the customer; what is granted holds only for whom it was granted by.

use super::batch::{Batch, Rejection};
use super::erase::{Eraser, Sure};
use super::error::{Failure, Refusal};
use super::identity::{Caller, ConsentSource, Identity, SessionSource, SetCookie};
use super::withdrawn::Withdrawn;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::MAX_EVENTS;
use crate::domain::ids::ShopperKey;
use crate::store::ShopperState;

/// What a shopper changes; `None` leaves a purpose as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Measurement and training.
    pub analytics: Option<bool>,
    /// Storage and use of session and profile.
    pub preferences: Option<bool>,
    /// Offers, segments and scores.
    pub marketing: Option<bool>,
    /// Export to third parties.
    pub sale_of_data: Option<bool>,
}

impl Change {
    /// Grants or withdraws one purpose.
    pub fn set(&mut self, purpose: Purpose, allowed: bool) {
        let slot = match purpose {
            Purpose::Analytics => &mut self.analytics,
            Purpose::Preferences => &mut self.preferences,
            Purpose::Marketing => &mut self.marketing,
            Purpose::SaleOfData => &mut self.sale_of_data,
        };
        *slot = Some(allowed);
    }

    fn asked(self) -> [(Purpose, Option<bool>); 4] {
        [
            (Purpose::Analytics, self.analytics),
            (Purpose::Preferences, self.preferences),
            (Purpose::Marketing, self.marketing),
            (Purpose::SaleOfData, self.sale_of_data),
        ]
    }

    fn applied(self, to: Consent) -> Consent {
        self.asked()
            .into_iter()
            .fold(to, |consent, (purpose, allowed)| allowed.map_or(consent, |allowed| consent.with(purpose, allowed)))
    }

    /// The purposes that are granted.
    fn granted(self) -> Consent {
        let granted = self.asked().into_iter().filter(|(_, allowed)| *allowed == Some(true));
        granted.fold(Consent::NONE, |all, (purpose, _)| all.with(purpose, true))
    }

    /// The purposes that are withdrawn.
    pub(super) fn withdrawn(self) -> Consent {
        self.withdrawals().into_iter().fold(Consent::NONE, |gone, purpose| gone.with(purpose, true))
    }

    fn withdrawals(self) -> Vec<Purpose> {
        self.asked().into_iter().filter(|(_, allowed)| *allowed == Some(false)).map(|(purpose, _)| purpose).collect()
    }
}

/// What became of a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Consent in force from now on, by what is on file.
    pub consent: Consent,
    /// Purposes for which something was stored and is erased.
    pub erased: Vec<Purpose>,
    /// The caller as it is from now on: use it for the rest of the operation. Its cookie goes on the answer.
    pub caller: Caller,
}

/// Lets nothing through without consent. The answer is whose events they are.
pub(super) fn admit<'a>(batch: &mut Batch, caller: &'a Caller, consent: Consent) -> Option<&'a ShopperKey> {
    batch.refuse_beyond(MAX_EVENTS, Rejection::Malformed, "a call takes at most 100 events; send the rest in another");
    if caller.prefetch {
        let message = "the request came from a page that was fetched ahead; send the event once the page is shown";
        batch.refuse_all(Rejection::Malformed, message);
    } else if !consent.allows(Purpose::Preferences) && !consent.allows(Purpose::Analytics) {
        let message = "the shopper allows neither preferences nor analytics; ask for consent and send it in the header \
                       Outfitter-Consent or by personalizedConsent";
        batch.refuse_all(Rejection::NoConsent, message);
    } else if caller.shopper.is_none() {
        batch.refuse_all(Rejection::Malformed, "there is no session; send its id in the header Outfitter-Session");
    }
    caller.shopper.as_ref().filter(|_| batch.left() > 0)
}

/// Where consent is kept and what a withdrawal erases.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) identity: &'a Identity,
    pub(super) eraser: &'a Eraser,
    pub(super) withdrawn: &'a Withdrawn,
}

impl Desk<'_> {
    /// Puts the change on file and erases what was withdrawn. A browser without a session that grants preferences is
    /// given one. Errors: a grant by somebody without a session; a store that does not answer.
    pub(super) async fn change(&self, caller: &Caller, change: Change, sure: &mut Sure) -> Result<Changed, Failure> {
        let mut caller = caller.clone();
        let store = self.eraser.shoppers();
        let state = match &caller.shopper {
            Some(who) => store.read_patiently(who).await?,
            None => ShopperState::default(),
        };
        let set = change.applied(state.consent.unwrap_or(caller.consent));
        // What the shop keeps with its customer has to allow it, too.
        let consent = ShopperState { consent: Some(set), ..state }.agreed().unwrap_or(set);
        caller.consent = consent;
        caller.consent_source = ConsentSource::OnFile;
        if caller.shopper.is_none() && !caller.prefetch {
            self.identity.make_session(&mut caller);
        }
        let Some(who) = caller.shopper.clone() else {
            // Nothing is stored of somebody without a session, so there is nothing to withdraw.
            return if change.granted() != Consent::NONE {
                Err(Refusal::NoSession.into())
            } else {
                Ok(Changed { consent, erased: Vec::new(), caller })
            };
        };
        sure.of(store.agree(&who, set, change.granted()).await.map(|()| true))?;
        let erased = self.withdraw(&caller, &who, &change.withdrawals(), sure).await?;
        self.drop_cookie(&mut caller);
        Ok(Changed { consent, erased, caller })
    }

    async fn withdraw(
        &self,
        caller: &Caller,
        who: &ShopperKey,
        purposes: &[Purpose],
        sure: &mut Sure,
    ) -> Result<Vec<Purpose>, Failure> {
        let mut erased = Vec::new();
        if purposes.is_empty() {
            return Ok(erased);
        }
        let gone = purposes.iter().fold(Consent::NONE, |gone, purpose| gone.with(*purpose, true));
        let store = self.eraser.shoppers();
        for key in caller.keys() {
            self.withdrawn.note(key, gone);
            if key != who {
                let before = store.read_patiently(key).await?.consent.unwrap_or(self.identity.default_consent());
                sure.of(store.agree(key, before.without(gone), Consent::NONE).await.map(|()| true))?;
            }
        }
        for purpose in purposes {
            let mut found = false;
            for key in caller.keys() {
                found |= sure.of(self.eraser.purpose(key, *purpose).await)?;
            }
            if found {
                erased.push(*purpose);
            }
        }
        Ok(erased)
    }

    /// Takes the gateway's cookie away where nothing needs it: no consent to preferences, and a shop whose default
    /// allows nothing, so that the withdrawal need not be remembered.
    pub(super) fn drop_cookie(&self, caller: &mut Caller) {
        let own = matches!(caller.session_source, Some(SessionSource::Cookie | SessionSource::Made));
        if own && !caller.allows(Purpose::Preferences) && self.identity.default_consent() == Consent::NONE {
            caller.set_cookie = SetCookie::clear(caller.https);
        }
    }
}
