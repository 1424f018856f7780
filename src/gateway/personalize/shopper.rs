//! What is known of the shopper, as the shopper may read it.

use super::viewer::Viewer;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::engine::{Context, MAX_FIRST};
use async_graphql::{Enum, ID, Object, SimpleObject};
use std::sync::Arc;

/// The shopper as the gateway knows them.
pub(super) struct PersonalizedShopper {
    pub(super) key: ShopperKey,
    pub(super) viewer: Arc<Viewer>,
}

/// The shopper as the gateway knows them.
#[Object]
impl PersonalizedShopper {
    /// Opaque keyed hash, never the platform's id.
    async fn id(&self) -> ID {
        ID(self.key.to_string())
    }

    /// What the shopper has allowed.
    async fn consent(&self) -> PersonalizedConsent {
        self.viewer.context.consent.into()
    }

    /// First visit, returning, or customer.
    async fn visits(&self) -> PersonalizedVisits {
        PersonalizedVisits::of(&self.viewer.context)
    }

    /// Category affinities, strongest first, summing to at most 1.
    async fn interests(
        &self,
        #[graphql(default = 5, desc = "How many at most; there are never more than 50.")] first: i32,
    ) -> Vec<PersonalizedInterest> {
        // The list is not nullable, so a number that is out of range is brought into it rather than refused.
        let first = usize::try_from(first).unwrap_or(0).min(MAX_FIRST);
        let interests = self.viewer.engine.interests(&self.viewer.context, first).into_iter();
        interests.map(|(label, weight)| PersonalizedInterest { label, weight }).collect()
    }
}

/// How the shopper stands to the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum PersonalizedVisits {
    /// The first visit that the gateway knows of.
    First,
    /// A later visit.
    Returning,
    /// Has ordered, or is signed in.
    Customer,
}

impl PersonalizedVisits {
    fn of(known: &Context) -> Self {
        match (&known.state.profile, known.confirmed) {
            (_, true) => Self::Customer,
            (profile, _) if profile.orders > 0 => Self::Customer,
            (profile, _) if profile.visits > 1 => Self::Returning,
            _ => Self::First,
        }
    }
}

/// A category that the shopper leans to.
#[derive(SimpleObject)]
pub(super) struct PersonalizedInterest {
    /// The category, by the shop's name for it.
    label: String,
    /// Its share, 0 to 1.
    weight: f64,
}

/// What the shopper has allowed. Shopify's four purposes; other platforms' consent maps onto them.
#[derive(SimpleObject)]
pub(super) struct PersonalizedConsent {
    /// Decisions and events may be logged for measurement and training.
    analytics: bool,
    /// Session and profile may be stored and read to personalize.
    preferences: bool,
    /// Offers, content and messages may be chosen for the shopper.
    marketing: bool,
    /// Data may be passed on to third parties.
    sale_of_data: bool,
}

impl From<Consent> for PersonalizedConsent {
    fn from(consent: Consent) -> Self {
        Self {
            analytics: consent.allows(Purpose::Analytics),
            preferences: consent.allows(Purpose::Preferences),
            marketing: consent.allows(Purpose::Marketing),
            sale_of_data: consent.allows(Purpose::SaleOfData),
        }
    }
}

/// A purpose for which data may be used.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Purpose")]
pub(super) enum PersonalizedPurpose {
    /// Decisions and events are logged for measurement and training.
    Analytics,
    /// Session and profile are stored and read to personalize.
    Preferences,
    /// Offers, content and messages are chosen for the shopper.
    Marketing,
    /// Data is passed on to third parties.
    SaleOfData,
}
