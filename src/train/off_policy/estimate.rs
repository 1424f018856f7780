//! The estimators, each a ratio of sums over decisions, with 95 % intervals that take the decisions of one shopper as one.

use super::super::error::TrainError;
use super::log::{Decision, Log, Reward};
use super::policy::Target;
use super::reward_model::RewardModel;
use serde::Serialize;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Two-sided 95 % of a normal distribution.
const SIDE: f64 = 1.959_964;

/// An estimate with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The estimate.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What a policy would have brought, each figure a reward for each product shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimates {
    /// The policy.
    pub target: String,
    /// Products that it would have put where they stood.
    pub same: usize,
    /// How many products shown by it the weighted ones are worth: (Σ w)² / Σ w².
    pub effective: f64,
    /// The mean weight; 1 where the propensities are those of the log.
    pub weight: Figure,
    /// By the reward model alone: narrow, and biased where the model is wrong.
    pub direct: Figure,
    /// Inverse propensity score.
    pub ips: Figure,
    /// Self-normalized inverse propensity score.
    pub snips: Figure,
    /// Doubly robust.
    pub doubly_robust: Figure,
    /// The doubly robust estimate less what was served brought.
    pub difference: Figure,
}

/// What was served brought, and what others would have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Decisions left to chance, from which it is told.
    pub decisions: usize,
    /// Shoppers among them.
    pub shoppers: usize,
    /// Products shown.
    pub shown: usize,
    /// Decisions of the log from which nothing can be told: not left to chance.
    pub certain: usize,
    /// Decisions of which too little is left.
    pub incomplete: usize,
    /// The reward for each product shown, as served.
    pub served: Figure,
    /// The policies, in the order asked.
    pub targets: Vec<Estimates>,
}

/// Estimates what each policy would have brought.
///
/// # Errors
/// Nothing in the log was left to chance; fewer than two shoppers; nothing came of any decision.
pub fn evaluate(log: &Log, targets: &[Target], reward: Reward) -> Result<Evaluation, TrainError> {
    let unfit = |why: &str| Err(TrainError::Unfit(why.to_owned()));
    if log.lines == 0 {
        return unfit("the log has no decision in this time");
    }
    if log.decisions.is_empty() {
        return unfit(
            "no decision of this log was left to chance, so every product stood where it stood with probability 1 and \
             nothing can be told of another order; set engine.explore = 0.05 and come back after some thousand decisions",
        );
    }
    let groups = Groups::of(&log.decisions);
    if groups.count < 2 {
        return unfit("all decisions are one shopper's, which makes no interval; come back when there are more");
    }
    let rewarded = |decision: &Decision| decision.served.iter().map(|served| served.reward(reward)).sum::<f64>();
    if log.decisions.iter().all(|decision| rewarded(decision) == 0.0) {
        return unfit(
            "nothing of this kind came of any decision; clients have to send their events with the slate's decisionId",
        );
    }
    let half = |second: bool| {
        let own = log.decisions.iter().filter(move |decision| is_second(decision) == second);
        RewardModel::learn(log, own, reward)
    };
    // Each half is asked of the model that learned from the other.
    let models = [half(true), half(false)];
    let served = log.decisions.iter().map(|decision| {
        let shown = decision.served.len() as f64;
        (decision.counts * rewarded(decision), decision.counts * shown)
    });
    Ok(Evaluation {
        decisions: log.decisions.len(),
        shoppers: groups.count,
        shown: log.decisions.iter().map(|decision| decision.served.len()).sum(),
        certain: log.certain,
        incomplete: log.incomplete,
        served: groups.ratio(served),
        targets: targets.iter().map(|target| estimates(log, target, reward, &models, &groups)).collect(),
    })
}

/// What a decision adds to the sums.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    shown: f64,
    weights: f64,
    squares: f64,
    /// Rewards as served.
    rewards: f64,
    /// Rewards by weight.
    weighted: f64,
    /// Guesses of what the target would have shown.
    guessed: f64,
    /// Weighted errors of the guesses of what was shown.
    errors: f64,
    same: usize,
}

