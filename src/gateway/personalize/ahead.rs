//! What the root fields below `Query.personalized` will need, fetched before they run.
//!
//! async-graphql runs the fields of an object side by side and writes them in the order in which they finish. What is
//! fetched here the resolvers find without waiting, so they finish in document order; and slates decided here are
//! decided in document order, which is what decides who shows a product that two of them want.

use super::ask::{EntryField, SlateAsk, Subject};
use super::record::PersonalizedDecisionRecord;
use super::viewer::Viewer;
use async_graphql::{Context, Result, SelectionField};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The decisions asked for, by the id that was asked for.
pub(super) type Records = HashMap<String, Result<Option<PersonalizedDecisionRecord>>>;

/// Decides the slates that nobody settled before, and reads the decisions asked for.
pub(super) async fn fetch(ctx: &Context<'_>, viewer: &Viewer) -> Records {
    let mut records = Records::new();
    let mut asks = Vec::new();
    for field in ctx.field().selection_set() {
        match field.name() {
            "recommendations" => {
                // An ask that is wrong is refused where it stands, by its resolver.
                let ask = arguments(&field).map(|args| SlateAsk::from_args(Subject::Shopper, EntryField::Root, &args));
                asks.extend(ask.and_then(std::result::Result::ok));
            }
            "decision" => {
                let id = arguments(&field).and_then(|args| id(&args)).filter(|id| !records.contains_key(id));
                if let Some(id) = id {
                    let record = PersonalizedDecisionRecord::read(viewer, &id).await;
                    records.insert(id, record);
                }
            }
            _ => {}
        }
    }
    viewer.settle(&asks).await;
    records
}

fn arguments(field: &SelectionField<'_>) -> Option<Map<String, Value>> {
    let arguments = field.arguments().ok()?;
    arguments.into_iter().map(|(name, value)| Some((name.to_string(), value.into_json().ok()?))).collect()
}

fn id(args: &Map<String, Value>) -> Option<String> {
    match args.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
