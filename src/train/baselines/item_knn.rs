//! Items bought by the same users: the cosine of their sets of users, undirected, without order.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use super::counts;
use super::covisitation::strongest;
use std::collections::{BTreeMap, BTreeSet};

/// Newest items of a sequence that are paired: one sequence of thousands would outweigh all others, and take as long.
const PAIRED: usize = 100;
/// Added to a product of frequencies, so that a pair seen once is no certainty.
const DAMPING: f32 = 5.0;

/// The neighbours of every item.
pub struct ItemKnn {
    neighbours: Vec<Vec<(u32, f32)>>,
}

impl ItemKnn {
    /// Counts the training sequences.
    pub fn new(sequences: &[impl AsRef<[u32]>], rows: usize) -> Self {
        let sets: Vec<Vec<u32>> = sequences
            .iter()
            .map(AsRef::as_ref)
            .map(|rows| rows[rows.len().saturating_sub(PAIRED)..].iter().copied().collect::<BTreeSet<u32>>())
            .map(|set| set.into_iter().collect())
            .collect();
        let holders = counts(&sets, rows);
        let mut together: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); rows];
        for set in &sets {
            for one in set {
                for other in set.iter().filter(|other| *other != one) {
                    *together[*one as usize].entry(*other).or_default() += 1.0;
                }
            }
        }
        for (one, counted) in together.iter_mut().enumerate() {
            for (other, count) in counted {
                *count /= (holders[one] as f32 * holders[*other as usize] as f32).sqrt() + DAMPING;
            }
        }
        Self { neighbours: together.into_iter().map(strongest).collect() }
    }
}

impl Ranker for ItemKnn {
    fn name(&self) -> &str {
        "item-kNN"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.neighbours.len())) {
            for row in history.iter() {
                for (neighbour, share) in &self.neighbours[*row as usize] {
                    scores[*neighbour as usize] += share;
                }
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
        let knn = ItemKnn::new(&[vec![1, 2, 1], vec![2, 1], vec![1, 3]], 4);
        // Together: 1 and 2 twice, 1 and 3 once; in sequences: 1 three times, 2 twice, 3 once.
        let (two, three) = (2.0 / (6f32.sqrt() + 5.0), 1.0 / (3f32.sqrt() + 5.0));
        let sum = two + three;
        assert_near(&scores(&knn, &[1], 4), &[0.0, 0.0, two / sum, three / sum]);
        assert_near(&scores(&knn, &[2, 3], 4), &[0.0, 1.0, 0.0, 0.0]);
    }
}
