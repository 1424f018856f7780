//! What a decision may know of the shopper behind a request: filtered by consent before the engine sees it.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;
use crate::store::ShopperState;
use jiff::Timestamp;

/// The shopper, the consent and the market of one request. Read once a request, so all its slates agree.
#[derive(Clone, Debug)]
pub struct Context {
    /// The shopper as stored; `None` without a session.
    pub shopper: Option<ShopperKey>,
    /// Whether `shopper` is a customer whom the platform confirmed for this request.
    pub confirmed: bool,
    /// Consent in force for this request.
    pub consent: Consent,
    /// What is stored; empty without consent to preferences or when the store did not answer.
    pub state: ShopperState,
    /// Whether the store did not answer: what other replicas accepted of the shopper is not in this decision, and its
    /// inputs say so.
    pub away: bool,
    /// The market.
    pub market: Market,
    /// The moment of the request: every slate of it is decided at this time.
    pub now: Timestamp,
}

impl Context {
    /// What is stored about the shopper, where it may be read for ranking. The one door to it: the caller has filtered
    /// already, and here it is refused once more without consent to preferences.
    pub(super) fn readable(&self) -> Option<&ShopperState> {
        (self.shopper.is_some() && self.consent.allows(Purpose::Preferences)).then_some(&self.state)
    }
}
