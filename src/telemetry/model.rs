//! What becomes of the model that is served, as events.

use super::names;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A thread of the model is done with a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionEncoded {
    /// `ok`; `failed`: the model could not compute it; `left`: nobody waited for it any more, so it was not begun.
    pub outcome: &'static str,
    /// From the request for it, waiting included.
    pub took: Duration,
}

impl SessionEncoded {
    /// Writes it.
    pub fn emit(self) {
        histogram!(names::ENCODE_DURATION, names::OUTCOME => self.outcome).record(self.took.as_secs_f64());
    }
}

/// A slate is decided without the model that is there.
#[derive(Clone, Copy, Debug)]
pub struct EncodingShed {
    /// `queue`: it was full; `deadline`; `failed`: the model could not compute.
    pub reason: &'static str,
}

impl EncodingShed {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::ENCODE_SHED, names::REASON => self.reason).increment(1);
        tracing::debug!(reason = self.reason, "decided without the model");
    }
}

/// Another version of the model is served, or none.
#[derive(Clone, Copy, Debug)]
pub struct ModelStands<'a> {
    /// The model and its version before.
    pub before: Option<&'a str>,
    /// The model and its version from now on.
    pub now: Option<&'a str>,
    /// How many products of the catalogue it knows.
    pub products: usize,
}

impl ModelStands<'_> {
    /// Writes it.
    pub fn emit(self) {
        if let Some(before) = self.before {
            gauge!(names::MODEL_INFO, names::VERSION => before.to_owned()).set(0.0);
        }
        if let Some(now) = self.now {
            gauge!(names::MODEL_INFO, names::VERSION => now.to_owned()).set(1.0);
        }
        // Counts of products are far below 2⁵².
        gauge!(names::MODEL_PRODUCTS).set(self.products as f64);
    }
}

/// The graph of a model's items was built, by which products are found from now on.
#[derive(Clone, Copy, Debug)]
pub struct GraphBuilt<'a> {
    /// The model and its version.
    pub model: &'a str,
    /// How long that took.
    pub took: Duration,
}

impl GraphBuilt<'_> {
    /// Writes it.
    pub fn emit(self) {
        tracing::info!(
            model = self.model,
            seconds = self.took.as_secs_f64(),
            "the graph of the model's items is built"
        );
    }
}

/// How far a feature of sessions has come from what the model was measured on.
#[derive(Clone, Copy, Debug)]
pub struct DriftMeasured<'a> {
    /// The feature.
    pub feature: &'a str,
    /// Its population stability index.
    pub index: f64,
}

impl DriftMeasured<'_> {
    /// Writes it.
    pub fn emit(self) {
        gauge!(names::MODEL_DRIFT, names::FEATURE => self.feature.to_owned()).set(self.index);
    }
}

/// A feature has crossed the threshold.
#[derive(Clone, Copy, Debug)]
pub struct Drifted<'a> {
    /// The model and its version.
    pub model: &'a str,
    /// The feature.
    pub feature: &'a str,
    /// Its population stability index.
    pub index: f64,
    /// What it crossed.
    pub threshold: f64,
}

impl Drifted<'_> {
    /// Writes it.
    pub fn emit(self) {
        let Self { model, feature, index, threshold } = self;
        tracing::warn!(
            model,
            feature,
            index,
            threshold,
            "sessions are no longer like those that the model was measured on"
        );
    }
}

/// What the shop named for that was started, or could not be.
#[derive(Clone, Copy, Debug)]
pub struct RetrainStarted<'a> {
    /// The model and its version.
    pub model: &'a str,
    /// Why not.
    pub error: Option<&'a std::io::Error>,
}

impl RetrainStarted<'_> {
    /// Writes it.
    pub fn emit(self) {
        match self.error {
            None => tracing::info!(model = self.model, "model.drift.retrain.command was started"),
            Some(error) => tracing::error!(%error, model = self.model, "model.drift.retrain.command cannot be started"),
        }
    }
}
