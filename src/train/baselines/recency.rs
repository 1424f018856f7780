//! The shopper's own last items, newest first: what a shop shows as recently viewed. Where seen items are taken out of the
//! ranking it can only miss.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::Ranker;

/// Items of the history, halved step by step into the past.
pub struct Recency {
    rows: usize,
}

impl Recency {
    /// For a table of so many rows.
    pub fn new(rows: usize) -> Self {
        Self { rows }
    }
}

impl Ranker for Recency {
    fn name(&self) -> &str {
        "recency"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.rows)) {
            let mut weight = 0.5;
            for row in history.iter().rev() {
                scores[*row as usize] += weight;
                weight /= 2.0;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_near, scores};
    use super::*;

    #[test]
    fn the_newest_counts_most() {
        assert_near(&scores(&Recency::new(4), &[1, 2, 1], 4), &[0.0, 0.625, 0.25, 0.0]);
    }
}
