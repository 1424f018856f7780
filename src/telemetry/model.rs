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
