//! What a shop may set about its model.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

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
    /// How the products nearest to a session are found. Default `exact`.
    pub index: Search,
    /// Whether sessions are still like those that the model was measured on.
    pub drift: DriftSettings,
}

/// The `[model.drift]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftSettings {
    /// Sessions that are compared, the newest; 0 watches nothing. Default 5,000.
    pub window: usize,
    /// At most one session within this time is looked at. Default 5 s, with which the window is seven hours at least.
    #[serde(with = "humantime_serde")]
    pub every: Duration,
    /// The population stability index of a feature beyond which a warning is logged. Default 0.25.
    pub threshold: f64,
    /// What is started then.
    pub retrain: Retrain,
}

/// The `[model.drift.retrain]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retrain {
    /// A program and its arguments, run without a shell when a feature crosses the threshold. Default none.
    pub command: Vec<String>,
    /// The shortest time between two starts. Default a day.
    #[serde(with = "humantime_serde")]
    pub at_most_every: Duration,
}

impl Default for DriftSettings {
    fn default() -> Self {
        Self { window: 5_000, every: Duration::from_secs(5), threshold: 0.25, retrain: Retrain::default() }
    }
}

impl Default for Retrain {
    fn default() -> Self {
        Self { command: Vec::new(), at_most_every: Duration::from_secs(24 * 60 * 60) }
    }
}

/// How the products nearest to a session are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// Every product is scored: some 5 ms for a million.
    #[default]
    Exact,
    /// By a graph, built beside the requests after a model is loaded, which takes minutes for a million products. It may
    /// miss one or two of a hundred.
    Hnsw,
}

impl Default for ModelSettings {
    fn default() -> Self {
        let (index, drift) = (Search::default(), DriftSettings::default());
        Self { dir: None, threads: 1, queue: 256, share: 0.5, index, drift }
    }
}
