//! Products bought together, by what is made of the counts: lift, PMI, and as the gateway counts them.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use super::counts;
use crate::features::goes_with;

/// Products of a basket that are paired: of those beyond it pairs say little.
const PAIRED: usize = 100;
/// Baskets that lift and PMI need of a pair: of fewer, chance makes the highest values of all.
const SUPPORT: u32 = 5;
/// Neighbours kept of a product, as the gateway's statistics keep them by default.
const KEPT: usize = 100;

/// How often products are in one basket, counted once for every ranker that is made of it.
pub struct Together {
    baskets: f64,
    counts: Vec<u32>,
    /// By row: the other row and the baskets that hold both.
    pairs: Vec<Vec<(u32, u32)>>,
}

impl Together {
    /// Counts baskets of distinct rows.
    pub fn new(baskets: &[impl AsRef<[u32]>], rows: usize) -> Self {
        let mut holders: Vec<Vec<u32>> = vec![Vec::new(); rows];
        let paired = |basket: &[u32]| basket.len().min(PAIRED);
        for (basket, at) in baskets.iter().map(AsRef::as_ref).zip(0u32..) {
            basket[..paired(basket)].iter().for_each(|row| holders[*row as usize].push(at));
        }
        // A row at a time, so that only pairs that exist take room.
        let mut seen = vec![0u32; rows];
        let pairs = holders.iter().zip(0u32..).map(|(holders, own)| {
            let mut met = Vec::new();
            for basket in holders.iter().map(|at| baskets[*at as usize].as_ref()) {
                for row in basket[..paired(basket)].iter().filter(|row| **row != own) {
                    if seen[*row as usize] == 0 {
                        met.push(*row);
                    }
                    seen[*row as usize] += 1;
                }
            }
            met.sort_unstable();
            met.into_iter().map(|row| (row, std::mem::take(&mut seen[row as usize]))).collect()
        });
        let pairs = pairs.collect();
        Self { baskets: baskets.len() as f64, counts: counts(baskets, rows), pairs }
    }

    /// How much more often than by chance: baskets with both, times all baskets, over those with one and with the other.
    pub fn lift(&self) -> Companions {
        self.made("lift", usize::MAX, |both, one, other| match both >= SUPPORT {
            true => f64::from(both) * self.baskets / (one * other),
            false => 0.0,
        })
    }

    /// The logarithm of lift, where it is above zero.
    pub fn pmi(&self) -> Companions {
        self.made("PMI", usize::MAX, |both, one, other| match both >= SUPPORT {
            true => (f64::from(both) * self.baskets / (one * other)).ln().max(0.0),
            false => 0.0,
        })
    }

    /// As the gateway does: of each product the most frequent neighbours, weighed by [`goes_with`].
    pub fn counted(&self) -> Companions {
        self.made("together", KEPT, |both, one, other| goes_with(f64::from(both), one, other))
    }

    fn made(&self, name: &'static str, kept: usize, weight: impl Fn(u32, f64, f64) -> f64) -> Companions {
        let count = |row: u32| f64::from(self.counts[row as usize]);
        let neighbours = self.pairs.iter().zip(0u32..).map(|(pairs, own)| {
            let mut pairs = pairs.clone();
            pairs.sort_by_key(|(row, both)| (std::cmp::Reverse(*both), *row));
            pairs.truncate(kept);
            let weighed = pairs.into_iter().map(|(row, both)| (row, weight(both, count(own), count(row)) as f32));
            weighed.filter(|(_, weight)| *weight > 0.0).collect()
        });
        Companions { name, neighbours: neighbours.collect() }
    }
}

/// A ranker that sums over the products of the basket.
pub struct Companions {
    name: &'static str,
    neighbours: Vec<Vec<(u32, f32)>>,
}

impl Ranker for Companions {
    fn name(&self) -> &str {
        self.name
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.neighbours.len())) {
            for (row, weight) in history.iter().flat_map(|row| &self.neighbours[*row as usize]) {
                scores[*row as usize] += weight;
            }
            normalize(scores);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_near, scores};
    use super::*;

    /// Eight of {1, 2}, two of {1, 3}, ten of {2, 4}, four of {3, 4}: 24 in all; 1 in 10, 2 in 18, 3 in 6, 4 in 14.
    fn together() -> Together {
        let times = |basket: [u32; 2], times: usize| vec![basket.to_vec(); times];
        Together::new(&[times([1, 2], 8), times([1, 3], 2), times([2, 4], 10), times([4, 3], 4)].concat(), 5)
    }

    fn shares(values: [f32; 5]) -> [f32; 5] {
        let sum: f32 = values.iter().sum();
        values.map(|value| value / sum)
    }

    #[test]
    fn lift_and_pmi_are_as_by_hand_and_ask_for_five_baskets() {
        let (one, four) = (8.0 * 24.0 / (10.0 * 18.0), 10.0 * 24.0 / (18.0 * 14.0));
        assert_near(&scores(&together().lift(), &[2], 5), &shares([0.0, one, 0.0, 0.0, four]));
        // 4 is with 2 less often than by chance; 3 with 1 twice alone.
        assert_near(&scores(&together().pmi(), &[2], 5), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_near(&scores(&together().lift(), &[1], 5), &[0.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_served_is_summed_over_the_basket() {
        let of = |both: f32, one: f32, other: f32| {
            both / ((1.0 + one).powf(0.7) * (1.0 + other).powf(0.4)) * both / (both + 1.0)
        };
        let (two, three) = (of(8.0, 10.0, 18.0), of(2.0, 10.0, 6.0));
        assert_near(&scores(&together().counted(), &[1], 5), &shares([0.0, 0.0, two, three, 0.0]));
        let (two, three) = (two + of(10.0, 14.0, 18.0), three + of(4.0, 14.0, 6.0));
        assert_near(&scores(&together().counted(), &[1, 4], 5), &shares([0.0, 0.0, two, three, 0.0]));
    }
}
