//! The walk of a slate, one call a stage.
//!
//! context → consent → (assign: experiments) → encode → candidates → eligibility → rank → rules → explain → slate. What is
//! in brackets has its place in [`decide`] and comes with what it is for. A session is encoded once a wave, before its first
//! slate: `encode/`. What is left to chance comes after, as what is kept is without: `explore.rs`.

use super::basis::Basis;
use super::candidates::{Ask, CandidateSource};
use super::capture::{self, Course};
use super::config::Config;
use super::consent;
use super::deadline::Deadline;
use super::diversify::{Selection, diversify};
use super::eligibility::Eligibility;
use super::encode::Encoded;
use super::explain::explain;
use super::fallback;
use super::inputs;
use super::proportions::Proportions;
use super::rank::{Ranking, rank};
use super::ranked::Ranked;
use super::request::MAX_FIRST;
use super::rules::Rules;
use super::seeds::Seeds;
use crate::domain::audit::InputRead;
use crate::domain::ids::{DecisionId, ProductKey};
use crate::domain::made::Made;
use crate::domain::slate::{Decision, FallbackReason, ReasonCode, ServedBy, Slate};
use jiff::Timestamp;
use std::sync::Arc;

/// A slate with what it was decided from.
#[derive(Clone, Debug, PartialEq)]
pub struct Slated {
    /// Over-fetched: at most twice what was wanted and four more, best first. [`super::settle()`] trims it.
    pub slate: Slate,
    /// Everything that was read for it.
    pub inputs: Arc<[InputRead]>,
    /// What it was made of, where it may be logged.
    pub made: Option<Arc<Made>>,
}

/// The most items of a slate of `first`: what live stock may remove can be replaced.
pub(super) fn most(first: usize) -> usize {
    2 * first.min(MAX_FIRST) + 4
}

/// Decides one slate. Never fails: what cannot be decided in time or at all is the fallback, marked.
pub(super) fn decide(basis: &Basis<'_>, sources: &[Box<dyn CandidateSource>], deadline: Deadline) -> Slated {
    let (ask, config) = (&basis.ask, &basis.settled.config);
    let rules = Rules::of(&config.rules, &ask.request.placement, basis.tier);
    let eligible = Eligibility::new(ask, &rules);
    let (proportions, most) = (Proportions::of(ask, config), most(ask.request.first));
    let weights = &proportions.weights;
    let seeds = Seeds::of(capture::seeds(ask), ask.index);
    let ranking = consent::check(basis.consent, ask.request.intent).and_then(|()| {
        rank(ask, sources, &proportions, &eligible, &rules, deadline).map_err(|_| FallbackReason::Deadline)
    });
    let refused = ranking.as_ref().err() == Some(&FallbackReason::NoConsent) && !fallback::exists(ask.request.intent);
    let (ranking, mut outcome) = ranking.map_or_else(|reason| (Ranking::none(), Err(reason)), |found| (found, Ok(())));
    let Selection { chosen: mut items, depth } =
        diversify(&ranking.ranked, ask.index, ask.request.intent, &seeds, most);
    if outcome.is_ok() && items.is_empty() {
        outcome = Err(FallbackReason::NoData);
    }
    let (mut fillers, mut pins) = (Vec::new(), Vec::new());
    if !refused {
        let fits = |proposed: (u32, ReasonCode)| {
            let fits = eligible.allows(proposed.0);
            fillers.extend(fits.then_some(proposed));
            fits
        };
        let (proposals, about) = (fallback::proposals(ask), (ask.request.intent, &seeds));
        fallback::fill(&mut items, proposals, ask.index, about, most, fits);
        pins = rules.pin(&mut items, ask.index, |ordinal| eligible.allows(ordinal));
    }
    items.truncate(most);
    let made = basis.logs().then(|| {
        let (affinity, settings) = (weights.affinity as f32, basis.settled.digest.clone());
        let ranking = &ranking;
        Arc::new(Course { ask, sources, ranking, affinity, depth, fillers, pins, most, settings }.made())
    });
    let mut inputs = inputs::of_slate(ask);
    // Where nothing of the shopper was read, there was no tier to ask for.
    inputs.extend(rules.asked().filter(|_| basis.reads()).map(inputs::of_tier));
    let shown = items.iter().map(|item| item.ordinal);
    let model = Part::of(ask, weights.encoder, shown);
    inputs.extend(model.took_part().map(|name| inputs::of_model(name)));
    let decision = decision(ask.now, config, &items, ask.request.first, (outcome, model));
    Slated { slate: slate(ask, items, decision), inputs: inputs.into(), made }
}

