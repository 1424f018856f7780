//! What the shopper bought in earlier baskets, by [`needed_again`]: a part of what the gateway serves.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use crate::features::needed_again;

/// Products that the shopper has bought before.
pub struct Again {
    rows: usize,
}

impl Again {
    /// Over so many rows.
    pub fn new(rows: usize) -> Self {
        Self { rows }
    }
}

impl Ranker for Again {
    fn name(&self) -> &str {
        "bought before"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.rows)) {
            for owned in history.owned() {
                scores[owned.row as usize] = needed_again(owned.times, f64::from(owned.days)) as f32;
            }
            normalize(scores);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::history::Owned;
    use super::super::assert_near;
    use super::*;

    #[test]
    fn what_was_bought_before_is_weighed_as_the_gateway_does_and_nothing_else_is_said() {
        let owned = |row, times, days| Owned { row, times, days };
        let history = History::from(vec![1]).with_owned(vec![owned(2, 3, 20.0), owned(4, 1, 20.0)]);
        let mut scores = [0.0; 10];
        Again::new(5).score(&[&history, &vec![1].into()], &mut scores).unwrap();
        let (often, once) = (4f32.ln(), 2f32.ln());
        assert_near(&scores[..5], &[0.0, 0.0, often / (often + once), 0.0, once / (often + once)]);
        assert_near(&scores[5..], &[0.0; 5]);
    }
}
