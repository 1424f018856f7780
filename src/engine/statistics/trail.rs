//! The last few products of each shopper, so that the next one makes pairs with them. Bounded, short-lived, erasable.

use crate::domain::event::EventType;
use crate::domain::ids::ShopperKey;
use ahash::AHashMap;
use jiff::Timestamp;

/// One product on a trail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) item: u32,
    pub(super) kind: EventType,
    pub(super) at: Timestamp,
}

/// How far back pairs reach.
pub(super) const LENGTH: usize = 6;

/// Trails of recent shoppers, in two generations: when the young one is full it becomes the old one and the old one is
/// dropped. So memory is bounded without a clock, and whoever is active stays.
#[derive(Debug)]
pub(super) struct Trails {
    young: AHashMap<ShopperKey, Vec<Step>>,
    old: AHashMap<ShopperKey, Vec<Step>>,
    generation: usize,
}

impl Trails {
    /// Room for about `shoppers`.
    pub(super) fn new(shoppers: usize) -> Self {
        Self { young: AHashMap::new(), old: AHashMap::new(), generation: (shoppers / 2).max(1) }
    }

    /// The shopper's trail, oldest step first; empty for a newcomer.
    pub(super) fn of(&mut self, shopper: &ShopperKey) -> &mut Vec<Step> {
        if !self.young.contains_key(shopper) {
            if self.young.len() >= self.generation {
                self.old = std::mem::take(&mut self.young);
            }
            let steps = self.old.remove(shopper).unwrap_or_default();
            self.young.insert(shopper.clone(), steps);
        }
        self.young.entry(shopper.clone()).or_default()
    }

    /// Forgets a shopper.
    pub(super) fn forget(&mut self, shopper: &ShopperKey) {
        self.young.remove(shopper);
        self.old.remove(shopper);
    }

    /// Forgets steps over products that are no longer counted.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        for steps in self.young.values_mut().chain(self.old.values_mut()) {
            steps.retain(|step| keep(step.item));
        }
    }

    /// How many shoppers are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
