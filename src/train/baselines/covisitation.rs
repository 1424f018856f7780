//! Which item follows which: directed, weighed by distance, summed over the history with decay.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use std::collections::BTreeMap;

/// Followers kept of an item.
const KEPT: usize = 300;
/// Newest items of a history that speak.
const SPEAKERS: usize = 20;

/// What counts how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoVisitationConfig {
    /// How many places apart two items may be; a pair counts 1 over its distance.
    pub window: usize,
    /// What a pair counts in the other direction.
    pub backward: f32,
    /// What an item of the history counts for each place into the past.
    pub decay: f32,
    /// Whether an item may follow itself: where shoppers return to what they saw.
    pub repeats: bool,
}

impl Default for CoVisitationConfig {
    fn default() -> Self {
        Self { window: 5, backward: 0.5, decay: 0.7, repeats: false }
    }
}

/// Shares of the followers of every item.
pub struct CoVisitation {
    config: CoVisitationConfig,
    /// Of each row its followers and their shares, best first.
    followers: Vec<Vec<(u32, f32)>>,
}

impl CoVisitation {
    /// Counts the training sequences.
    pub fn new(sequences: &[impl AsRef<[u32]>], rows: usize, config: CoVisitationConfig) -> Self {
        let mut counted: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); rows];
        let mut count = |from: u32, to: u32, weight: f32| {
            if weight > 0.0 {
                *counted[from as usize].entry(to).or_default() += weight;
            }
        };
        for sequence in sequences.iter().map(AsRef::as_ref) {
            for (at, from) in sequence.iter().enumerate() {
                for (apart, to) in (1..=config.window).zip(&sequence[at + 1..]) {
                    let weight = 1.0 / apart as f32;
                    if from != to {
                        count(*from, *to, weight);
                        count(*to, *from, weight * config.backward);
                    } else if config.repeats {
                        count(*from, *to, weight);
                    }
                }
            }
        }
        Self { config, followers: counted.into_iter().map(strongest).collect() }
    }
}

/// The strongest of what was counted, as shares.
pub(super) fn strongest(counted: BTreeMap<u32, f32>) -> Vec<(u32, f32)> {
    let mut kept: Vec<(u32, f32)> = counted.into_iter().collect();
    kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    kept.truncate(KEPT);
    let sum: f32 = kept.iter().map(|(_, weight)| weight).sum();
    kept.iter_mut().for_each(|(_, weight)| *weight /= sum);
    kept
}

impl Ranker for CoVisitation {
    fn name(&self) -> &str {
        "co-visitation"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.followers.len())) {
            let mut weight = 1.0;
            for row in history.iter().rev().take(SPEAKERS) {
                for (follower, share) in &self.followers[*row as usize] {
                    scores[*follower as usize] += weight * share;
                }
                weight *= self.config.decay;
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

    #[test]
    fn scores_are_those_counted_by_hand() {
        let config = CoVisitationConfig { window: 2, backward: 0.5, decay: 0.5, repeats: false };
        let counted = CoVisitation::new(&[vec![1, 2, 3], vec![1, 2]], 4, config);
        // 1 → 2: 1 + 1; 1 → 3: ½. 2 → 3: 1; 2 → 1: ½ + ½. 3 → 2: ½; 3 → 1: ¼.
        assert_near(&scores(&counted, &[1], 4), &[0.0, 0.0, 0.8, 0.2]);
        assert_near(&scores(&counted, &[3], 4), &[0.0, 1.0 / 3.0, 2.0 / 3.0, 0.0]);
        // 2 with weight 1: (1: ½, 3: ½); 1 with weight ½: (2: .8, 3: .2); all over 1.5.
        assert_near(&scores(&counted, &[1, 2], 4), &[0.0, 0.5 / 1.5, 0.4 / 1.5, 0.6 / 1.5]);
        assert_near(&scores(&counted, &[], 4), &[0.0; 4]);
    }

    #[test]
    fn an_item_follows_itself_only_where_repeats_count() {
        let of = |repeats| {
            let config = CoVisitationConfig { repeats, ..CoVisitationConfig::default() };
            scores(&CoVisitation::new(&[vec![1, 1, 2]], 3, config), &[1], 3)
        };
        assert_near(&of(false), &[0.0, 0.0, 1.0]);
        // 1 → 1: 1; 1 → 2: 1 + ½.
        assert_near(&of(true), &[0.0, 0.4, 0.6]);
    }
}
