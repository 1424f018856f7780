//! The time that all slates of a request wave have together. Looked at between stages: no stage takes long.

use std::time::{Duration, Instant};

/// When the fallback slate is better than a late one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

/// The deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Late;

impl Deadline {
    /// From now on; a duration beyond what the clock can count is none.
    pub(super) fn after(duration: Duration) -> Self {
        Self(Instant::now().checked_add(duration))
    }

    /// Errors: `Late` once it has passed.
    pub(super) fn check(self) -> Result<(), Late> {
        if self.0.is_some_and(|at| Instant::now() >= at) { Err(Late) } else { Ok(()) }
    }
}
