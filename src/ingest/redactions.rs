//! What this process knows of erasures of the whole shop ([`super::redact`] is their walk).

use jiff::Timestamp;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// What this process knows of redactions.
#[derive(Default)]
pub(super) struct Redactions {
    known: Mutex<Known>,
    /// Held by the one that deletes.
    pub(super) deleting: tokio::sync::Mutex<()>,
    pub(super) wake: Notify,
}

/// What it knows.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// Whether the store has been asked since the start.
    pub(super) looked: bool,
    /// The last redaction that this process has gone along with.
    pub(super) at: Option<Timestamp>,
}

impl Redactions {
    pub(super) fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn looked(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).looked = true;
    }

    pub(super) fn went_along(&self, at: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.at = known.at.max(Some(at));
    }
}

impl fmt::Debug for Redactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactions")
    }
}
