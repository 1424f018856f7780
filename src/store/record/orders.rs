//! Orders that were told of one shopper, so that each counts once however often and by whom it is told: the storefront, a
//! webhook, a file of the past. Which order it was is kept as a hash.
//!
//! Invariants: of two who tell an order, one of them its value, the value counts whichever comes first; what was
//! cancelled does not count when it is told later; what left with a login is not taken along by the next.

use super::whole;
use crate::domain::ids::OrderKey;
use crate::domain::money::{Currency, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// Orders remembered; beyond, the first to be told are forgotten.
const MOST: usize = 200;

/// The orders, those told first in front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Orders(VecDeque<Order>);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
struct Order {
    key: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// It is in the profile.
    Counted(Counted),
    /// It was taken back, or will not count when it comes.
    Cancelled,
    /// It has left for a customer's record, or was written before this was kept: it is known, and no more.
    Gone,
}

/// An order in the profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    /// When it was placed, in whole seconds.
    pub(super) at: Timestamp,
    /// What it cost, where the platform said.
    pub(super) value: Option<Money>,
}

/// What telling an order says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// There is one more.
    New,
    /// There is none more, but its value is now known.
    Value,
    /// Nothing new.
    Known,
}

/// The hash of an order's key.
pub(super) fn key(order: &OrderKey) -> u64 {
    xxh3_64(order.as_str().as_bytes())
}

impl Orders {
    /// Somebody tells of an order.
    pub(super) fn tell(&mut self, key: u64, at: Timestamp, value: Option<Money>) -> Told {
        let Some(order) = self.0.iter_mut().find(|order| order.key == key) else {
            self.push(key, State::Counted(Counted { at: whole(at), value }));
            return Told::New;
        };
        match &mut order.state {
            State::Counted(Counted { value: unknown @ None, .. }) if value.is_some() => {
                *unknown = value;
                Told::Value
            }
            State::Counted(_) | State::Cancelled | State::Gone => Told::Known,
        }
    }

    /// An order is cancelled. What of it was counted.
    pub(super) fn cancel(&mut self, key: u64) -> Option<Counted> {
        let Some(order) = self.0.iter_mut().find(|order| order.key == key) else {
            self.push(key, State::Cancelled);
            return None;
        };
        match std::mem::replace(&mut order.state, State::Cancelled) {
            State::Counted(counted) => Some(counted),
            State::Cancelled | State::Gone => None,
        }
    }

    /// Whether it left with a login.
    pub(super) fn has_left(&self, order: Option<&OrderKey>) -> bool {
        order.map(key).is_some_and(|key| self.0.iter().any(|own| own.key == key && own.state == State::Gone))
    }

    /// When the last of those that count was placed.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.counted().map(|(_, counted)| counted.at).max()
    }

    /// Whether there is more than those that have left.
    pub(super) fn are_held(&self) -> bool {
        self.0.iter().any(|order| order.state != State::Gone)
    }

    /// Those that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = (u64, Counted)> + '_ {
        self.0.iter().filter_map(|order| match order.state {
            State::Counted(counted) => Some((order.key, counted)),
            State::Cancelled | State::Gone => None,
        })
    }

    /// They leave with a login. That they were told stays known, so that none of them counts here again.
    pub(super) fn leave(&mut self) -> Self {
        let mut left = self.clone();
        left.0.retain(|order| order.state != State::Gone);
        self.0.iter_mut().for_each(|order| order.state = State::Gone);
        left
    }

    /// What was cancelled there will not count here.
    pub(super) fn heed(&mut self, others: &Self) {
        let cancelled = others.0.iter().filter(|order| order.state == State::Cancelled);
        for order in cancelled {
            if self.0.iter().all(|own| own.key != order.key) {
                self.push(order.key, State::Cancelled);
            }
        }
    }

    /// About how many bytes they take.
    pub(super) fn weight(&self) -> usize {
        self.0.len() * size_of::<Order>()
    }

    fn push(&mut self, key: u64, state: State) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Order { key, state });
    }
}

/// An order in few bytes: its hash alone, or with a mark, its time, its value.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Gone(u64),
    Cancelled([u64; 1]),
    Counted(u64, i64),
    Valued(u64, i64, i64, Currency),
}

impl From<Written> for Order {
    fn from(written: Written) -> Self {
        let counted = |second, value| {
            // Written by `Counted`, so it is a moment.
            let at = Timestamp::from_second(second).unwrap_or_default();
            State::Counted(Counted { at, value })
        };
        let (key, state) = match written {
            Written::Gone(key) => (key, State::Gone),
            Written::Cancelled([key]) => (key, State::Cancelled),
            Written::Counted(key, second) => (key, counted(second, None)),
            Written::Valued(key, second, minor, currency) => (key, counted(second, Some(Money { minor, currency }))),
        };
        Self { key, state }
    }
}

impl From<Order> for Written {
    fn from(order: Order) -> Self {
        let key = order.key;
        match order.state {
            State::Gone => Self::Gone(key),
            State::Cancelled => Self::Cancelled([key]),
            State::Counted(Counted { at, value: None }) => Self::Counted(key, at.as_second()),
            State::Counted(Counted { at, value: Some(Money { minor, currency }) }) => {
                Self::Valued(key, at.as_second(), minor, currency)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euros(minor: i64) -> Option<Money> {
        Some(Money { minor, currency: Currency::parse("EUR").unwrap() })
    }

    #[test]
    fn orders_are_written_in_few_bytes_and_read_as_they_were() {
        let at = Timestamp::from_second(1_767_268_800).unwrap();
        let mut orders = Orders::default();
        assert_eq!(orders.tell(1, at, None), Told::New);
        orders.leave();
        assert_eq!(orders.tell(2, at, None), Told::New);
        assert_eq!(orders.tell(3, at, euros(-5)), Told::New);
        assert_eq!(orders.cancel(u64::MAX), None);
        let written = serde_json::to_string(&orders).unwrap();
        assert_eq!(written, "[1,[2,1767268800],[3,1767268800,-5,\"EUR\"],[18446744073709551615]]");
        assert_eq!(serde_json::from_str::<Orders>(&written).unwrap(), orders);
        assert!(serde_json::from_str::<Orders>("[[1,2,3]]").is_err());
    }

    #[test]
    fn the_two_hundred_told_last_are_remembered() {
        let mut orders = Orders::default();
        (0..300).for_each(|key| assert_eq!(orders.tell(key, Timestamp::UNIX_EPOCH, None), Told::New));
        assert_eq!(orders.counted().count(), MOST);
        assert_eq!(orders.tell(100, Timestamp::UNIX_EPOCH, euros(1)), Told::Value);
    }
}
