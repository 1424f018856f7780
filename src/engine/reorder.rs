//! Putting a window of the platform's products in order for the shopper. The set stays: the answer is a permutation.

use super::candidates::{Ask, CandidateSource, Source};
use super::config::Config;
use super::context::Context;
use super::deadline::Deadline;
use super::inputs;
use super::request::RankRequest;
use super::rules::{Action, Rules};
use super::slate::{Part, new_decision};
use super::taste::Taste;
use super::tiers;
use crate::domain::audit::InputRead;
use crate::domain::consent::Purpose;
use crate::domain::ids::ProductKey;
use crate::domain::slate::{Decision, FallbackReason, ServedBy};
use ahash::AHashMap;

/// The order of a window, with what it was decided from.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Positions of the window from 0, best first: a permutation of all of them. `None`: the platform's order stands,
    /// for the reason in the decision.
    pub order: Option<Vec<u32>>,
    /// How it came about.
    pub decision: Decision,
    /// Everything that was read for it.
    pub inputs: Vec<InputRead>,
}

/// What the platform's own order counts for, from the first product to the last: in a list, and in answers to a
/// search, where relevance is what was asked for.
const LIST: f64 = 0.35;
const SEARCH: f64 = 1.0;

/// What the model's expectation counts for beside taste.
const MODEL: f64 = 0.5;
/// Logits from the most expected product of a window to the least, from which on the model's word counts in full.
const TOLD_APART: f64 = 4.0;

/// Decides the order. Never fails: without consent, taste, time or products it is the platform's.
pub(super) fn decide(
    context: &Context,
    request: &RankRequest,
    ask: &Ask<'_>,
    config: &Config,
    sources: &[Box<dyn CandidateSource>],
    deadline: Deadline,
) -> Ranking {
    let rules = Rules::of(&config.rules, &request.placement, tiers::of(&config.tiers, context));
    let outcome = order(context, request, ask, &rules, sources, deadline);
    let mut read = inputs::of_shop(ask);
    if let (Ok(_), Some(taste)) = (&outcome, ask.taste) {
        read.extend(inputs::of_shopper(taste, ask.index));
        read.extend(rules.asked().map(inputs::of_tier));
    }
    let window = request.keys.iter().filter_map(|key| ask.index.ordinal(key.as_str()));
    let model = Part::of(ask, MODEL, window);
    let (served_by, fallback) = match &outcome {
        Ok(_) => (model.served_by(), model.shed()),
        Err(reason) => (ServedBy::Fallback, Some(*reason)),
    };
    let name = model.took_part().filter(|_| served_by == ServedBy::Model);
    read.extend(name.map(|name| inputs::of_model(name)));
    let decision = Decision { model: name.cloned(), ..new_decision(context.now, config, served_by, fallback) };
    Ranking { order: outcome.ok(), decision, inputs: read }
}

fn order(
    context: &Context,
    request: &RankRequest,
    ask: &Ask<'_>,
    rules: &Rules<'_>,
    sources: &[Box<dyn CandidateSource>],
    deadline: Deadline,
) -> Result<Vec<u32>, FallbackReason> {
    if !context.consent.allows(Purpose::Preferences) {
        return Err(FallbackReason::NoConsent);
    }
    let taste = ask.taste.filter(|_| !ask.index.is_empty()).ok_or(FallbackReason::NoData)?;
    let next = next(ask, sources);
    deadline.check().map_err(|_| FallbackReason::Deadline)?;
    let expected = expected(request, ask);
    let fit = |(key, expected): (&ProductKey, &f64)| fit(key.as_str(), ask, (taste, *expected), &next, rules);
    let fits: Vec<Option<f64>> = request.keys.iter().zip(&expected).map(fit).collect();
    // A product that the catalogue does not know yet is taken for an average one, so it keeps about its place.
    let known: Vec<f64> = fits.iter().flatten().copied().collect();
    let (average, last) = (known.iter().sum::<f64>() / known.len().max(1) as f64, request.keys.len().max(1) as f64);
    let weight = if request.query.is_some() { SEARCH } else { LIST };
    let mut scored: Vec<(u32, f64)> = (0_u32..)
        .zip(fits)
        .map(|(position, fit)| (position, fit.unwrap_or(average) + weight * (1.0 - f64::from(position) / last)))
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut order: Vec<u32> = scored.into_iter().map(|(position, _)| position).collect();
    pin(&mut order, request, ask, rules);
    deadline.check().map_err(|_| FallbackReason::Deadline)?;
    Ok(order)
}

/// What follows on the shopper's recent products: ordinal and score, the best being 1.
fn next(ask: &Ask<'_>, sources: &[Box<dyn CandidateSource>]) -> AHashMap<u32, f64> {
    let session = sources.iter().filter(|source| source.source() == Source::Session);
    let found: Vec<_> = session.flat_map(|source| source.collect(ask)).collect();
    let best = found.iter().map(|candidate| candidate.score).fold(f64::MIN_POSITIVE, f64::max);
    found.into_iter().map(|candidate| (candidate.ordinal, candidate.score / best)).collect()
}

/// How much more or less the model expects each product of the window than the window on average, at most 1 apart; 0
/// throughout without a model, and for what it does not know.
fn expected(request: &RankRequest, ask: &Ask<'_>) -> Vec<f64> {
    let Some(session) = ask.encoded.session() else { return vec![0.0; request.keys.len()] };
    let scores: Vec<Option<f64>> =
        request.keys.iter().map(|key| session.by.score(&session.vector, key).map(f64::from)).collect();
    let known = || scores.iter().flatten().copied();
    let range = known().fold(f64::MIN, f64::max) - known().fold(f64::MAX, f64::min);
    let average = known().sum::<f64>() / known().count().max(1) as f64;
    // Where the model hardly tells them apart, it says hardly anything.
    scores.iter().map(|score| score.map_or(0.0, |score| (score - average) / range.max(TOLD_APART))).collect()
}

/// How well a product of the window fits, before its place in it: about 0 to 1, then boosted.
fn fit(
    key: &str,
    ask: &Ask<'_>,
    (taste, expected): (&Taste, f64),
    next: &AHashMap<u32, f64>,
    rules: &Rules<'_>,
) -> Option<f64> {
    let ordinal = ask.index.ordinal(key)?;
    let product = ask.index.product(ordinal)?;
    let follows = next.get(&ordinal).copied().unwrap_or(0.0);
    let fits = 0.7 * taste.affinity(ordinal, product) + 0.3 * follows + MODEL * expected;
    Some(fits.max(0.0) * rules.boost(product))
}

/// Moves pinned products of the window to their places.
fn pin(order: &mut Vec<u32>, request: &RankRequest, ask: &Ask<'_>, rules: &Rules<'_>) {
    for rule in rules.iter() {
        let Action::Pin(position) = rule.action else { continue };
        let meant = |at: &u32| {
            let key = request.keys.get(*at as usize);
            key.and_then(|key| ask.index.get(key.as_str())).is_some_and(|product| rule.products.meets(product))
        };
        let (pinned, rest): (Vec<u32>, Vec<u32>) = order.iter().partition(|at| meant(at));
        let start = position.saturating_sub(1).min(rest.len());
        *order = rest;
        order.splice(start..start, pinned);
    }
}
