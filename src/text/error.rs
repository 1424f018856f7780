//! What can be wrong with the files of a text model.

use std::path::PathBuf;

/// Why a text model cannot be read, made or asked. Text itself is never refused.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Content that is not what it should be: cut off, of other dimensions, not numbers.
    #[error("{what}: {why}; take the files of the model that the documentation names, or write them again")]
    Foreign {
        /// The file or the part of it.
        what: String,
        /// What does not fit.
        why: String,
    },
    /// There is not enough to work with.
    #[error("{0}")]
    Unfit(String),
    /// Candle could not compute.
    #[error("the text model could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl TextError {
    /// Content that does not fit.
    pub(super) fn foreign(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Foreign { what: what.into(), why: why.into() }
    }
}
