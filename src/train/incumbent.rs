//! The model that is served now, as a ranker beside the new one: it knows its own items, and those only.

use super::encoder::Encoder;
use super::error::TrainError;
use super::history::History;
use super::ranker::Ranker;
use crate::features::{PADDING, Vocabulary};
use crate::model::checkpoint::Checkpoint;

/// The fact in a manifest that tells when the newest event was that a model learned, in seconds since 1970.
pub const LEARNED_UNTIL: &str = "learned_until";

/// A model over another vocabulary.
pub struct Incumbent {
    encoder: Encoder,
    /// Of each of our rows its row; padding where it knows no such item.
    rows: Vec<u32>,
    until: Option<i64>,
}

impl Incumbent {
    /// Brings a model to this vocabulary. `version` is how tables call it.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(version: &str, checkpoint: Checkpoint, vocabulary: &Vocabulary) -> Result<Self, TrainError> {
        let own = |key: &std::sync::Arc<str>| checkpoint.vocabulary.row(key).unwrap_or(PADDING);
        let rows = std::iter::once(PADDING).chain(vocabulary.keys().iter().map(own)).collect();
        let until = checkpoint.manifest.facts.get(LEARNED_UNTIL).and_then(|until| until.parse().ok());
        let encoder = Encoder::new(checkpoint.model)?.named(format!("{version}, served now"));
        Ok(Self { encoder, rows, until })
    }

    /// When the newest event was that it learned; none where it does not tell.
    pub fn until(&self) -> Option<i64> {
        self.until
    }
}

impl Ranker for Incumbent {
    fn name(&self) -> &str {
        self.encoder.name()
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        let row = |row: u32| Some(self.rows[row as usize]).filter(|row| *row != PADDING);
        let known: Vec<History> = histories.iter().map(|history| history.in_rows(row)).collect();
        let own = self.encoder.model().config().rows;
        let mut found = vec![0f32; own * histories.len()];
        self.encoder.score(&known.iter().collect::<Vec<_>>(), &mut found)?;
        for (scores, found) in scores.chunks_exact_mut(self.rows.len()).zip(found.chunks_exact(own)) {
            scores.iter_mut().zip(&self.rows).for_each(|(score, row)| *score = found[*row as usize]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Attributes;
    use crate::model::{ModelConfig, Transformer, Weights, checkpoint};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn a_model_over_other_items_ranks_those_that_both_know_as_it_did() {
        let folder = tempfile::tempdir().unwrap();
        let vocabulary = Vocabulary::new(["b", "c", "gone"]).unwrap();
        let config = ModelConfig { width: 8, ..ModelConfig::small(4) };
        let mut weights = Weights::fresh(1);
        let model = Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
        let tensors = weights.variables().iter().map(|(name, w)| (name.clone(), w.as_tensor().clone())).collect();
        let facts = BTreeMap::from([(LEARNED_UNTIL.to_owned(), "77".to_owned())]);
        let attributes = Attributes::default();
        let content = checkpoint::Content {
            config: &config,
            vocabulary: &vocabulary,
            attributes: &attributes,
            tensors: &tensors,
            facts,
        };
        checkpoint::write(folder.path(), content).unwrap();
        let read = checkpoint::read(folder.path(), &candle_core::Device::Cpu).unwrap();
        let now = Vocabulary::new(["a", "b", "c"]).unwrap();
        let incumbent = Incumbent::new("1", read, &now).unwrap();
        let (mut theirs, mut ours) = (vec![0f32; 4], vec![0f32; 4]);
        Encoder::new(model).unwrap().score(&[&vec![2, 1].into()], &mut theirs).unwrap();
        // c, then an item that it does not know, then b.
        incumbent.score(&[&vec![3, 1, 2].into()], &mut ours).unwrap();
        assert_eq!((ours[2], ours[3], ours[1], ours[0]), (theirs[1], theirs[2], 0.0, 0.0));
        assert_eq!((incumbent.until(), incumbent.name()), (Some(77), "1, served now"));
    }
}
