//! What ranks say: recall, NDCG and MRR, with bootstrap intervals.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A mean and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The mean over all cases.
    pub mean: f64,
    /// 2.5 % of the resamples are below.
    pub low: f64,
    /// 2.5 % of the resamples are above.
    pub high: f64,
}

/// The metrics of one ranker over a set of cases. With one target a case, hit rate and recall are the same.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Metrics {
    /// Cases.
    pub cases: usize,
    /// Share of targets among the first 10.
    pub recall_10: Interval,
    /// Mean of 1 / log₂(rank + 1) of targets among the first 10.
    pub ndcg_10: Interval,
    /// Share of targets among the first 20.
    pub recall_20: Interval,
    /// Mean of 1 / rank of targets among the first 20.
    pub mrr_20: Interval,
}

/// What a rank, from 0, adds to NDCG of the first `k`.
pub(super) fn ndcg(rank: f32, k: f32) -> f64 {
    if rank < k { 1.0 / (f64::from(rank) + 2.0).log2() } else { 0.0 }
}

/// What a rank, from 0, adds to MRR of the first `k`.
pub(super) fn reciprocal(rank: f32, k: f32) -> f64 {
    if rank < k { 1.0 / (f64::from(rank) + 1.0) } else { 0.0 }
}

fn hit(rank: f32, k: f32) -> f64 {
    f64::from(u8::from(rank < k))
}

impl Metrics {
    /// Of ranks from 0. The same ranks and seed give the same intervals.
    pub fn of(ranks: &[f32], seed: u64) -> Self {
        let value = |rank: f32| [hit(rank, 10.0), ndcg(rank, 10.0), hit(rank, 20.0), reciprocal(rank, 20.0)];
        let values: Vec<[f64; 4]> = ranks.iter().map(|rank| value(*rank)).collect();
        let [recall_10, ndcg_10, recall_20, mrr_20] = intervals(&values, seed);
        Self { cases: ranks.len(), recall_10, ndcg_10, recall_20, mrr_20 }
    }
}

/// How often the cases are drawn again.
const RESAMPLES: usize = 500;

fn intervals(values: &[[f64; 4]], seed: u64) -> [Interval; 4] {
    let count = values.len().max(1) as f64;
    let sum = |mut sums: [f64; 4], value: &[f64; 4]| {
        sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
        sums
    };
    let means = values.iter().fold([0.0; 4], sum).map(|sum| sum / count);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn: [Vec<f64>; 4] = Default::default();
    for _ in 0..if values.is_empty() { 0 } else { RESAMPLES } {
        let sums = (0..values.len()).fold([0.0; 4], |sums, _| sum(sums, &values[random.random_range(0..values.len())]));
        drawn.iter_mut().zip(sums).for_each(|(drawn, sum)| drawn.push(sum / count));
    }
    let mut at = 0;
    drawn.map(|mut drawn| {
        drawn.sort_by(f64::total_cmp);
        let edge = |share: f64| drawn.get((share * RESAMPLES as f64) as usize).copied().unwrap_or(0.0);
        let interval = Interval { mean: means[at], low: edge(0.025), high: edge(0.975) };
        at += 1;
        interval
    })
}

/// The mean of the cases' differences with its interval: both rankers had the same cases. The value of a case is its NDCG@10,
/// or its MRR@20 where `sessions`.
pub fn difference(own: &[f32], other: &[f32], sessions: bool, seed: u64) -> Interval {
    let value = |rank: f32| if sessions { reciprocal(rank, 20.0) } else { ndcg(rank, 10.0) };
    let differences: Vec<[f64; 4]> =
        own.iter().zip(other).map(|(own, other)| [value(*own) - value(*other), 0.0, 0.0, 0.0]).collect();
    intervals(&differences, seed)[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_those_computed_by_hand() {
        let metrics = Metrics::of(&[0.0, 2.0, 9.0, 10.0, 19.0, 20.0, 1e9, 1.0], 1);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        near(metrics.recall_10.mean, 4.0 / 8.0);
        near(metrics.recall_20.mean, 6.0 / 8.0);
        near(metrics.ndcg_10.mean, (1.0 + 0.5 + 1.0 / 11f64.log2() + 1.0 / 3f64.log2()) / 8.0);
        near(metrics.mrr_20.mean, (1.0 + 1.0 / 3.0 + 0.1 + 1.0 / 11.0 + 1.0 / 20.0 + 0.5) / 8.0);
    }

    #[test]
    fn a_small_difference_on_the_same_cases_is_seen_where_intervals_overlap() {
        let other: Vec<f32> = (0..2_000).map(|at| if at % 2 == 0 { 1.0 } else { 100.0 }).collect();
        let own: Vec<f32> = other.iter().map(|rank| if *rank < 10.0 { 0.0 } else { 100.0 }).collect();
        let apart = difference(&own, &other, false, 1);
        assert!(apart.low > 0.0 && (apart.mean - 0.5 * (1.0 - 1.0 / 3f64.log2())).abs() < 1e-9, "{apart:?}");
        let none = difference(&own, &own, true, 1);
        assert!(none.low.abs() < 1e-12 && none.high.abs() < 1e-12);
        assert!(difference(&other, &own, true, 1).high < 0.0);
    }

    #[test]
    fn intervals_hold_the_mean_and_are_as_wide_as_theory_says() {
        let ranks: Vec<f32> = (0..10_000).map(|at| if at % 10 == 0 { 0.0 } else { 100.0 }).collect();
        let recall = Metrics::of(&ranks, 7).recall_10;
        let expected = 2.0 * 1.96 * (0.1f64 * 0.9 / 10_000.0).sqrt();
        assert!(recall.low < 0.1 && recall.high > 0.1);
        assert!((recall.high - recall.low - expected).abs() < 0.2 * expected);
        assert_eq!(Metrics::of(&[], 7).cases, 0);
    }
}
