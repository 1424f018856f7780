//! Items in numbers: row 0 is padding, items have the rows from 1 in the order of their keys.
//!
//! Invariant: the same set of keys has the same rows and the same hash, in whatever order it came. A model names the
//! hash, so that weights are never read with another vocabulary's rows.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// The row that stands for no item.
pub const PADDING: u32 = 0;

/// Why keys make no vocabulary.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VocabularyError {
    /// A key without characters.
    #[error("a vocabulary holds an empty key; leave the item out")]
    Empty,
    /// More keys than rows can be numbered.
    #[error("a vocabulary of {0} items; the most are {max}", max = Vocabulary::MAX)]
    TooMany(usize),
}

/// The items that a model knows by number.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// By row, less one.
    keys: Vec<Arc<str>>,
    rows: HashMap<Arc<str>, u32, ahash::RandomState>,
}

impl Vocabulary {
    /// The most items of a vocabulary.
    pub const MAX: usize = 20_000_000;

    /// Takes each key once.
    ///
    /// # Errors
    /// A key is empty, or there are more than [`Vocabulary::MAX`].
    pub fn new<K: Into<Arc<str>>>(keys: impl IntoIterator<Item = K>) -> Result<Self, VocabularyError> {
        let mut keys: Vec<Arc<str>> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.first().is_some_and(|key| key.is_empty()) {
            return Err(VocabularyError::Empty);
        }
        if keys.len() > Self::MAX {
            return Err(VocabularyError::TooMany(keys.len()));
        }
        let rows = keys.iter().zip(1u32..).map(|(key, row)| (key.clone(), row)).collect();
        Ok(Self { keys, rows })
    }

    /// The row of an item, from 1.
    pub fn row(&self, key: &str) -> Option<u32> {
        self.rows.get(key).copied()
    }

    /// The item of a row; none for padding.
    pub fn key(&self, row: u32) -> Option<&Arc<str>> {
        self.keys.get((row as usize).checked_sub(1)?)
    }

    /// Rows of a table with one for each item and one for padding.
    pub fn rows(&self) -> usize {
        self.keys.len() + 1
    }

    /// The keys by row, from row 1.
    pub fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// SHA-256 of the keys in order, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for key in &self.keys {
            // With its length, so that no two lists of keys read alike.
            hash.update((key.len() as u64).to_le_bytes());
            hash.update(key.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_keys_whatever_their_order_and_number_of_times() {
        let one = Vocabulary::new(["b", "a", "c", "a"]).unwrap();
        let other = Vocabulary::new(["c", "b", "a"]).unwrap();
        assert_eq!((one.rows(), one.hash()), (4, other.hash()));
        assert_eq!((one.row("a"), one.row("c"), one.row("z")), (Some(1), Some(3), None));
        assert_eq!(one.key(2).map(|key| &**key), Some("b"));
        assert_eq!((one.key(PADDING), one.key(4)), (None, None));
    }

    #[test]
    fn keys_that_join_to_the_same_text_hash_differently() {
        let one = Vocabulary::new(["ab", "c"]).unwrap();
        let other = Vocabulary::new(["a", "bc"]).unwrap();
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn an_empty_key_is_refused_and_no_keys_are_a_vocabulary() {
        assert_eq!(Vocabulary::new(["a", ""]).unwrap_err(), VocabularyError::Empty);
        assert_eq!(Vocabulary::new(Vec::<&str>::new()).unwrap().rows(), 1);
    }
}
