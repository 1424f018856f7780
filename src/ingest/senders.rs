//! Who may deliver webhooks, and which deliveries came already.

use super::deduplicate::hash;
use super::error::StartError;
use crate::platform::news::Delivery;
use crate::platform::webhooks::{self, Opened};
use arc_swap::ArcSwap;
use moka::sync::Cache;
use std::fmt;
use std::time::Duration;

/// Deliveries remembered at once.
const REMEMBERED: u64 = 500_000;
/// For how long: Shopify tries again for four hours, and may be a day late.
const REMEMBERED_FOR: Duration = Duration::from_secs(48 * 3600);

/// Who may deliver, and what was delivered.
pub(super) struct Webhooks {
    /// Swapped where secrets change while running.
    pub(super) opened: ArcSwap<(Opened, Duration)>,
    known: Cache<u128, ()>,
}

impl Webhooks {
    pub(super) fn open(config: &webhooks::Config) -> Result<Self, StartError> {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build();
        Ok(Self { opened: ArcSwap::from_pointee((webhooks::open(config)?, config.patience)), known })
    }

    /// Whether the delivery came before, by one of its ids.
    pub(super) fn knows(&self, delivery: &Delivery) -> bool {
        delivery.ids.iter().any(|id| self.known.contains_key(&hash(&[id])))
    }

    /// From now on it came before.
    pub(super) fn remember(&self, delivery: &Delivery) {
        delivery.ids.iter().for_each(|id| self.known.insert(hash(&[id]), ()));
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}
