//! A decision as it was made, kept so that it can be read, reproduced and erased.

use super::consent::Purpose;
use super::event::{Event, EventType};
use super::ids::{DecisionId, ProductKey, ShopperKey};
use super::made::Made;
use super::market::Market;
use super::money::Money;
use super::slate::Slate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One input that a decision read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRead {
    /// What it was: `seed`, `session.viewed`, `profile.bought`, …
    pub name: Box<str>,
    /// The purpose that allowed it; `None` for what is not personal.
    pub purpose: Option<Purpose>,
    /// Its value, in words or keys.
    pub value: Box<str>,
}

/// A decision with its inputs and the slate as served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Whose decision it is; only the same shopper may read it.
    pub shopper: ShopperKey,
    /// The market it was made for.
    #[serde(default)]
    pub market: Market,
    /// The slate as served: trimmed, after what live stock removed.
    pub slate: Slate,
    /// What was read.
    pub inputs: Arc<[InputRead]>,
    /// All candidates in ranked order, before live stock was asked: the slate follows from these and from `dropped`.
    pub candidates: Slate,
    /// Products that the platform did not have in this market, or had no stock of.
    pub dropped: Vec<ProductKey>,
    /// What it was made of, from which it can be run again; a store for the last hours may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Arc<Made>>,
    /// Purposes whose inputs have been erased since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<Purpose>,
}

impl DecisionRecord {
    /// The moment of the decision.
    pub fn decided_at(&self) -> Timestamp {
        self.slate.decision.decided_at
    }

    /// Erases what was read for a purpose, and what shows it: values of inputs, candidates with their features, and which product of the
    /// shopper's speaks for another. What was served stays. False where nothing was read for it.
    pub fn erase(&mut self, purpose: Purpose) -> bool {
        if self.erased.contains(&purpose) || !self.inputs.iter().any(|input| input.purpose == Some(purpose)) {
            return false;
        }
        let blank = |input: &InputRead| match input.purpose {
            Some(own) if own == purpose => InputRead { value: Box::default(), ..input.clone() },
            _ => input.clone(),
        };
        self.inputs = self.inputs.iter().map(blank).collect();
        self.candidates.items.clear();
        self.made = None;
        self.dropped.clear();
        self.slate.items.iter_mut().for_each(|item| item.because = None);
        self.erased.push(purpose);
        true
    }
}

/// What came of a decision: an event that named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
    /// The product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductKey>,
    /// Its place in the slate, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// What all of them cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

impl Outcome {
    /// What an event says came of the decision that it names: one outcome a line of a cart or an order, else one.
    pub fn of(event: &Event) -> Vec<(DecisionId, Self)> {
        let Some(decision) = &event.decision else { return Vec::new() };
        let bare = |product: Option<ProductKey>| Self {
            kind: event.kind,
            at: event.at,
            product,
            position: event.position,
            quantity: None,
            value: None,
        };
        let line = |line: &super::event::Line| Self {
            quantity: Some(line.quantity),
            value: line.price.as_ref().and_then(|price| price.times(line.quantity)),
            ..bare(Some(line.product.clone()))
        };
        let outcomes = match event.lines.is_empty() {
            true => vec![bare(event.product.clone())],
            false => event.lines.iter().map(line).collect(),
        };
        outcomes.into_iter().map(|outcome| (decision.clone(), outcome)).collect()
    }
}
