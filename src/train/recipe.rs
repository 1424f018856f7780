//! How a model is trained: the numbers that are not dimensions of the model.

use serde::{Deserialize, Serialize};

/// How a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The most passes over the data.
    pub epochs: usize,
    /// Passes without a better validation before it ends.
    pub patience: usize,
    /// Sequences a step.
    pub batch: usize,
    /// The rate of learning, at first.
    pub rate: f32,
    /// What the rate is multiplied by after each pass that validation did not find better than all before; 1 for never.
    pub slows: f32,
    /// Share of places dropped.
    pub dropout: f32,
    /// Items drawn at each step that a target is compared with, beside the step's other targets; 0 compares with all.
    pub negatives: usize,
    /// What weights, order and noise grow from.
    pub seed: u64,
    /// The most validation cases looked at after a pass.
    pub cases: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 60,
            patience: 5,
            batch: 128,
            rate: 1e-3,
            slows: 0.5,
            dropout: 0.3,
            negatives: 0,
            seed: 1,
            cases: 8_000,
        }
    }
}
