//! What can go wrong in training and evaluation.

use crate::features::VocabularyError;
use crate::model::ModelError;
use std::path::PathBuf;

/// Why a model cannot be trained or measured.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is not as the format says.
    #[error("{path}, line {line}: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What does not fit.
        why: String,
    },
    /// A data set or a protocol that cannot be used.
    #[error("{0}")]
    Unfit(String),
    /// The items make no vocabulary.
    #[error("items: {0}")]
    Vocabulary(#[from] VocabularyError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Candle could not compute.
    #[error("training could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}
