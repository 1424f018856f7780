//! The walk of a slate, one call a stage.
//!
//! context → consent → (assign: experiments) → (encode: the transformer) → candidates → eligibility → rank → rules →
//! explain → slate. The two in brackets have their places in [`decide`] and come with what they are for.

use super::candidates::{Ask, CandidateSource};
use super::config::Config;
use super::consent;
use super::context::Context;
use super::deadline::Deadline;
use super::diversify::diversify;
use super::eligibility::Eligibility;
use super::explain::explain;
use super::fallback;
use super::inputs;
use super::rank::rank;
use super::ranked::Ranked;
use super::request::MAX_FIRST;
use super::rules::Rules;
use crate::domain::audit::InputRead;
use crate::domain::ids::DecisionId;
use crate::domain::slate::{Decision, FallbackReason, ReasonCode, ServedBy, Slate};

/// A slate with what it was decided from.
#[derive(Clone, Debug, PartialEq)]
pub struct Slated {
    /// Over-fetched: at most twice what was wanted and four more, best first. [`super::settle()`] trims it.
    pub slate: Slate,
    /// Everything that was read for it.
    pub inputs: Vec<InputRead>,
}

/// The most items of a slate of `first`: what live stock may remove can be replaced.
pub(super) fn most(first: usize) -> usize {
    2 * first.min(MAX_FIRST) + 4
}

/// Decides one slate. Never fails: what cannot be decided in time or at all is the fallback, marked.
pub(super) fn decide(
    context: &Context,
    ask: &Ask<'_>,
    config: &Config,
    sources: &[Box<dyn CandidateSource>],
    deadline: Deadline,
) -> Slated {
    let rules = Rules::of(&config.rules, &ask.request.placement);
    let eligible = Eligibility::new(ask, &rules);
    let mut items = Vec::new();
    let outcome = consent::check(context, ask.request.intent)
        .and_then(|()| {
            let weights = config.blend.of(ask.request.intent);
            rank(ask, sources, &weights, &eligible, &rules, deadline).map_err(|_| FallbackReason::Deadline)
        })
        .and_then(|ranked| {
            items = diversify(ranked, ask, most(ask.request.first));
            if items.is_empty() { Err(FallbackReason::NoData) } else { Ok(()) }
        });
    let refused = outcome == Err(FallbackReason::NoConsent) && !fallback::exists(ask.request.intent);
    if !refused {
        fallback::fill(&mut items, ask, &eligible, most(ask.request.first));
        rules.pin(&mut items, ask.index, |ordinal| eligible.allows(ordinal));
    }
    items.truncate(most(ask.request.first));
    let inputs = inputs::of_slate(ask);
    let decision = decision(context, config, &items, ask.request.first, outcome);
    Slated { slate: slate(ask, items, decision), inputs }
}

fn slate(ask: &Ask<'_>, items: Vec<Ranked>, decision: Decision) -> Slate {
    let items = items.into_iter().filter_map(|item| explain(item, ask.index)).collect();
    Slate { decision, placement: ask.request.placement.clone(), items, wanted: ask.request.first.min(MAX_FIRST) }
}

fn decision(
    context: &Context,
    config: &Config,
    items: &[Ranked],
    first: usize,
    outcome: Result<(), FallbackReason>,
) -> Decision {
    let mut shown = items.iter().take(first).peekable();
    let served_by = match outcome {
        _ if shown.peek().is_some() && shown.all(|item| item.reason == ReasonCode::Pinned) => ServedBy::Rule,
        Ok(()) => ServedBy::Statistics,
        Err(_) => ServedBy::Fallback,
    };
    let fallback = outcome.err().filter(|_| served_by == ServedBy::Fallback);
    new_decision(context, config, served_by, fallback)
}

/// A decision of this moment. One that could not be made is not kept: the next request may do better.
pub(super) fn new_decision(
    context: &Context,
    config: &Config,
    served_by: ServedBy,
    fallback: Option<FallbackReason>,
) -> Decision {
    let keep = !matches!(fallback, Some(FallbackReason::Deadline | FallbackReason::NoData));
    let max_age = if keep { u32::try_from(config.max_age.as_secs()).unwrap_or(u32::MAX) } else { 0 };
    let id = DecisionId::new(hex::encode(rand::random::<[u8; 16]>()));
    Decision { id, served_by, fallback, model: None, experiment: None, decided_at: context.now, max_age }
}
