//! The markets the demo store sells in, and how a price in one becomes a price in the other.

use crate::domain::money::{Currency, Money};

/// A market: its own currency, its own assortment, its own stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Market {
    /// United States and every country that no other market has: US dollars.
    Us,
    /// Germany and Austria: euros.
    De,
}

impl Market {
    /// Every market, in the order in which prices and stock are kept.
    pub const ALL: [Market; 2] = [Market::Us, Market::De];

    /// The market of an ISO 3166-1 country, or the primary one.
    pub fn of_country(country: &str) -> Self {
        match country {
            "DE" | "AT" => Market::De,
            _ => Market::Us,
        }
    }

    /// Position in [`Market::ALL`].
    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// The country that stands for the market.
    pub(super) fn country(self) -> &'static str {
        match self {
            Market::Us => "US",
            Market::De => "DE",
        }
    }

    /// ISO 4217 code.
    pub(super) fn currency(self) -> &'static str {
        match self {
            Market::Us => "USD",
            Market::De => "EUR",
        }
    }

    /// The decimal of an amount in this market's minor units (both currencies have two places).
    pub(super) fn amount(self, minor: i64) -> String {
        match Currency::parse(self.currency()) {
            Some(currency) => Money { minor, currency }.amount(),
            None => String::new(),
        }
    }

    /// The price here of something that costs so many US cents: euro prices are rounded to end in ,95.
    pub(super) fn price(self, cents: i64) -> i64 {
        match self {
            Market::Us => cents,
            Market::De => ((cents * 94 / 100 + 50) / 100 * 100 - 5).max(95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_stay_in_whole_minor_units_of_each_market() {
        assert_eq!(Market::De.price(10_000), 9_395);
        assert_eq!(Market::De.amount(9_395), "93.95");
        assert_eq!(Market::Us.amount(5), "0.05");
        assert_eq!(Market::of_country("AT"), Market::De);
        assert_eq!(Market::of_country("JP"), Market::Us);
    }
}
