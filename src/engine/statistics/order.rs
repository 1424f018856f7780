//! Products in the order of a fading count, kept in order as events come.

use super::decay::Mass;
use crate::domain::ids::ProductKey;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The order: greatest count first, ties by key.
#[derive(Debug, Default)]
pub(super) struct Order(BTreeSet<Place>);

impl Order {
    /// Moves a product from its old count to its new one.
    pub(super) fn update(&mut self, id: u32, key: &ProductKey, old: Mass, new: Mass) {
        self.remove(id, key, old);
        self.0.insert(Place { mass: new, key: key.clone(), id });
    }

    /// Takes a product out.
    pub(super) fn remove(&mut self, id: u32, key: &ProductKey, old: Mass) {
        if old != Mass::NONE {
            self.0.remove(&Place { mass: old, key: key.clone(), id });
        }
    }

    /// From the greatest.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &ProductKey)> {
        self.0.iter().map(|place| (place.id, &place.key))
    }
}

#[derive(Debug)]
struct Place {
    mass: Mass,
    key: ProductKey,
    id: u32,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        other.mass.total_cmp(self.mass).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}
