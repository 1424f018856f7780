//! How many events one shopper may send: a token bucket each, in bounded memory.

use super::batch::{Batch, Rejection};
use super::config;
use crate::domain::ids::ShopperKey;
use moka::sync::Cache;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether a shopper's rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Sent by a shopper's own client.
    Limited,
    /// Sent by the platform, or taken before and only done now.
    Free,
}

/// Shoppers remembered at once. One who was forgotten starts with a full bucket.
const REMEMBERED: u64 = 100_000;

/// The buckets.
pub(super) struct Limit {
    buckets: Cache<ShopperKey, Arc<Mutex<Bucket>>>,
    burst: f64,
    per_second: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Events that may still come.
    left: f64,
    /// When that was worked out.
    at: Instant,
}

impl Limit {
    pub(super) fn new(config: &config::Events) -> Self {
        let (burst, per_second) = (f64::from(config.burst), f64::from(config.per_minute) / 60.0);
        // A bucket that has been idle until full again need not be remembered.
        let idle = Duration::from_secs_f64((burst / per_second.max(0.001)).clamp(1.0, 86_400.0));
        Self { buckets: Cache::builder().max_capacity(REMEMBERED).time_to_idle(idle).build(), burst, per_second }
    }

    /// Puts out what is beyond the shopper's rate.
    pub(super) fn admit(&self, batch: &mut Batch, who: &ShopperKey, now: Instant) {
        let taken = self.take(who, batch.left(), now);
        let message = "this shopper sends too many events; send it again in a minute";
        batch.refuse_beyond(taken, Rejection::RateLimited, message);
    }

    /// Forgets everyone's rate.
    pub(super) fn clear(&self) {
        self.buckets.invalidate_all();
    }

    /// Takes up to `wanted` from the shopper's bucket; the answer is how many there were.
    fn take(&self, who: &ShopperKey, wanted: usize, now: Instant) -> usize {
        let bucket = self.buckets.get_with_by_ref(who, || Arc::new(Mutex::new(Bucket { left: self.burst, at: now })));
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * self.per_second).min(self.burst);
        bucket.at = now;
        let taken = (0..wanted).take_while(|_| {
            let some = bucket.left >= 1.0;
            if some {
                bucket.left -= 1.0;
            }
            some
        });
        taken.count()
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_refills_and_is_each_shoppers_own() {
        let config = config::Events { per_minute: 60, burst: 3, ..config::Events::default() };
        let limit = Limit::new(&config);
        let (one, two) = (ShopperKey::new("one"), ShopperKey::new("two"));
        let start = Instant::now();
        assert_eq!(limit.take(&one, 5, start), 3);
        assert_eq!(limit.take(&one, 5, start), 0);
        assert_eq!(limit.take(&two, 1, start), 1);
        assert_eq!(limit.take(&one, 5, start + Duration::from_secs(2)), 2);
        assert_eq!(limit.take(&one, 5, start + Duration::from_secs(60)), 3);
    }
}
