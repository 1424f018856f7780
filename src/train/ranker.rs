//! Whatever can score every item after a history: the baselines, the encoder, the blend.

use super::error::TrainError;
use super::history::History;

/// A way to rank items.
pub trait Ranker: Sync {
    /// Its name in tables.
    fn name(&self) -> &str;

    /// Whether it goes by what is written of items, and so may know most of those that few have met.
    fn reads_text(&self) -> bool {
        false
    }

    /// Writes a score for every item after each history: `scores` is `[histories, rows]`, zeros at first; row 0 is
    /// padding's and is never ranked. Scores are not below 0, and of a history they sum to 1 at most, so that rankers blend.
    ///
    /// # Errors
    /// The model's.
    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError>;
}

/// Divides by the sum, where there is one.
pub(super) fn normalize(scores: &mut [f32]) {
    let sum: f32 = scores.iter().sum();
    if sum > 0.0 {
        scores.iter_mut().for_each(|score| *score /= sum);
    }
}

/// A ranker that says the same of every history; what is called `text` reads text.
#[cfg(test)]
pub(super) struct Fixed(pub(super) &'static str, pub(super) Vec<f32>);

#[cfg(test)]
impl Ranker for Fixed {
    fn name(&self) -> &str {
        self.0
    }

    fn reads_text(&self) -> bool {
        self.0 == "text"
    }

    fn score(&self, _: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        scores.chunks_exact_mut(self.1.len()).for_each(|row| row.copy_from_slice(&self.1));
        Ok(())
    }
}
