//! What the shared store answered.

use super::names;
use metrics::{counter, histogram};
use std::time::Duration;

/// The shared store answered, or did not.
#[derive(Clone, Copy, Debug)]
pub struct StoreAnswered {
    /// `read`, `write`.
    pub operation: &'static str,
    /// `ok`, `timeout`, `unavailable`.
    pub outcome: &'static str,
    /// Until its answer, or until nobody waited any more.
    pub took: Duration,
}

impl StoreAnswered {
    /// Writes it.
    pub fn emit(self) {
        let labels = [(names::OPERATION, self.operation), (names::OUTCOME, self.outcome)];
        histogram!(names::STORE_DURATION, &labels).record(self.took.as_secs_f64());
        if self.outcome != "ok" {
            tracing::debug!(operation = self.operation, outcome = self.outcome, "the store did not answer");
        }
    }
}

/// The shared store failed several times in a row, or answers again.
#[derive(Clone, Copy, Debug)]
pub struct StoreChanged {
    /// Whether it answers.
    pub answers: bool,
}

impl StoreChanged {
    /// Writes it.
    pub fn emit(self) {
        if self.answers {
            tracing::info!("the store answers again");
        } else {
            tracing::warn!(
                "the store failed several times in a row; until it answers nothing is known of shoppers beyond their request"
            );
        }
    }
}

/// What became of decisions and outcomes that were handed to the log.
#[derive(Clone, Copy, Debug)]
pub struct DecisionLogged {
    /// `written`, `dropped`, `failed`.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

impl DecisionLogged {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::DECISION_LOG, &[(names::OUTCOME, self.outcome)]).increment(self.count);
    }
}
