//! What a run has found, by a number of the plan and an entity's key.

use std::collections::HashMap;

/// One table for each number. Looking something up copies no key.
#[derive(Debug)]
pub(super) struct Keyed<V> {
    tables: Vec<HashMap<Box<str>, V, ahash::RandomState>>,
    len: usize,
}

impl<V: Copy> Keyed<V> {
    /// Empty, for numbers below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self { tables: (0..count).map(|_| HashMap::default()).collect(), len: 0 }
    }

    /// How many there are in all.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What was put there.
    pub(super) fn get(&self, number: usize, key: &str) -> Option<V> {
        self.tables.get(number)?.get(key).copied()
    }

    /// Puts something there, over what there was. A number that the plan does not have is passed over.
    pub(super) fn insert(&mut self, number: usize, key: Box<str>, value: V) {
        if let Some(table) = self.tables.get_mut(number) {
            self.len += usize::from(table.insert(key, value).is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_mix_and_each_key_counts_once() {
        let mut keyed = Keyed::new(2);
        keyed.insert(0, "a".into(), 1);
        keyed.insert(1, "a".into(), 2);
        keyed.insert(1, "a".into(), 3);
        keyed.insert(2, "a".into(), 4);
        assert_eq!((keyed.get(0, "a"), keyed.get(1, "a"), keyed.get(2, "a"), keyed.len()), (Some(1), Some(3), None, 2));
    }
}
