//! De-duplication where nothing may be stored: with consent to analytics alone, event ids are remembered in memory,
//! hashed, for a day. Where events are stored, the store itself counts each id once.

use super::batch::{Batch, Rejection};
use crate::domain::ids::ShopperKey;
use moka::sync::Cache;
use std::fmt;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// Ids remembered at once.
const REMEMBERED: u64 = 500_000;
/// For how long.
const REMEMBERED_FOR: Duration = Duration::from_secs(86_400);

/// What a duplicate is told, whoever finds it.
pub(super) const MESSAGE: &str = "an event with this id was counted before; give each event an id of its own";

/// Ids seen.
pub(super) struct Seen {
    ids: Cache<u128, ()>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { ids: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build() }
    }

    /// Forgets what was seen.
    pub(super) fn clear(&self) {
        self.ids.invalidate_all();
    }

    /// Puts duplicates out.
    pub(super) fn sift(&self, who: &ShopperKey, batch: &mut Batch) {
        batch.sift(|event| {
            let first = self.ids.entry(hash(&[who.as_str(), event.id.as_str()])).or_insert(()).is_fresh();
            if first { Ok(()) } else { Err((Rejection::Duplicate, MESSAGE.to_owned())) }
        });
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen")
    }
}

/// One number for several texts; their borders count.
pub(super) fn hash(parts: &[&str]) -> u128 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.digest128()
}
