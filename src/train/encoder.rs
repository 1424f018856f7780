//! The transformer as a ranker: the softmax of its scores.

use super::error::TrainError;
use super::history::History;
use super::ranker::Ranker;
use crate::features::{PADDING, Padded, Sequence};
use crate::model::{Batch, Transformer, exponentials, maximum};
use candle_core::Tensor;

/// A trained model and its item tables, made once.
pub struct Encoder {
    name: String,
    model: Transformer,
    table: Tensor,
    targets: Tensor,
}

impl Encoder {
    /// Makes the tables.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(model: Transformer) -> Result<Self, TrainError> {
        // Detached, because the weights remain variables and every product would be recorded.
        let table = model.table()?.detach();
        let targets = model.targets(&table)?.t()?.contiguous()?.detach();
        Ok(Self { name: "encoder".to_owned(), model, table, targets })
    }

    /// The same under another name.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The model.
    pub fn model(&self) -> &Transformer {
        &self.model
    }

    /// The vectors of some rows, one a row, as sessions read them.
    ///
    /// # Errors
    /// A row that is not in the table; candle's.
    pub(super) fn vectors(&self, rows: &[u32]) -> Result<Vec<Vec<f32>>, TrainError> {
        let rows = Tensor::new(rows, self.table.device())?;
        Ok(self.table.index_select(&rows, 0)?.to_vec2()?)
    }

    /// The model, to be trained on.
    pub(super) fn into_model(self) -> Transformer {
        self.model
    }
}

impl Encoder {
    /// The scores of every row after each history, one after the other, padding's among them.
    ///
    /// # Errors
    /// The model's; candle's.
    pub(super) fn scores(&self, histories: &[&History]) -> Result<Vec<f32>, TrainError> {
        let config = self.model.config();
        let sequence = |history: &&History| history.sequence(config.max_length, config.searches);
        let sequences: Vec<Sequence> = histories.iter().map(sequence).collect();
        let padded = Padded::new(&sequences.iter().collect::<Vec<_>>());
        let batch = Batch::new(&padded, config, self.table.device())?;
        let sessions = self.model.last(&self.table, &batch)?.detach();
        Ok(sessions.matmul(&self.targets)?.flatten_all()?.to_vec1::<f32>()?)
    }
}

impl Ranker for Encoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        let (config, found) = (self.model.config(), self.scores(histories)?);
        for (row, found) in scores.chunks_exact_mut(config.rows).zip(found.chunks_exact(config.rows)) {
            row.copy_from_slice(found);
            row[PADDING as usize] = f32::MIN;
            let top = maximum(row);
            let sum = exponentials(row, top, 1.0);
            row.iter_mut().for_each(|score| *score /= sum);
            row[PADDING as usize] = 0.0;
        }
        Ok(())
    }
}
