//! What every resolver of one request can see: the store, the market, and how much work is left to this request.

use super::value::{Value, error};
use crate::demo::market::Market;
use crate::demo::store::Store;
use apollo_compiler::resolvers::FieldError;
use std::cell::Cell;

/// The context of one request.
pub(super) struct Scene<'s> {
    pub(super) store: &'s Store,
    pub(super) market: Market,
    /// The country that the request named, or the primary market's.
    pub(super) country: &'s str,
    /// `EN` or `DE`.
    pub(super) german: bool,
    /// Scheme and authority by which the client reached the store, for the addresses of pictures.
    pub(super) origin: &'s str,
    budget: Cell<u32>,
}

/// Units of work a request may cost. A field of an object costs 1, a scan of the catalogue 100, a page its items.
/// A page of 250 products with all fields costs some 20,000.
const BUDGET: u32 = 400_000;

impl<'s> Scene<'s> {
    pub(super) fn new(store: &'s Store, country: &'s str, german: bool, origin: &'s str) -> Self {
        let market = Market::of_country(country);
        Self { store, market, country, german, origin, budget: Cell::new(BUDGET) }
    }

    /// Takes from what is left. Errors: nothing is left, and the client should ask for less.
    pub(super) fn charge(&self, units: usize) -> Result<(), FieldError> {
        let left = self.budget.get().checked_sub(u32::try_from(units).unwrap_or(u32::MAX));
        self.budget.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(()),
            None => Err(error("The query costs more than one request may: ask for fewer items or fewer levels.")),
        }
    }

    /// A price in the market's currency.
    pub(super) fn money(&self, minor: i64) -> Value<'s> {
        money(self.market, minor)
    }

    /// A path on the store as a full address.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// An amount in the currency of a market.
pub(super) fn money<'s>(market: Market, minor: i64) -> Value<'s> {
    let fields = vec![("amount", Value::leaf(market.amount(minor))), ("currencyCode", Value::leaf(market.currency()))];
    Value::record("MoneyV2", fields)
}
