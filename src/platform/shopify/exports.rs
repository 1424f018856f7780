//! What a bulk operation of the Admin API is asked for. Field names as of API version 2026-04, by Shopify's documentation.

use jiff::civil::Date;

/// What a shop exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its orders with their lines.
    Orders,
}

/// The members of a line that are read, whatever it is a line of.
const LINES: &str = "lineItems { edges { node { id quantity product { id } variant { id } \
    originalUnitPriceSet { shopMoney { amount currencyCode } } } } }";

impl What {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
        }
    }

    /// What its file is called, without an ending.
    pub fn file(self) -> &'static str {
        match self {
            Self::Orders => "orders",
        }
    }

    /// What the token needs for it.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Orders => "scope read_orders, and read_all_orders beyond 60 days",
        }
    }

    /// The query that a bulk operation runs, of what was created from this day on.
    pub fn query(self, since: Date) -> String {
        match self {
            Self::Orders => format!(
                "{{ orders(query: \"created_at:>={since}\") {{ edges {{ node {{ id createdAt processedAt cancelledAt test \
                 currencyCode currentTotalPriceSet {{ shopMoney {{ amount }} }} customer {{ id }} \
                 customAttributes {{ key value }} {LINES} }} }} }} }}"
            ),
        }
    }
}
