//! A decision as it leaves the log: the members that `docs/decisions.md` lists, one decision a line of JSON.

use crate::domain::audit::{DecisionRecord, InputRead, Outcome};
use crate::domain::chance;
use crate::domain::consent::Purpose;
use crate::domain::event::EventType;
use crate::domain::ids::ProductKey;
use crate::domain::made::{Candidate, Made, Versions};
use crate::domain::market::Market;
use crate::domain::slate::{Decision, FallbackReason, Intent, ReasonCode, ServedBy, SlateItem};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One decision with what came of it.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    id: &'a str,
    decided_at: Timestamp,
    shopper: &'a str,
    market: Place<'a>,
    placement: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<Intent>,
    served_by: ServedBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<FallbackReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment: Option<Experiment<'a>>,
    sample: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    explore: Option<f64>,
    wanted: usize,
    items: Vec<Item<'a>>,
    listed: Vec<Listed>,
    candidates: Vec<Ranked<'a>>,
    weights: BTreeMap<&'a str, f32>,
    inputs: Vec<Input<'a>>,
    dropped: &'a [ProductKey],
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<&'a Versions>,
    erased: &'a [Purpose],
    outcomes: Vec<Came<'a>>,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Experiment<'a> {
    key: &'a str,
    variant: &'a str,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    product: &'a ProductKey,
    position: usize,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    propensity: Option<f64>,
    reason: ReasonCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a ProductKey>,
}

#[derive(Debug, Serialize)]
struct Listed {
    product: ProductKey,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    placed: bool,
}

#[derive(Debug, Serialize)]
struct Ranked<'a> {
    product: &'a ProductKey,
    score: f64,
    shares: BTreeMap<&'a str, f32>,
    affinity: f32,
    boost: f32,
    kept: f32,
    reason: ReasonCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a ProductKey>,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<Purpose>,
    value: &'a str,
}

#[derive(Debug, Serialize)]
struct Came<'a> {
    #[serde(rename = "type")]
    kind: EventType,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a ProductKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// The line of a decision. `sample`: the share of decisions that the log keeps.
    pub fn of(record: &'a DecisionRecord, outcomes: &'a [Outcome], sample: f64) -> Self {
        let Decision { id, served_by, fallback, model, experiment, explore, decided_at, max_age: _ } =
            &record.slate.decision;
        let Market { country, language } = &record.market;
        let made = record.made.as_deref();
        Self {
            id: id.as_str(),
            decided_at: *decided_at,
            shopper: record.shopper.as_str(),
            market: Place { country: country.as_deref(), language: language.as_deref() },
            placement: &record.slate.placement,
            intent: made.map(|made| made.intent),
            served_by: *served_by,
            fallback: *fallback,
            model: model.as_deref(),
            experiment: experiment.as_ref().map(|(key, variant)| Experiment { key, variant }),
            sample,
            explore: (*explore > 0.0).then_some(*explore),
            wanted: record.slate.wanted,
            items: (1..).zip(&record.slate.items).zip(propensities(record)).map(item_of).collect(),
            listed: chance::before(&record.candidates).into_iter().map(listed).collect(),
            candidates: made.map(ranked).unwrap_or_default(),
            weights: made.map(weights).unwrap_or_default(),
            inputs: record.inputs.iter().map(input).collect(),
            dropped: &record.dropped,
            versions: made.map(|made| &made.versions),
            erased: &record.erased,
            outcomes: outcomes.iter().map(came).collect(),
        }
    }
}

/// The word by which an export names a kind of thing.
pub fn word(kind: &impl Serialize) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The probability with which each product was placed where it was; nothing where that followed from candidates that have
/// been erased since.
pub(super) fn propensities(record: &DecisionRecord) -> Vec<Option<f64>> {
    let DecisionRecord { slate, candidates, dropped, erased, .. } = record;
    if slate.decision.explore > 0.0 && !erased.is_empty() {
        return vec![None; slate.items.len()];
    }
    chance::propensities(candidates, dropped, &slate.items).into_iter().map(Some).collect()
}

fn item_of(((position, item), propensity): ((usize, &SlateItem), Option<f64>)) -> Item<'_> {
    let SlateItem { product, score, reason, because } = item;
    Item { product, position, score: *score, propensity, reason: *reason, because: because.as_ref() }
}

fn listed(item: SlateItem) -> Listed {
    Listed { placed: chance::is_placed(&item), product: item.product }
}

fn ranked(made: &Made) -> Vec<Ranked<'_>> {
    made.candidates.iter().filter_map(|candidate| candidate_of(made, candidate)).collect()
}

fn candidate_of<'a>(made: &'a Made, candidate: &'a Candidate) -> Option<Ranked<'a>> {
    let name = |source: u8| made.sources.get(usize::from(source)).map(|source| &*source.source);
    Some(Ranked {
        product: made.key(candidate.product)?,
        score: made.score(candidate),
        shares: candidate.shares.iter().filter_map(|(source, share)| Some((name(*source)?, *share))).collect(),
        affinity: candidate.fits,
        boost: candidate.boost,
        kept: candidate.kept,
        reason: candidate.reason,
        because: candidate.because.as_ref(),
    })
}

fn weights(made: &Made) -> BTreeMap<&str, f32> {
    let sources = made.sources.iter().filter(|source| source.weight != 0.0);
    sources.map(|source| (&*source.source, source.weight)).chain([("affinity", made.affinity)]).collect()
}

fn input(input: &InputRead) -> Input<'_> {
    Input { name: &input.name, purpose: input.purpose, value: &input.value }
}

fn came(outcome: &Outcome) -> Came<'_> {
    let Outcome { kind, at, product, position, quantity, value } = outcome;
    Came {
        kind: *kind,
        at: *at,
        product: product.as_ref(),
        position: *position,
        quantity: *quantity,
        amount: value.as_ref().map(|value| value.minor),
        currency: value.as_ref().map(|value| value.currency.as_str()),
    }
}
