//! The most frequent items, whoever asks.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use super::counts;

/// Shares of all events.
pub struct Popularity(Vec<f32>);

impl Popularity {
    /// Counts the training sequences.
    pub fn new(sequences: &[impl AsRef<[u32]>], rows: usize) -> Self {
        let mut shares: Vec<f32> = counts(sequences, rows).into_iter().map(|count| count as f32).collect();
        normalize(&mut shares);
        Self(shares)
    }
}

impl Ranker for Popularity {
    fn name(&self) -> &str {
        "popularity"
    }

    fn score(&self, _: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        scores.chunks_exact_mut(self.0.len()).for_each(|row| row.copy_from_slice(&self.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_near, scores};
    use super::*;

    #[test]
    fn an_item_scores_its_share_of_events() {
        let popularity = Popularity::new(&[vec![1, 2], vec![2, 2]], 4);
        assert_near(&scores(&popularity, &[1], 4), &[0.0, 0.25, 0.75, 0.0]);
    }
}
