//! What a decision is made from, and the key under which it is kept: one derived from the other, side by side.

use super::Settled;
use super::candidates::Ask;
use super::consent;
use super::content::Content;
use super::context::Context;
use super::encode::Encoded;
use super::request::SlateRequest;
use super::statistics::Statistics;
use super::tastes::Known;
use super::tiers;
use crate::catalogue::Index;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;

/// What the slates of one wave have in common.
#[derive(Clone, Copy)]
pub(super) struct Wave<'a> {
    pub(super) context: &'a Context,
    pub(super) index: &'a Index,
    pub(super) content: &'a Content,
    /// What was read of the shopper.
    pub(super) known: Option<&'a Known>,
    /// The number of the model with its catalogue.
    pub(super) model: Option<u64>,
    pub(super) settled: &'a Settled,
}

impl<'a> Wave<'a> {
    /// What one slate is decided from. What is not for its intent is taken out here.
    pub(super) fn basis<'s>(
        &self,
        request: &'s SlateRequest,
        statistics: &'s Statistics,
        encoded: &'s Encoded,
    ) -> Basis<'s>
    where
        'a: 's,
    {
        let Self { context, index, content, known, model, settled } = *self;
        let Context { shopper, confirmed, consent, state: _, away: _, market, now } = context;
        let personal = consent::is_personal(request.intent);
        let known = known.filter(|_| personal);
        let taste = known.and_then(|known| known.taste.as_ref());
        let encoded = if personal { encoded } else { &Encoded::Nothing };
        let tier = known.and_then(|_| tiers::of(&settled.config.tiers, self.context));
        Basis {
            shopper: shopper.as_ref(),
            confirmed: *confirmed,
            consent: *consent,
            market,
            ask: Ask { request, index, statistics, content, taste, encoded, now: *now },
            tier,
            reading: known.map(|known| known.number),
            model: model.filter(|_| personal),
            settled,
        }
    }
}

/// All that a decision reads. The shopper's state is in it as what was made of it: the taste, the tier, and the session as the
/// model reads it. The number of the reading stands for all three, the number of the model for the model.
pub(super) struct Basis<'a> {
    pub(super) shopper: Option<&'a ShopperKey>,
    pub(super) confirmed: bool,
    pub(super) consent: Consent,
    pub(super) market: &'a Market,
    pub(super) ask: Ask<'a>,
    /// The shopper's tier, where there is one and it may be read.
    pub(super) tier: Option<&'a str>,
    reading: Option<u64>,
    model: Option<u64>,
    pub(super) settled: &'a Settled,
}

impl Basis<'_> {
    /// Whether the decision may be logged: somebody's, who agreed to that.
    pub(super) fn logs(&self) -> bool {
        self.shopper.is_some() && self.consent.allows(Purpose::Analytics)
    }

    /// Whether the shopper's state was read for it.
    pub(super) fn reads(&self) -> bool {
        self.reading.is_some()
    }

    /// Under what the decision is kept. Taken apart without `..`: what is added to a basis has to find its place here.
    pub(super) fn key(&self) -> Key {
        // The tier is made of the profile and the settings, which go by theirs.
        let Self { shopper, confirmed, consent, market, ask, tier: _, reading, model, settled } = self;
        // Statistics and the hour are allowed to be a little behind; taste and session go by their numbers.
        let Ask { request, index, content, taste: _, encoded: _, statistics: _, now: _ } = ask;
        Key {
            shopper: shopper.cloned(),
            confirmed: *confirmed,
            consent: *consent,
            market: (*market).clone(),
            request: (*request).clone(),
            reading: *reading,
            model: *model,
            catalogue: index.generation(),
            content: content.generation(),
            settings: settled.generation,
        }
    }
}

/// Everything that a decision read but the hour and the statistics, exact: of two that are equal one can stand for the
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) shopper: Option<ShopperKey>,
    pub(super) confirmed: bool,
    pub(super) consent: Consent,
    pub(super) market: Market,
    pub(super) request: SlateRequest,
    /// The number of the reading, which stands for session and profile; `None` where they were not read.
    pub(super) reading: Option<u64>,
    /// The number of the model with its catalogue; `None` where none is served or asked.
    pub(super) model: Option<u64>,
    pub(super) catalogue: u64,
    pub(super) content: u64,
    pub(super) settings: u64,
}
