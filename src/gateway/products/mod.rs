//! Products kept for a few seconds: what the platform answered to a look-up is shown again to whoever would have been
//! answered the same.
//!
//! What finds a kept product is its key and the [`Context`] of the look-up, which is made of everything that is sent to
//! the platform: see [`key`]. What is kept are the platform's own bytes, so that each operation reads them by its own plan.
//!
//! A product is *fresh* for some seconds, then *stale*: it is shown once more and looked up again beside the request. What
//! the platform does not have or cannot sell is kept for a moment only. A webhook ends all of it at once
//! ([`Products::invalidate`]), whatever is on its way at that moment. Why so: [ADR 6](../../docs/adr/0006-kept-products.md).

mod changed;
pub mod key;

use crate::domain::ids::ProductKey;
use bytes::Bytes;
use bytesize::ByteSize;
use changed::Changed;
use key::Context;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Nothing is kept longer, whatever the configuration says.
pub const LONGEST: Duration = Duration::from_secs(600);
/// Look-ups beside requests at one moment. More than that wait for the next request that shows the product.
const REFRESHING: usize = 32;

/// `[products]`: products that slates show, kept between requests. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a product is shown without asking the platform again; `0s`: products are not kept. Default: 5s.
    #[serde(with = "humantime_serde")]
    pub fresh: Duration,
    /// How long after that it is shown once more while it is looked up again; `0s`: not at all. With the time before it at
    /// most ten minutes. Default: 30s.
    #[serde(with = "humantime_serde")]
    pub stale: Duration,
    /// How long is remembered that the platform does not have a product, or cannot sell it. Default: 1s.
    #[serde(with = "humantime_serde")]
    pub missing: Duration,
    /// Memory for them. Read at the start only. Default: 16 MiB.
    pub memory: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(5),
            stale: Duration::from_secs(30),
            missing: Duration::from_secs(1),
            memory: ByteSize::mib(16),
        }
    }
}

/// Where a product is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    context: Context,
    product: ProductKey,
}

/// What the platform answered.
struct Kept {
    /// `None`: it does not have it, or cannot sell it.
    product: Option<Bytes>,
    /// When it was asked, which is before it answered.
    asked: Instant,
    /// Whether somebody looks it up again.
    renewing: AtomicBool,
}

/// What is known of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing that may be shown.
    Nothing,
    /// As the platform had it a moment ago; `None`: it did not, or could not sell it.
    Fresh(Option<Bytes>),
    /// To be shown once more. `renew`: it is this caller's to look up again.
    Stale {
        /// The product.
        product: Bytes,
        /// Whether nobody does so yet.
        renew: bool,
    },
}

/// The products of the last seconds. Clones share them.
#[derive(Clone)]
pub struct Products(Arc<Shared>);

struct Shared {
    kept: Cache<Place, Arc<Kept>, ahash::RandomState>,
    changed: Changed,
    config: RwLock<Config>,
    room: Arc<Semaphore>,
}

impl Products {
    /// None yet.
    pub fn new(config: &Config) -> Self {
        let weigh = |place: &Place, kept: &Arc<Kept>| {
            let held = place.product.as_str().len() + kept.product.as_ref().map_or(0, Bytes::len);
            // The key, the entry, and what the table keeps beside both.
            u32::try_from(held + size_of::<Place>() + size_of::<Kept>() + 256).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder()
            .max_capacity(config.memory.as_u64())
            .weigher(weigh)
            .time_to_live(LONGEST)
            .build_with_hasher(ahash::RandomState::new());
        let (changed, config) = (Changed::default(), RwLock::new(config.clone()));
        Self(Arc::new(Shared { kept, changed, config, room: Arc::new(Semaphore::new(REFRESHING)) }))
    }

    /// Keeps products for other times from now on. The memory stays what it was.
    pub fn configure(&self, config: &Config) {
        // The settings are written as a whole, so a panic elsewhere leaves none half written.
        *self.0.config.write().unwrap_or_else(std::sync::PoisonError::into_inner) = config.clone();
    }

    /// How long what is kept may be shown, from the time at which the platform was asked.
    pub fn times(&self) -> Times {
        let config = self.0.config.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fresh = config.fresh.min(LONGEST);
        Times { fresh, until: fresh.saturating_add(config.stale).min(LONGEST), missing: config.missing.min(fresh) }
    }

    /// A product of which something changed: whatever was asked before this moment is not shown any more, in no context.
    /// Cheap, and never waits.
    pub fn invalidate(&self, product: &ProductKey) {
        self.0.changed.note(product, Instant::now());
    }

    /// Forgets all of them, and what is on its way at this moment.
    pub fn clear(&self) {
        self.0.changed.note_all(Instant::now());
        self.0.kept.invalidate_all();
        self.0.kept.run_pending_tasks();
    }

    /// What is known of a product in this context.
    pub fn find(&self, context: Context, product: &ProductKey, times: Times, now: Instant) -> Found {
        let place = Place { context, product: product.clone() };
        let Some(kept) = self.0.kept.get(&place) else { return Found::Nothing };
        let age = now.saturating_duration_since(kept.asked);
        if self.0.changed.since(product, kept.asked) {
            return Found::Nothing;
        }
        match &kept.product {
            None if age < times.missing => Found::Fresh(None),
            Some(product) if age < times.fresh => Found::Fresh(Some(product.clone())),
            Some(product) if age < times.until => {
                let renew = !kept.renewing.swap(true, Ordering::Relaxed);
                Found::Stale { product: product.clone(), renew }
            }
            _ => Found::Nothing,
        }
    }

    /// Keeps what the platform answered. `asked`: when it was asked.
    pub fn keep(&self, context: Context, product: &ProductKey, answer: Option<Bytes>, asked: Instant) {
        let place = Place { context, product: product.clone() };
        let kept = Kept { product: answer, asked, renewing: AtomicBool::new(false) };
        self.0.kept.insert(place, Arc::new(kept));
    }

    /// Leave to look up again beside the request; `None` where enough others do so.
    pub fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.room).try_acquire_owned().ok()
    }

    /// Nothing came of looking a product up again: the next request that shows it may try.
    pub fn left(&self, context: Context, product: &ProductKey) {
        if let Some(kept) = self.0.kept.get(&Place { context, product: product.clone() }) {
            kept.renewing.store(false, Ordering::Relaxed);
        }
    }
}

