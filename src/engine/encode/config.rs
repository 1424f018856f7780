//! What a shop may set about its model.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The `[model]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// The folder of the model's versions, as `outfitter train --out` writes it. Without one the statistics decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Threads that encode sessions, none of which answers requests. Default 1: some thousand sessions a second.
    pub threads: usize,
    /// Sessions that may wait for them; one more is decided without the model. Default 256.
    pub queue: usize,
    /// The share of `engine.deadline` that encoding may take, waiting included; past it the slate is decided without the
    /// model. Default 0.5.
    pub share: f64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self { dir: None, threads: 1, queue: 256, share: 0.5 }
    }
}
