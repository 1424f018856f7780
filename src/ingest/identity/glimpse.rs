//! What was read of a caller's state while consent was looked up, for the first who needs the state itself: one question
//! to the store a request instead of two.
//!
//! It is taken once and gone as soon as the request changes something, so that nobody sees their own change undone.

use crate::domain::ids::ShopperKey;
use crate::domain::standing::Standing;
use crate::store::ShopperState;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the copies of a caller.
#[derive(Clone, Default)]
pub(crate) struct Glimpse(Arc<Mutex<Seen>>);

#[derive(Default)]
enum Seen {
    #[default]
    Nothing,
    State(ShopperKey, ShopperState),
    /// The store did not answer.
    Away,
}

impl Glimpse {
    pub(super) fn keep(&self, who: &ShopperKey, state: ShopperState) {
        self.set(Seen::State(who.clone(), state));
    }

    pub(super) fn fail(&self) {
        self.set(Seen::Away);
    }

    /// Whether the store did not answer.
    pub(crate) fn is_away(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Seen::Away)
    }

    /// The state of this shopper, where it was read.
    pub(crate) fn take(&self, who: &ShopperKey) -> Option<ShopperState> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *seen) {
            Seen::State(of, state) if of == *who => Some(state),
            Seen::Away => {
                *seen = Seen::Away;
                None
            }
            Seen::State(..) | Seen::Nothing => None,
        }
    }

    /// How this customer stands, where it was read.
    pub(crate) fn standing(&self, who: &ShopperKey) -> Option<Standing> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Seen::State(of, state) if of == who => Some(state.standing.clone()),
            Seen::State(..) | Seen::Away | Seen::Nothing => None,
        }
    }

    /// Forgets it: what is stored has changed, or is about to.
    pub(crate) fn forget(&self) {
        self.set(Seen::Nothing);
    }

    fn set(&self, seen: Seen) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

impl fmt::Debug for Glimpse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Glimpse")
    }
}
