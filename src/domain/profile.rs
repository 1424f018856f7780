//! What is known of a shopper beyond the session: visits, orders with their value, and purchases. All of it is stored and
//! read with consent to preferences alone.

use super::ids::ProductKey;
use super::money::{Currency, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The long-lived part of what is known of one shopper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Visits so far: events more than thirty minutes apart are of two visits.
    pub visits: u32,
    /// Completed orders, by whomever they were told.
    pub orders: u32,
    /// When the last of them was placed, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Timestamp>,
    /// What the platform told of their value, currency by currency; at most [`Profile::CURRENCIES`]. Nothing that a client
    /// tells is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<Spent>,
    /// Products bought, most recent last; at most [`Profile::CAP`]. Shared as the session's events are.
    pub bought: Arc<Vec<Purchase>>,
    /// Grows with every change: part of each decision's cache key.
    pub revision: u64,
}

impl Profile {
    /// How many purchases are kept.
    pub const CAP: usize = 200;
    /// In how many currencies value is counted; orders in a further one count in number alone.
    pub const CURRENCIES: usize = 4;

    /// Orders whose value the platform told.
    pub fn valued(&self) -> u32 {
        self.spent.iter().fold(0, |sum, spent| sum.saturating_add(spent.orders))
    }

    /// What was spent in a currency, in its minor units.
    pub fn spent_in(&self, currency: Currency) -> i64 {
        self.spent.iter().find(|spent| spent.total.currency == currency).map_or(0, |spent| spent.total.minor)
    }

    /// Counts the value of one order.
    pub fn spend(&mut self, value: Money) {
        let room = self.spent.len() < Self::CURRENCIES;
        let own = self.spent.iter_mut().find(|spent| spent.total.currency == value.currency);
        match own {
            Some(spent) => {
                spent.orders = spent.orders.saturating_add(1);
                spent.total.minor = spent.total.minor.saturating_add(value.minor);
            }
            None if room => self.spent.push(Spent { orders: 1, total: value }),
            None => {}
        }
    }

    /// Takes back what [`Profile::spend`] counted.
    pub fn refund(&mut self, value: Money) {
        for spent in self.spent.iter_mut().filter(|spent| spent.total.currency == value.currency) {
            spent.orders = spent.orders.saturating_sub(1);
            spent.total.minor = spent.total.minor.saturating_sub(value.minor);
        }
        self.spent.retain(|spent| spent.orders > 0);
    }
}

/// The value of orders in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// How many orders.
    pub orders: u32,
    /// Their value together.
    pub total: Money,
}

/// A product that the shopper has bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The product.
    pub product: ProductKey,
    /// When it was last bought.
    pub last: Timestamp,
    /// In how many orders.
    pub times: u32,
}