fn sums(log: &Log, decision: &Decision, target: &Target, reward: Reward, model: &RewardModel) -> Sums {
    let mut sums = Sums::default();
    let order = target.order(decision, log);
    for (place, served) in decision.served.iter().enumerate() {
        let (came, shown) = (served.reward(reward), order.get(place).copied());
        let weight = if shown == Some(served.listed) { 1.0 / served.propensity } else { 0.0 };
        sums.shown += 1.0;
        sums.weights += weight;
        sums.squares += weight * weight;
        sums.rewards += came;
        sums.weighted += weight * came;
        sums.guessed += shown.map_or(0.0, |listed| model.guess(decision, log, listed, place));
        if weight > 0.0 {
            sums.errors += weight * (came - model.guess(decision, log, served.listed, place));
            sums.same += 1;
        }
    }
    sums
}

fn estimates(log: &Log, target: &Target, reward: Reward, models: &[RewardModel; 2], groups: &Groups) -> Estimates {
    let [first, second] = models;
    let of =
        |decision: &Decision| sums(log, decision, target, reward, if is_second(decision) { second } else { first });
    let all: Vec<(f64, Sums)> = log.decisions.iter().map(|decision| (decision.counts, of(decision))).collect();
    let ratio = |over: fn(&Sums) -> f64, under: fn(&Sums) -> f64| {
        groups.ratio(all.iter().map(|(counts, sums)| (counts * over(sums), counts * under(sums))))
    };
    let total = |of: fn(&Sums) -> f64, power: i32| -> f64 {
        all.iter().map(|(counts, sums)| counts.powi(power) * of(sums)).sum()
    };
    let (weights, squares) = (total(|sums| sums.weights, 1), total(|sums| sums.squares, 2));
    Estimates {
        target: target.name().to_owned(),
        same: all.iter().map(|(_, sums)| sums.same).sum(),
        effective: if squares > 0.0 { weights * weights / squares } else { 0.0 },
        weight: ratio(|sums| sums.weights, |sums| sums.shown),
        direct: ratio(|sums| sums.guessed, |sums| sums.shown),
        ips: ratio(|sums| sums.weighted, |sums| sums.shown),
        snips: ratio(|sums| sums.weighted, |sums| sums.weights),
        doubly_robust: ratio(|sums| sums.guessed + sums.errors, |sums| sums.shown),
        difference: ratio(|sums| sums.guessed + sums.errors - sums.rewards, |sums| sums.shown),
    }
}

/// Which half of the shoppers it belongs to.
fn is_second(decision: &Decision) -> bool {
    xxh3_64(decision.shopper.as_bytes()) & 1 == 1
}

/// Whose each decision is.
struct Groups {
    of: Vec<usize>,
    count: usize,
}

impl Groups {
    fn of(decisions: &[Decision]) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut number = |decision| {
            let next = numbers.len();
            *numbers.entry(decision).or_insert(next)
        };
        let of = decisions.iter().map(|decision| number(&*decision.shopper)).collect();
        Self { of, count: numbers.len() }
    }

    /// The ratio of two sums over decisions. The interval is by linearization: what a shopper's decisions add to the
    /// numerator beyond the ratio times what they add to the denominator.
    fn ratio(&self, parts: impl Iterator<Item = (f64, f64)> + Clone) -> Figure {
        let (over, under) = parts.clone().fold((0.0, 0.0), |(a, b), (over, under)| (a + over, b + under));
        if under <= 0.0 {
            return Figure { value: 0.0, low: 0.0, high: 0.0 };
        }
        let value = over / under;
        let mut left = vec![0.0; self.count];
        for (group, (over, under)) in self.of.iter().zip(parts) {
            left[*group] += over - value * under;
        }
        let count = self.count as f64;
        let squares: f64 = left.iter().map(|left| left * left).sum();
        let error = (squares * count / (count - 1.0)).sqrt() / under;
        Figure { value, low: value - SIDE * error, high: value + SIDE * error }
    }
}
