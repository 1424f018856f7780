//! Whether a slate may be decided for this shopper at all.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::slate::{FallbackReason, Intent};

/// The purpose that an intent needs; `None` where it can be decided from the page alone.
pub(super) fn needs(intent: Intent) -> Option<Purpose> {
    match intent {
        Intent::ForYou | Intent::RecentlyViewed | Intent::BuyAgain => Some(Purpose::Preferences),
        Intent::Related | Intent::Complementary | Intent::CompleteTheLook | Intent::Trending | Intent::Popular => None,
    }
}

/// Whether slates of the intent may differ from shopper to shopper. What is rising or most wanted is so for everyone.
pub(super) fn is_personal(intent: Intent) -> bool {
    !matches!(intent, Intent::Trending | Intent::Popular)
}

/// Errors: `NoConsent` where the intent needs a consent that was not given.
pub(super) fn check(consent: Consent, intent: Intent) -> Result<(), FallbackReason> {
    match needs(intent) {
        Some(purpose) if !consent.allows(purpose) => Err(FallbackReason::NoConsent),
        _ => Ok(()),
    }
}
