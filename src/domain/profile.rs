//! What is known of a shopper beyond the session: visits and purchases.

use super::ids::ProductKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The long-lived part of what is known of one shopper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Visits so far: events more than thirty minutes apart are of two visits.
    pub visits: u32,
    /// Completed orders.
    pub orders: u32,
    /// Products bought, most recent last; at most [`Profile::CAP`]. Shared as the session's events are.
    pub bought: Arc<Vec<Purchase>>,
    /// Grows with every change: part of each decision's cache key.
    pub revision: u64,
}

impl Profile {
    /// How many purchases are kept.
    pub const CAP: usize = 200;
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
