//! What is on its way from one key to another: what a session held, from the moment it left until it is the customer's, or
//! what was kept under an older secret, until it is under the current one.
//!
//! Invariants: it arrives at one key and nowhere else, whoever logs in on the device meanwhile; it arrives once, however often
//! it is brought; what was erased there after it left does not come back with it.

use super::{Record, devices};
use crate::domain::granted::Granted;
use crate::domain::ids::ShopperKey;
use crate::domain::standing::Standing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why something moves.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Cause<'a> {
    /// A customer logged in, who has these keys under older secrets.
    Login(&'a [ShopperKey]),
    /// The same shopper has another key under a newer secret.
    Rename,
}

/// What left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Moving {
    /// Where from; not known of moves that an earlier version began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ShopperKey>,
    /// Where to.
    pub(in crate::store) to: ShopperKey,
    /// Names this move; remembered by the record there like an event's.
    pub(in crate::store) id: String,
    at: Timestamp,
    left: Record,
    /// Whether nothing is to be found under the old key any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
}

impl Moving {
    /// A move that has not begun.
    pub(in crate::store) fn new(from: &ShopperKey, to: &ShopperKey) -> Self {
        let id = format!("login {:032x}", rand::random::<u128>());
        let (from, to) = (Some(from.clone()), to.clone());
        Self { from, to, id, at: Timestamp::now(), left: Record::default(), whole: false }
    }
}

impl Record {
    /// Empties itself for this move, unless an earlier one is still on its way. Gives the one that is; `None` where nothing
    /// is to move, such as what a second customer on the device is not to have.
    pub(in crate::store) fn depart(&mut self, own: &Moving, cause: Cause<'_>) -> Option<Moving> {
        if let Some(earlier) = &self.moving {
            return Some((**earlier).clone());
        }
        let first = self.owner.is_nobody();
        let moves = match cause {
            // The first login is told to the customer's record, also where the session holds nothing.
            Cause::Login(formerly) => self.owner.log_in(&own.to, formerly) && (self.has_to_leave() || first),
            Cause::Rename => self.has_to_leave() || self.has_consent() || !first || !self.devices.is_empty(),
        };
        if !moves {
            return None;
        }
        let whole = matches!(cause, Cause::Rename);
        let mut left = self.leave();
        if whole {
            left.owner = std::mem::take(&mut self.owner);
            left.devices = std::mem::take(&mut self.devices);
        }
        let moving = Moving { left, whole, ..own.clone() };
        self.moving = Some(Box::new(moving.clone()));
        Some(moving)
    }

    /// Whether such a move would find nothing to do.
    pub(in crate::store) fn is_settled(&self, to: &ShopperKey, cause: Cause<'_>) -> bool {
        let holds = self.has_to_leave();
        self.moving.is_none()
            && match cause {
                Cause::Login(_) => self.owner.is_settled(to) && !(self.owner.is_one() && holds),
                Cause::Rename => self.owner.is_nobody() && self.devices.is_empty() && !holds && !self.has_consent(),
            }
    }

    /// Takes over what left, the first time that it comes.
    pub(in crate::store) fn arrive(&mut self, moving: &Moving) {
        if self.erased.is_some_and(|erased| erased >= moving.at) || !self.is_new(&moving.id) {
            return;
        }
        let left = &moving.left;
        if left.has_to_leave() || left.has_consent() {
            self.join(left);
        }
        self.owner.merge(left.owner);
        let device = moving.from.iter().filter(|_| !moving.whole);
        devices::add(&mut self.devices, left.devices.iter().chain(device));
    }

    /// Forgets a move that has come to its end. What was on file of consent stood here until then, too, so that it was on file
    /// somewhere all the time.
    pub(in crate::store) fn arrived(&mut self, moving: &Moving) {
        if self.moving.take_if(|held| held.id == moving.id).is_some_and(|held| held.whole) {
            self.state.consent = None;
            self.state.granted = Granted::default();
            self.state.standing = Standing::default();
        }
    }

    fn has_to_leave(&self) -> bool {
        self.holds_events() || self.orders.are_held()
    }
}
