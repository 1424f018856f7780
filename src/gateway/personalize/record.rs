//! A decision as it was made, for the shopper whose decision it is.

use super::decision::PersonalizedDecision;
use super::error::{AskError, unavailable};
use super::recommendations::{PersonalizedItem, items};
use super::shopper::PersonalizedPurpose;
use super::viewer::Viewer;
use crate::domain::audit::DecisionRecord;
use crate::domain::ids::DecisionId;
use crate::engine::again;
use async_graphql::{Context, ErrorExtensions, ID, Object, Result, SimpleObject};
use std::sync::Arc;

/// The longest decision id taken, in bytes.
const MAX_ID: usize = 128;

/// A decision as it was made.
#[derive(Clone)]
pub(super) struct PersonalizedDecisionRecord(Arc<DecisionRecord>);

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
            unavailable()
        })?;
        // The store answers for this shopper only; a store that does not is not trusted with it.
        Ok(record.filter(|record| record.shopper == *shopper).map(|record| Self(Arc::new(record))))
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

    /// The slate that was served, in order; products that the platform no longer has are left out.
    async fn items(&self, ctx: &Context<'_>) -> Vec<PersonalizedItem> {
        let viewer = Viewer::of(ctx).ok();
        let gone = |item: &PersonalizedItem| viewer.is_some_and(|viewer| viewer.book.is_gone(item.key()));
        items(&self.0.slate.items).into_iter().filter(|item| !gone(item)).collect()
    }

    /// True where running the logged inputs again gives the same slate; null where inputs have been erased since.
    async fn reproduced(&self) -> Option<bool> {
        again(&self.0).map(|again| again.same)
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, slate};
    use super::*;
    use crate::domain::audit::InputRead;
    use crate::domain::consent::Purpose;
    use crate::domain::ids::{ProductKey, ShopperKey};
    use crate::domain::market::Market;
    use serde_json::json;

    fn record(shopper: &str, id: &str) -> DecisionRecord {
        let mut served = slate(id, 2);
        served.items = served.items.split_off(1);
        served.items.truncate(2);
        DecisionRecord {
            shopper: ShopperKey::new(shopper),
            market: Market::default(),
            slate: served,
            inputs: [InputRead {
                name: "session.viewed".into(),
                purpose: Some(Purpose::Preferences),
                value: "seen".into(),
            }]
            .into(),
            candidates: slate(id, 2),
            dropped: vec![ProductKey::new("a")],
            made: None,
            erased: Vec::new(),
        }
    }

    #[test]
    fn products_that_the_platform_no_longer_has_are_left_out_and_the_others_keep_their_position() {
        let fixture = Fixture::new();
        fixture.log.records.lock().unwrap().push(record("s-1", "own"));
        fixture.viewer.book.put_gone([ProductKey::new("b")]);
        let text = "{personalized{decision(id: \"own\"){items{position product{key}} reproduced}}}";
        let answer = fixture.run(text, json!({}));
        let items = json!([{"position": 2, "product": {"key": "c"}}]);
        assert_eq!(answer["data"]["personalized"]["decision"], json!({"items": items, "reproduced": true}));
    }

    #[test]
    fn a_shopper_reads_their_own_decisions_and_no_others() {
        let fixture = Fixture::new();
        let mut erased = record("s-1", "erased");
        assert!(erased.erase(Purpose::Preferences));
        let mut other = record("s-1", "other");
        other.dropped.clear();
        fixture.log.records.lock().unwrap().extend([record("s-1", "own"), record("s-2", "theirs"), erased, other]);
        let text = "{personalized{
            own: decision(id: \"own\"){id placement decision{id} inputs{name purpose value}
                items{product{key} position reason{code because{key}}} reproduced}
            theirs: decision(id: \"theirs\"){id}
            erased: decision(id: \"erased\"){reproduced}
            other: decision(id: \"other\"){reproduced}
            bad: decision(id: \"\"){id}}}";
        let answer = fixture.run(text, json!({}));
        let item = |key: &str, position: u32| {
            let reason = json!({"code": "VIEWED_TOGETHER", "because": {"key": "seen"}});
            json!({"product": {"key": key}, "position": position, "reason": reason})
        };
        assert_eq!(
            answer["data"]["personalized"],
            json!({
                "own": {
                    "id": "own", "placement": "home", "decision": {"id": "own"},
                    "inputs": [{"name": "session.viewed", "purpose": "PREFERENCES", "value": "seen"}],
                    "items": [item("b", 1), item("c", 2)],
                    "reproduced": true,
                },
                "theirs": null,
                "erased": {"reproduced": null},
                "other": {"reproduced": false},
                "bad": null,
            })
        );
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSONALIZED_BAD_ID");
        assert_eq!(answer["errors"][0]["path"], json!(["personalized", "bad"]));
    }
}
