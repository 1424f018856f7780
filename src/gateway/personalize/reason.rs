//! Why a product is in a slate, as the client reads it.

use super::entities::Product;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{ReasonCode, SlateItem};
use async_graphql::{Enum, Object};

/// Why a product is in a slate.
pub(super) struct PersonalizedReason {
    code: ReasonCode,
    because: Option<ProductKey>,
}

impl PersonalizedReason {
    pub(super) fn of(item: &SlateItem) -> Self {
        Self { code: item.reason, because: item.because.clone() }
    }
}

/// Why a product is in a slate.
#[Object]
impl PersonalizedReason {
    /// The kind of reason, for code.
    async fn code(&self) -> PersonalizedReasonCode {
        self.code.into()
    }

    /// One sentence for the shopper, in the request's language where the shop has it.
    async fn text(&self) -> &'static str {
        sentence(self.code)
    }

    /// The product of the shopper's session that speaks for this one, where there is one.
    async fn because(&self) -> Option<Product> {
        self.because.clone().map(Product)
    }
}

/// The sentence of a reason.
fn sentence(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::Session => "Picked for you from what you looked at and searched for.",
        ReasonCode::ViewedTogether => "Others looked at these together.",
        ReasonCode::BoughtTogether => "Often bought together.",
        ReasonCode::Similar => "Similar to what you looked at.",
        ReasonCode::Trending => "Trending now.",
        ReasonCode::Popular => "Popular in this shop.",
        ReasonCode::New => "New in this shop.",
        ReasonCode::Pinned => "Chosen by the shop.",
        ReasonCode::BoughtBefore => "You bought this before.",
    }
}

/// The kind of reason for which a product is in a slate.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ReasonCode")]
pub(super) enum PersonalizedReasonCode {
    /// The shopper's session as a whole speaks for it.
    Session,
    /// Viewed together with the product in because.
    ViewedTogether,
    /// Bought together with the product in because.
    BoughtTogether,
    /// Similar in content to the product in because.
    Similar,
    /// Rising now.
    Trending,
    /// Most wanted over all.
    Popular,
    /// New in the shop.
    New,
    /// Placed by a merchandiser.
    Pinned,
    /// Bought before by this shopper.
    BoughtBefore,
}
