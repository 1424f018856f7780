//! What can be wrong with a model: its settings, its files, its input.

use std::path::PathBuf;

/// Why a model cannot be made, read, written or run. The model in use is never touched by a failure.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Settings that make no model.
    #[error("model settings: {0}")]
    Config(String),
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what it should be: cut off, foreign, changed after it was written.
    #[error("{path}: {why}; the model was not loaded, write it again or take another version")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// A tensor that is missing, has another shape, or holds what is not a number.
    #[error("weights: {0}")]
    Weights(String),
    /// Input of a shape that the model does not take.
    #[error("shape: {0}")]
    Shape(String),
    /// A version that is not there.
    #[error("{0}")]
    Version(String),
    /// Candle could not compute.
    #[error("the model could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "MODEL_CONFIG",
            Self::File { .. } => "MODEL_FILE",
            Self::Foreign { .. } => "MODEL_FOREIGN",
            Self::Weights(_) => "MODEL_WEIGHTS",
            Self::Shape(_) => "MODEL_SHAPE",
            Self::Version(_) => "MODEL_VERSION",
            Self::Compute(_) => "MODEL_COMPUTE",
        }
    }
}
