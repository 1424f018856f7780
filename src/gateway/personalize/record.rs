//! A decision as it was made, for the shopper whose decision it is.

use super::decision::PersonalizedDecision;
use super::error::{AskError, unavailable};
use super::recommendations::{PersonalizedItem, items};
use super::shopper::PersonalizedPurpose;
use super::viewer::Viewer;
use crate::domain::audit::DecisionRecord;
use crate::domain::ids::DecisionId;
use async_graphql::{Context, ErrorExtensions, ID, Object, Result, SimpleObject};

/// The longest decision id taken, in bytes.
const MAX_ID: usize = 128;

/// A decision as it was made.
pub(super) struct PersonalizedDecisionRecord(DecisionRecord);

impl PersonalizedDecisionRecord {
    /// The decision, where it is this shopper's own.
    pub(super) async fn read(viewer: &Viewer, id: &str) -> Result<Option<Self>> {
        if !(1..=MAX_ID).contains(&id.len()) {
            return Err(AskError::Id { argument: "id", most: MAX_ID }.extend());
        }
        let Some(shopper) = &viewer.context.shopper else { return Ok(None) };
        let record = viewer.decisions.get(shopper, &DecisionId::new(id)).await;
        let record = record.map_err(|error| {
            tracing::warn!(%error, "a decision could not be read");
            unavailable("The decision log")
        })?;
        // The store answers for this shopper only; a store that does not is not trusted with it.
        Ok(record.filter(|record| record.shopper == *shopper).map(Self))
    }
}

/// A decision as it was made.
#[Object]
impl PersonalizedDecisionRecord {
    /// The decision's id.
    async fn id(&self) -> ID {
        ID(self.0.slate.decision.id.to_string())
    }

    /// Who decided, and when.
    async fn decision(&self) -> PersonalizedDecision {
        PersonalizedDecision(self.0.slate.decision.clone())
    }

    /// The placement, or the entity and intent, that it was decided for.
    async fn placement(&self) -> &str {
        &self.0.slate.placement
    }

    /// What was read, by name, with the consent purpose that allowed it.
    async fn inputs(&self) -> Vec<PersonalizedInput> {
        let input = |input: &crate::domain::audit::InputRead| PersonalizedInput {
            name: input.name.to_string(),
            purpose: input.purpose.map(Into::into),
            value: input.value.to_string(),
        };
        self.0.inputs.iter().map(input).collect()
    }

    /// The slate that was served, in order.
    async fn items(&self) -> Vec<PersonalizedItem> {
        items(&self.0.slate.items)
    }

    /// True where running the logged inputs again gives the same slate; null where inputs have been erased since.
    async fn reproduced(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        let record = &self.0;
        if record.candidates.items.is_empty() && !record.slate.items.is_empty() {
            return Ok(None);
        }
        let again = Viewer::of(ctx)?.engine.settle(&record.candidates, &record.dropped);
        Ok(Some(again.items == record.slate.items))
    }
}

/// One input that a decision read.
#[derive(SimpleObject)]
pub(super) struct PersonalizedInput {
    /// What it was, such as seed or session.viewed.
    name: String,
    /// The purpose that allowed it; null for what is not personal.
    purpose: Option<PersonalizedPurpose>,
    /// Its value, in words or ids.
    value: String,
}
