//! Documents that clients have shown once and name by hash from then on (automatic persisted queries).
//!
//! The key is the SHA-256 of the text, checked before anything is kept: who sends another text under a hash is refused,
//! so nobody can put a document in another's place. What is kept is bounded by bytes; a newcomer takes the place of a
//! document only where it is asked for more often (TinyLFU), so a flood of documents that are shown once does not drive
//! out those that a storefront lives on. One that was driven out costs its client a second request and nothing else.

use std::sync::Arc;

/// What is known by hash. Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub struct Remembered {
    texts: moka::sync::Cache<[u8; 32], Arc<str>, ahash::RandomState>,
}

impl Remembered {
    /// Nothing known; at most about `memory` bytes from now on.
    pub fn new(memory: u64) -> Self {
        // The key, the counters of the text and the place in the table.
        let weigh = |_: &[u8; 32], text: &Arc<str>| u32::try_from(text.len() + 160).unwrap_or(u32::MAX);
        let builder = moka::sync::Cache::builder().max_capacity(memory).weigher(weigh);
        Self { texts: builder.build_with_hasher(ahash::RandomState::new()) }
    }

    /// The document of a hash.
    pub fn get(&self, hash: &[u8; 32]) -> Option<Arc<str>> {
        self.texts.get(hash)
    }

    /// Keeps a document. The hash must be that of the text, and the text within the limits.
    pub(super) fn insert(&self, hash: [u8; 32], text: Arc<str>) {
        self.texts.insert(hash, text);
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.texts.invalidate_all();
        self.texts.run_pending_tasks();
    }

    /// About how many bytes are kept, for the bound's test.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.texts.run_pending_tasks();
        self.texts.weighted_size()
    }
}
