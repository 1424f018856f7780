//! What the shared store answered.

use super::names;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// The shared store answered, or did not.
#[derive(Clone, Copy, Debug)]
pub struct StoreAnswered {
    /// `read`, `write`, `acknowledge`.
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
    /// Says that the store is asked from now on, at start.
    pub fn begin() {
        gauge!(names::STORE_AVAILABLE).set(1.0);
    }

    /// Writes it.
    pub fn emit(self) {
        gauge!(names::STORE_AVAILABLE).set(f64::from(u8::from(self.answers)));
        if self.answers {
            tracing::info!("the store answers again");
        } else {
            tracing::warn!(
                "the store failed several times in a row; until it answers nothing is known of shoppers beyond their request"
            );
        }
    }
}

/// A change is in the shared store, and its replicas did not have it in time.
#[derive(Clone, Copy, Debug)]
pub struct StoreUndurable;

impl StoreUndurable {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::STORE_UNDURABLE).increment(1);
        tracing::debug!("a change is not on the replicas of the store yet");
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