/// How long what is kept may be shown, from the time at which the platform was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    fresh: Duration,
    /// Fresh and stale together.
    until: Duration,
    missing: Duration,
}

impl Times {
    /// Whether anything is kept at all.
    pub fn keeps(self) -> bool {
        !self.fresh.is_zero()
    }
}

impl fmt::Debug for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Products").field("kept", &self.0.kept.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(text: &str) -> ProductKey {
        ProductKey::new(text)
    }

    fn shown(text: &'static str) -> Option<Bytes> {
        Some(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_product_is_fresh_then_shown_once_more_and_looked_up_again_by_one_then_gone() {
        let (products, context, asked) = (Products::new(&Config::default()), Context::test(1), Instant::now());
        let at = |seconds| products.find(context, &key("p"), products.times(), asked + SECOND * seconds);
        assert_eq!(at(0), Found::Nothing);
        products.keep(context, &key("p"), shown("{}"), asked);
        assert_eq!((at(0), at(4)), (Found::Fresh(shown("{}")), Found::Fresh(shown("{}"))));
        let stale = |renew| Found::Stale { product: Bytes::from_static(b"{}"), renew };
        assert_eq!((at(5), at(5), at(34)), (stale(true), stale(false), stale(false)));
        products.left(context, &key("p"));
        assert_eq!((at(6), at(35)), (stale(true), Found::Nothing));
        products.keep(context, &key("p"), shown("[]"), asked + SECOND * 6);
        assert_eq!(at(10), Found::Fresh(shown("[]")));
        assert_eq!(products.find(Context::test(2), &key("p"), products.times(), asked), Found::Nothing);
    }

    #[test]
    fn what_the_platform_does_not_have_is_remembered_for_a_moment_and_never_shown_stale() {
        let (products, context, asked) = (Products::new(&Config::default()), Context::test(1), Instant::now());
        products.keep(context, &key("p"), None, asked);
        let after = |millis| products.find(context, &key("p"), products.times(), asked + Duration::from_millis(millis));
        assert_eq!((after(900), after(1000), after(6000)), (Found::Fresh(None), Found::Nothing, Found::Nothing));
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_shown_in_any_context_even_where_the_answer_comes_after_it() {
        let (products, asked) = (Products::new(&Config::default()), Instant::now());
        for context in [1, 2] {
            products.keep(Context::test(context), &key("p"), shown("{}"), asked);
            products.keep(Context::test(context), &key("other"), shown("{}"), asked);
        }
        products.invalidate(&key("p"));
        let find = |context, product: &str| {
            products.find(Context::test(context), &key(product), products.times(), Instant::now())
        };
        assert_eq!((find(1, "p"), find(2, "p")), (Found::Nothing, Found::Nothing));
        assert_eq!(find(1, "other"), Found::Fresh(shown("{}")));
        // On its way when the product changed.
        products.keep(Context::test(1), &key("p"), shown("{}"), asked);
        assert_eq!(find(1, "p"), Found::Nothing);
        products.keep(Context::test(1), &key("p"), shown("{}"), Instant::now() + SECOND);
        assert_eq!(find(1, "p"), Found::Fresh(shown("{}")));
    }

    #[test]
    fn memory_is_bounded_by_bytes_and_times_by_ten_minutes() {
        let config = Config { memory: ByteSize::kib(64), stale: Duration::from_secs(1 << 40), ..Config::default() };
        let products = Products::new(&config);
        for number in 0..1000 {
            let asked = Instant::now();
            products.keep(Context::test(1), &key(&number.to_string()), Some(Bytes::from(vec![b'x'; 1000])), asked);
        }
        products.0.kept.run_pending_tasks();
        assert!(products.0.kept.weighted_size() <= 64 << 10);
        assert!((1..65).contains(&products.0.kept.entry_count()));
        assert_eq!(products.times().until, LONGEST);
        products.configure(&Config { fresh: Duration::ZERO, ..Config::default() });
        assert!(!products.times().keeps());
    }
}
