//! A login on its way: what a session held, from the moment it left the session until it is the customer's.
//!
//! Invariants: it arrives at one customer and nowhere else, whoever logs in on the device meanwhile; it arrives once,
//! however often it is brought; what was erased of the customer after it left does not come back with it.

use super::Record;
use crate::domain::ids::ShopperKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What left a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Moving {
    /// The customer.
    pub(in crate::store) to: ShopperKey,
    /// Names this login; remembered by the customer's record like an event's.
    pub(in crate::store) id: String,
    at: Timestamp,
    left: Record,
}

impl Moving {
    /// A login that has not begun.
    pub(in crate::store) fn new(to: &ShopperKey) -> Self {
        let id = format!("login {:032x}", rand::random::<u128>());
        Self { to: to.clone(), id, at: Timestamp::now(), left: Record::default() }
    }
}

impl Record {
    /// Empties a session for this login, unless an earlier one is still on its way. Gives the one that is.
    pub(in crate::store) fn depart(&mut self, login: &Moving) -> Moving {
        match &self.moving {
            Some(earlier) => (**earlier).clone(),
            None => {
                let moving = Moving { left: self.leave(), ..login.clone() };
                self.moving = Some(Box::new(moving.clone()));
                moving
            }
        }
    }

    /// Takes over what a session held, the first time that it comes.
    pub(in crate::store) fn arrive(&mut self, moving: &Moving) {
        if self.erased.is_none_or(|erased| erased < moving.at) && self.is_new(&moving.id) {
            self.join(&moving.left);
        }
    }

    /// Forgets a login that has arrived.
    pub(in crate::store) fn arrived(&mut self, moving: &Moving) {
        if self.moving.as_ref().is_some_and(|held| held.id == moving.id) {
            self.moving = None;
        }
    }
}
