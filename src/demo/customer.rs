//! The customers one can log in as. Customer `n` is the history's `shopper-n`, and the orders are the ones in it.

use crate::domain::event::{Event, EventType, Line};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use rand::RngExt;
use std::sync::OnceLock;
use std::time::Duration;

/// How many customers there are: `shopper-1@outfitter.example` and so on.
pub(super) const CUSTOMERS: usize = 8;
/// The password of every one of them.
pub const PASSWORD: &str = "outfitter-demo";
/// How long a token is good for.
const GOOD: Duration = Duration::from_secs(24 * 3600);
/// Tokens kept at once.
const KEPT: u64 = 5_000;

/// First and last name, market-neutral.
const NAMES: [(&str, &str); CUSTOMERS] = [
    ("Ana", "Alder"),
    ("Ben", "Birch"),
    ("Cleo", "Calder"),
    ("Dag", "Dorset"),
    ("Elif", "Ember"),
    ("Finn", "Fjord"),
    ("Greta", "Glen"),
    ("Hugo", "Heron"),
];

/// A completed order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub number: u64,
    pub at: Timestamp,
    pub lines: Vec<Line>,
}

/// The customers of a store and the tokens of those who have logged in.
pub(super) struct Customers {
    tokens: Cache<String, (usize, Timestamp)>,
    orders: [OnceLock<Vec<Order>>; CUSTOMERS],
}

impl Customers {
    pub(super) fn new() -> Self {
        let tokens = Cache::builder().max_capacity(KEPT).time_to_live(GOOD).build();
        Self { tokens, orders: [const { OnceLock::new() }; CUSTOMERS] }
    }

    /// A token for the customer with this address and password, and when it ends.
    pub(super) fn log_in(&self, email: &str, password: &str) -> Option<(String, Timestamp)> {
        let customer = (0..CUSTOMERS).find(|at| self::email(*at).eq_ignore_ascii_case(email.trim()))?;
        (password == PASSWORD).then(|| self.issue(customer))
    }

    fn issue(&self, customer: usize) -> (String, Timestamp) {
        let mut random = rand::rng();
        let (one, two): (u128, u64) = (random.random(), random.random());
        let token = format!("{one:032x}{two:016x}");
        let ends = Timestamp::now() + SignedDuration::try_from(GOOD).unwrap_or_default();
        self.tokens.insert(token.clone(), (customer, ends));
        (token, ends)
    }

    /// The customer of a token, from 0.
    pub(super) fn of(&self, token: &str) -> Option<usize> {
        self.tokens.get(token).map(|(customer, _)| customer)
    }

    /// Ends a token. False: it was none.
    pub(super) fn log_out(&self, token: &str) -> bool {
        self.tokens.remove(token).is_some()
    }

    /// A new token for an old one, which ends.
    pub(super) fn renew(&self, token: &str) -> Option<(String, Timestamp)> {
        let (customer, _) = self.tokens.remove(token)?;
        Some(self.issue(customer))
    }

    /// The orders of a customer, oldest first, from the history the first time.
    pub(super) fn orders(&self, customer: usize, history: impl FnOnce() -> Vec<Event>) -> &[Order] {
        let Some(known) = self.orders.get(customer) else { return &[] };
        known.get_or_init(|| {
            let completed = history().into_iter().filter(|it| it.kind == EventType::CheckoutCompleted);
            let order = |it: Event| {
                let number = it.order.as_ref()?.as_str().rsplit('/').next()?.parse().ok()?;
                Some(Order { number, at: it.at, lines: it.lines })
            };
            completed.filter_map(order).collect()
        })
    }
}

/// The address of a customer, from 0.
pub(super) fn email(customer: usize) -> String {
    format!("shopper-{}@outfitter.example", customer + 1)
}

/// First and last name.
pub(super) fn name(customer: usize) -> (&'static str, &'static str) {
    NAMES.get(customer).copied().unwrap_or(("Demo", "Customer"))
}