fn slate(ask: &Ask<'_>, items: Vec<Ranked>, decision: Decision) -> Slate {
    let items = items.into_iter().filter_map(|item| explain(item, ask.index)).collect();
    Slate { decision, placement: ask.request.placement.clone(), items, wanted: ask.request.first.min(MAX_FIRST) }
}

fn decision(
    now: Timestamp,
    config: &Config,
    items: &[Ranked],
    first: usize,
    (outcome, model): (Result<(), FallbackReason>, Part),
) -> Decision {
    let mut shown = items.iter().take(first).peekable();
    let served_by = match outcome {
        _ if shown.peek().is_some() && shown.all(|item| item.reason == ReasonCode::Pinned) => ServedBy::Rule,
        Ok(()) => model.served_by(),
        Err(_) => ServedBy::Fallback,
    };
    let fallback = match served_by {
        ServedBy::Fallback => outcome.err(),
        ServedBy::Statistics => model.shed(),
        ServedBy::Model | ServedBy::Rule | ServedBy::Control => None,
    };
    let model = model.took_part().filter(|_| served_by == ServedBy::Model).cloned();
    Decision { model, ..new_decision(now, config, served_by, fallback) }
}

/// What the model has to do with a decision.
pub(super) enum Part {
    /// Nothing: there is none, it was not asked, or it knows none of the products.
    None,
    /// It was asked and did not come to it.
    Shed(FallbackReason),
    /// It took part.
    Took(Arc<str>),
}

impl Part {
    /// The part of a model that counts so much in the choice of these products.
    pub(super) fn of(ask: &Ask<'_>, weight: f64, mut shown: impl Iterator<Item = u32>) -> Self {
        match ask.encoded {
            _ if weight <= 0.0 || !weight.is_finite() => Self::None,
            Encoded::Nothing => Self::None,
            Encoded::Shed(reason) => Self::Shed(*reason),
            Encoded::Session(session) => {
                let knows = |key: &ProductKey| session.by.score(&session.vector, key).is_some();
                let took = shown.any(|ordinal| ask.index.product(ordinal).is_some_and(|product| knows(&product.key)));
                if took { Self::Took(session.by.served().name().clone()) } else { Self::None }
            }
        }
    }

    /// The model and its version, where it took part.
    pub(super) fn took_part(&self) -> Option<&Arc<str>> {
        match self {
            Self::Took(name) => Some(name),
            Self::None | Self::Shed(_) => None,
        }
    }

    /// Why it did not, where it should have.
    pub(super) fn shed(&self) -> Option<FallbackReason> {
        match self {
            Self::Shed(reason) => Some(*reason),
            Self::None | Self::Took(_) => None,
        }
    }

    /// Who decides with it.
    pub(super) fn served_by(&self) -> ServedBy {
        if self.took_part().is_some() { ServedBy::Model } else { ServedBy::Statistics }
    }
}

/// A decision of this moment. One that could not be made is not kept: the next request may do better.
pub(super) fn new_decision(
    now: Timestamp,
    config: &Config,
    served_by: ServedBy,
    fallback: Option<FallbackReason>,
) -> Decision {
    let max_age = if !is_passing(fallback) { u32::try_from(config.max_age.as_secs()).unwrap_or(u32::MAX) } else { 0 };
    let id = new_id();
    Decision { id, served_by, fallback, model: None, experiment: None, explore: 0.0, decided_at: now, max_age }
}

/// Whether the next request may do better than this one, which went without what it lacked.
pub(super) fn is_passing(fallback: Option<FallbackReason>) -> bool {
    let passing = [FallbackReason::Deadline, FallbackReason::NoData, FallbackReason::Overload, FallbackReason::NoModel];
    fallback.is_some_and(|reason| passing.contains(&reason))
}

/// An id that nobody can guess.
pub(super) fn new_id() -> DecisionId {
    DecisionId::new(hex::encode(rand::random::<[u8; 16]>()))
}
