//! The policies that are asked about: orders of what each decision could show, by what was logged of it.

use super::log::{Decision, Log};
use crate::domain::slate::Intent;
use std::collections::BTreeMap;

/// What sources count for, by name, `affinity` among them.
pub type Weights = BTreeMap<Box<str>, f64>;

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The ranking that was logged, without chance.
    Logged,
    /// The same features by other weights, for every intent.
    Weights(Box<str>, Weights),
    /// By other weights for each intent, named as in the settings (`for_you`); an intent that has none stays as logged.
    Intents(Box<str>, BTreeMap<Box<str>, Weights>),
}

impl Target {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Logged => "logged, without chance",
            Self::Weights(name, _) | Self::Intents(name, _) => name,
        }
    }

    /// What it would have shown at each place of the slate: numbers of the listed. Products that rules placed stay; those
    /// that only filled the slate come last, as listed; so do equals.
    pub(super) fn order(&self, decision: &Decision, log: &Log) -> Vec<usize> {
        let mut free: Vec<usize> = (0..decision.listed.len()).filter(|at| !decision.listed[*at].placed).collect();
        if let Some(weights) = self.weights(decision) {
            let weights = shared(weights, decision, log);
            let affinity = weights.get("affinity").copied().unwrap_or(0.0) as f32;
            let weight = |source: usize| weights.get(&log.sources[source]).copied().unwrap_or(0.0) as f32;
            let features = |at: usize| decision.listed[at].features.as_ref();
            let score = |at: usize| features(at).map_or(f64::MIN, |features| features.score(weight, affinity));
            let mut scored: Vec<(f64, usize)> = free.into_iter().map(|at| (score(at), at)).collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            free = scored.into_iter().map(|(_, at)| at).collect();
        }
        let mut free = free.into_iter();
        let listed = decision.listed.iter().enumerate();
        let slots = listed.filter_map(|(at, one)| if one.placed { Some(at) } else { free.next() });
        slots.filter(|at| decision.listed[*at].there).take(decision.served.len()).collect()
    }

    /// Its weights for a decision; none where it orders as was logged.
    fn weights(&self, decision: &Decision) -> Option<Weights> {
        match self {
            Self::Logged => None,
            Self::Weights(_, weights) => Some(weights.clone()),
            Self::Intents(_, of) => of.get(named(decision.intent)).cloned(),
        }
    }
}

/// A model tells how its word is best shared with the statistics of sessions; where it did, it does for other weights as well.
fn shared(mut weights: Weights, decision: &Decision, log: &Log) -> Weights {
    let logged = |name: &str| {
        let weight = decision.weights.iter().find(|(source, _)| &*log.sources[*source] == name);
        weight.map_or(0.0, |(_, weight)| f64::from(*weight))
    };
    let own = |name: &str| weights.get(name).copied().unwrap_or(0.0);
    let (encoder, session) = (own("encoder"), own("session"));
    let (their_encoder, their_session) = (logged("encoder"), logged("session"));
    if [encoder, session, their_encoder, their_session].iter().all(|weight| *weight > 0.0) {
        let share = their_encoder / (their_encoder + their_session);
        weights.insert("encoder".into(), (encoder + session) * share);
        weights.insert("session".into(), (encoder + session) * (1.0 - share));
    }
    weights
}

/// The name of an intent's weights in the settings.
fn named(intent: Intent) -> &'static str {
    match intent {
        Intent::Related => "related",
        Intent::Complementary => "complementary",
        Intent::CompleteTheLook => "complete_the_look",
        Intent::ForYou => "for_you",
        Intent::RecentlyViewed => "recently_viewed",
        Intent::BuyAgain => "buy_again",
        Intent::Trending => "trending",
        Intent::Popular => "popular",
    }
}
