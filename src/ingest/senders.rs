//! Who may deliver webhooks, and which deliveries came already: remembered in the store that replicas share, and in this
//! process for when that is away.

use super::config::Config;
use super::deduplicate::hash;
use super::error::StartError;
use crate::platform::news::Delivery;
use crate::platform::webhooks::{self, Opened};
use crate::store::ShopStore;
use arc_swap::ArcSwap;
use moka::sync::Cache;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Deliveries remembered at once in this process.
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
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build();
        let opened = webhooks::open(&config.webhooks, config.customer.consent.as_ref())?;
        Ok(Self { opened: ArcSwap::from_pointee((opened, config.webhooks.patience)), known })
    }

    /// Whether the delivery came before, by one of its ids, to this process or to another replica. A store that does not
    /// answer until then knows nothing: each event still counts once by its own id.
    pub(super) async fn knows(&self, store: &dyn ShopStore, delivery: &Delivery, until: Instant) -> bool {
        let hashes: Vec<u128> = hashes(delivery).collect();
        if hashes.iter().any(|hash| self.known.contains_key(hash)) {
            return true;
        }
        matches!(timeout_at(until, store.knows(&names(&hashes))).await, Ok(Ok(true)))
    }

    /// From now on it came before, here and, where the store answers, everywhere.
    pub(super) async fn remember(&self, store: &dyn ShopStore, delivery: &Delivery, until: Instant) {
        let hashes: Vec<u128> = hashes(delivery).collect();
        hashes.iter().for_each(|hash| self.known.insert(*hash, ()));
        let told = timeout_at(until, store.remember(&names(&hashes), REMEMBERED_FOR)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("a delivery is remembered by this process alone: the store does not answer");
        }
    }
}

fn hashes(delivery: &Delivery) -> impl Iterator<Item = u128> + '_ {
    delivery.ids.iter().map(|id| hash(&[id]))
}

fn names(hashes: &[u128]) -> Vec<String> {
    hashes.iter().map(|hash| format!("{hash:032x}")).collect()
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}
