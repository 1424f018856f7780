//! Settings, schema, secrets and model read again while running, as an event.

use super::names;
use metrics::counter;

/// Something that was read at start was read again.
#[derive(Clone, Copy)]
pub struct ReadAgain<'a> {
    /// `settings`, `schema`, `secrets`, `model`.
    pub kind: &'static str,
    /// `applied`; `unchanged`; `refused`: what was in use stays in use.
    pub outcome: &'static str,
    /// What changed, or why it was refused. Never a secret.
    pub detail: &'a dyn std::fmt::Display,
}

impl ReadAgain<'_> {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::RELOADS, names::KIND => self.kind, names::OUTCOME => self.outcome).increment(1);
        let (kind, outcome, detail) = (self.kind, self.outcome, self.detail);
        match outcome {
            "refused" => tracing::error!(kind, outcome, %detail, "not taken over; what was in use stays in use"),
            "unchanged" => tracing::debug!(kind, outcome, %detail, "read again"),
            _ => tracing::info!(kind, outcome, %detail, "in use from the next request on"),
        }
    }
}
