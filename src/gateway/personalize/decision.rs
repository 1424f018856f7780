//! How a slate came about, as the client reads it.

use super::scalar::PersonalizedDateTime;
use crate::domain::slate::{Decision, FallbackReason, ServedBy};
use async_graphql::{Enum, ID, Object, SimpleObject};

/// How a slate came about: who decided, when, and for how long the answer holds.
pub(super) struct PersonalizedDecision(pub(super) Decision);

/// How a slate came about: who decided, when, and for how long the answer holds.
#[Object]
impl PersonalizedDecision {
    /// Echo this in events: it ties clicks, carts and orders to the decision.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Who decided.
    async fn served_by(&self) -> PersonalizedServedBy {
        self.0.served_by.into()
    }

    /// Why, where servedBy is FALLBACK, or STATISTICS in the place of a model that could not be waited for.
    async fn fallback_reason(&self) -> Option<PersonalizedFallbackReason> {
        self.0.fallback.map(Into::into)
    }

    /// Name and version of the model; null where no model took part.
    async fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The experiment that the shopper is in, where there is one.
    async fn experiment(&self) -> Option<PersonalizedExperiment> {
        let (key, variant) = self.0.experiment.as_ref()?;
        Some(PersonalizedExperiment { key: key.to_string(), variant: variant.to_string() })
    }

    /// When the decision was made.
    async fn decided_at(&self) -> PersonalizedDateTime {
        PersonalizedDateTime(self.0.decided_at)
    }

    /// Seconds for which the answer may be kept for this shopper.
    async fn max_age(&self) -> u32 {
        self.0.max_age
    }
}

/// An experiment and the side of it that the shopper is on.
#[derive(SimpleObject)]
pub(super) struct PersonalizedExperiment {
    /// The experiment's name.
    key: String,
    /// The variant that decided.
    variant: String,
}

/// Who decided.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ServedBy")]
pub(super) enum PersonalizedServedBy {
    /// The transformer took part.
    Model,
    /// Co-visitation, content or popularity, without the transformer.
    Statistics,
    /// A merchandiser's rule decided.
    Rule,
    /// The control arm of an experiment: platform order.
    Control,
    /// Nothing could decide in time or with consent: see fallbackReason.
    Fallback,
}

/// Why the fallback was served.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "FallbackReason")]
pub(super) enum PersonalizedFallbackReason {
    /// It needs a consent that the shopper has not given.
    NoConsent,
    /// The decision took longer than it may.
    Deadline,
    /// More decisions were asked for than can be made at once.
    Overload,
    /// A model was asked for and none is loaded.
    NoModel,
    /// The catalogue or the events hold nothing to decide from yet.
    NoData,
    /// The shop platform did not answer the product look-up.
    Upstream,
    /// Switched off by the shop.
    Disabled,
}
