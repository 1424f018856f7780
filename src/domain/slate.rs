//! A slate: the ordered products of one decision, with why and by what it was served.

use super::ids::{DecisionId, ProductKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a slate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Intent {
    /// More like the seed.
    Related,
    /// Goes with the seed.
    Complementary,
    /// Complementary, one per category.
    CompleteTheLook,
    /// What this shopper is likely to want next.
    ForYou,
    /// What this shopper looked at, newest first.
    RecentlyViewed,
    /// What this shopper bought and may need again.
    BuyAgain,
    /// Rising now.
    Trending,
    /// Most wanted over all.
    Popular,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServedBy {
    /// The transformer took part.
    Model,
    /// Co-visitation, content or popularity.
    Statistics,
    /// A merchandiser's rule.
    Rule,
    /// The control arm of an experiment.
    Control,
    /// Nothing could decide: see the reason.
    Fallback,
}

impl ServedBy {
    /// The label under which slates are counted.
    pub fn label(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Statistics => "statistics",
            Self::Rule => "rule",
            Self::Control => "control",
            Self::Fallback => "fallback",
        }
    }
}

/// Why the fallback was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FallbackReason {
    /// The placement needs a consent that was not given.
    NoConsent,
    /// The decision took longer than its deadline.
    Deadline,
    /// The decision queue was full.
    Overload,
    /// A model was asked for and none is loaded.
    NoModel,
    /// The catalogue or the events hold nothing to decide from.
    NoData,
    /// The platform did not answer the product look-up.
    Upstream,
    /// Switched off by configuration.
    Disabled,
}

/// Why a product is in a slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// The session as a whole.
    Session,
    /// Viewed together with the product in `because`.
    ViewedTogether,
    /// Bought together with the product in `because`.
    BoughtTogether,
    /// Similar in content to the product in `because`.
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

/// One product of a slate, before hydration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlateItem {
    /// The product.
    pub product: ProductKey,
    /// The ranker's score, comparable within the slate, higher is better.
    pub score: f64,
    /// Why it is here.
    pub reason: ReasonCode,
    /// The product of the session or the seed that speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<ProductKey>,
}

/// How a slate came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Echoed in events.
    pub id: DecisionId,
    /// Who decided.
    pub served_by: ServedBy,
    /// Why, where that is the fallback, or the statistics in the place of a model that could not be waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackReason>,
    /// Name and version of the model that took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// Experiment and variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<(Arc<str>, Arc<str>)>,
    /// The share of decisions like this one whose order is left to chance: see [`super::chance`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub explore: f64,
    /// When.
    pub decided_at: Timestamp,
    /// Seconds for which the answer may be kept for this shopper.
    pub max_age: u32,
}

/// An ordered, over-fetched list of candidates: more than `wanted`, so that what live stock removes can be replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slate {
    /// How it came about.
    pub decision: Decision,
    /// The placement or intent that it was decided for.
    pub placement: Arc<str>,
    /// Best first; at most twice `wanted` plus a few.
    pub items: Vec<SlateItem>,
    /// How many the caller asked for.
    pub wanted: usize,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
