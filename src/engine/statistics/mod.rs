//! What events teach about products: who is seen with whom, who is bought with whom, what is wanted, what is rising.
//!
//! Nothing here is about one shopper but the short trails that pairs are made from. Every structure is bounded, every
//! event costs a bounded number of steps, and time passes without work because all counts fade by themselves. Source:
//! item-to-item co-visitation with time and position decay, as in Linden et al., "Amazon.com Recommendations" (2003).

mod decay;
mod neighbours;
mod order;
mod trail;

use super::config::StatisticsConfig;
use crate::catalogue::Index;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ProductKey, ShopperKey};
use ahash::AHashMap;
use decay::{HalfLife, Mass};
use jiff::{SignedDuration, Timestamp};
use neighbours::Neighbours;
use order::Order;
use trail::{LENGTH, Step, Trails};

/// Lines of one order that make pairs; a longer order says little about any one pair.
const BASKET: usize = 20;
/// Products further apart than this were not seen together.
const VISIT: SignedDuration = SignedDuration::from_mins(30);
/// How far ahead of this machine's clock an event may be; further ahead it counts as of now, so that a wrong clock
/// cannot put a product on top for years.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// All counts of the shop.
#[derive(Debug)]
pub(crate) struct Statistics {
    config: StatisticsConfig,
    scales: Scales,
    ids: AHashMap<ProductKey, u32>,
    items: Vec<Item>,
    free: Vec<u32>,
    trails: Trails,
    popular: Order,
    rising: Order,
    /// Events counted.
    revision: u64,
    /// How many products the catalogue had when room was last made: the same catalogue has no more room to give.
    swept: usize,
}

/// The three half-lives.
#[derive(Clone, Copy, Debug)]
struct Scales {
    popularity: HalfLife,
    trend: HalfLife,
    pairs: HalfLife,
}

/// What is counted of one product.
#[derive(Debug)]
struct Item {
    key: ProductKey,
    viewed: Neighbours,
    bought: Neighbours,
    popularity: Mass,
    pulse: Mass,
    purchases: Mass,
}

/// Which pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// Seen in one visit.
    Viewed,
    /// Bought in one order, or put into one cart.
    Bought,
}

impl Statistics {
    /// Empty counts.
    pub(crate) fn new(config: StatisticsConfig) -> Self {
        let scales = Scales {
            popularity: HalfLife::new(config.popularity),
            trend: HalfLife::new(config.trend),
            pairs: HalfLife::new(config.pairs),
        };
        let trails = Trails::new(config.trails);
        Self {
            config,
            scales,
            trails,
            ids: AHashMap::new(),
            items: Vec::new(),
            free: Vec::new(),
            popular: Order::default(),
            rising: Order::default(),
            revision: 0,
            swept: 0,
        }
    }

    /// Counts one event. Products that the catalogue does not know are not counted, once there is a catalogue.
    pub(crate) fn learn(&mut self, who: &ShopperKey, event: &Event, catalogue: &Index, clock: Timestamp) {
        let at = if event.at > clock.saturating_add(AHEAD).unwrap_or(clock) { clock } else { event.at };
        match event.kind {
            EventType::ProductViewed | EventType::RecommendationClicked | EventType::ProductAddedToCart => {
                let Some(item) = event.product.as_ref().and_then(|key| self.item(key, catalogue)) else { return };
                self.want(item, if event.kind == EventType::ProductAddedToCart { 3.0 } else { 1.0 }, at);
                self.follow(who, Step { item, kind: event.kind, at });
            }
            EventType::CheckoutCompleted => {
                let mut basket: Vec<u32> =
                    event.lines.iter().take(BASKET).filter_map(|line| self.item(&line.product, catalogue)).collect();
                basket.sort_unstable();
                basket.dedup();
                self.buy(&basket, at);
            }
            _ => return,
        }
        self.revision += 1;
    }

    /// One product more is wanted.
    fn want(&mut self, item: u32, weight: f64, at: Timestamp) {
        let Some(entry) = self.items.get_mut(item as usize) else { return };
        let (popularity, pulse) = (entry.popularity, entry.pulse);
        entry.popularity = popularity.plus(Mass::new(weight, self.scales.popularity.since(at)));
        entry.pulse = pulse.plus(Mass::new(weight, self.scales.trend.since(at)));
        self.popular.update(item, &entry.key, popularity, entry.popularity);
        self.rising.update(item, &entry.key, pulse, entry.pulse);
    }

    /// Pairs the product with those just before it: the nearer in position and time, the more; back at half weight.
    fn follow(&mut self, who: &ShopperKey, step: Step) {
        let steps = self.trails.of(who);
        steps.retain(|earlier| step.at.duration_since(earlier.at).abs() <= VISIT);
        let before: Vec<Step> = steps.iter().rev().filter(|earlier| earlier.item != step.item).copied().collect();
        match steps.iter_mut().find(|earlier| earlier.item == step.item && earlier.kind == step.kind) {
            Some(again) => again.at = step.at,
            None => steps.push(step),
        }
        if steps.len() > LENGTH {
            steps.remove(0);
        }
        let moment = self.scales.pairs.since(step.at);
        let carted = |kind| kind == EventType::ProductAddedToCart;
        for (distance, earlier) in (1_u32..).zip(before) {
            let minutes = step.at.duration_since(earlier.at).abs().as_secs_f64() / 60.0;
            let weight = if carted(step.kind) { 2.0 } else { 1.0 } / f64::from(distance) / (1.0 + minutes / 10.0);
            self.pair(Pairs::Viewed, earlier.item, step.item, Mass::new(weight, moment));
            self.pair(Pairs::Viewed, step.item, earlier.item, Mass::new(weight / 2.0, moment));
            if carted(step.kind) && carted(earlier.kind) {
                // A cart is a weak promise of an order.
                self.pair(Pairs::Bought, earlier.item, step.item, Mass::new(0.25, moment));
                self.pair(Pairs::Bought, step.item, earlier.item, Mass::new(0.25, moment));
            }
        }
    }

    /// One order: each of its products is wanted and goes with each other.
    fn buy(&mut self, basket: &[u32], at: Timestamp) {
        let moment = self.scales.pairs.since(at);
        for &item in basket {
            self.want(item, 5.0, at);
            if let Some(entry) = self.items.get_mut(item as usize) {
                entry.purchases = entry.purchases.plus(Mass::new(1.0, moment));
            }
            for &other in basket.iter().filter(|other| **other != item) {
                self.pair(Pairs::Bought, item, other, Mass::new(1.0, moment));
            }
        }
    }

    fn pair(&mut self, pairs: Pairs, from: u32, to: u32, weight: Mass) {
        let Some(entry) = self.items.get_mut(from as usize) else { return };
        let row = match pairs {
            Pairs::Viewed => &mut entry.viewed,
            Pairs::Bought => &mut entry.bought,
        };
        row.add(to, weight, self.config.neighbours);
    }

    /// The number of a product, given on first sight; `None` where it is not in the catalogue or there is no room.
    fn item(&mut self, key: &ProductKey, catalogue: &Index) -> Option<u32> {
        if let Some(id) = self.ids.get(key) {
            return Some(*id);
        }
        if !catalogue.is_empty() && catalogue.ordinal(key.as_str()).is_none() {
            return None;
        }
        if self.ids.len() >= self.config.products {
            self.sweep(catalogue);
        }
        if self.ids.len() >= self.config.products {
            return None;
        }
        let item = Item {
            key: key.clone(),
            viewed: Neighbours::default(),
            bought: Neighbours::default(),
            popularity: Mass::NONE,
            pulse: Mass::NONE,
            purchases: Mass::NONE,
        };
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(slot) = self.items.get_mut(id as usize) {
                    *slot = item;
                }
                id
            }
            None => {
                let id = u32::try_from(self.items.len()).ok()?;
                self.items.push(item);
                id
            }
        };
        self.ids.insert(key.clone(), id);
        Some(id)
    }

    /// Makes room: forgets products that left the catalogue. Not tried twice for a catalogue of one size.
    fn sweep(&mut self, catalogue: &Index) {
        if catalogue.is_empty() || self.swept == catalogue.len() {
            return;
        }
        self.swept = catalogue.len();
        let mut gone: Vec<u32> = Vec::new();
        self.ids.retain(|key, id| {
            let stays = catalogue.ordinal(key.as_str()).is_some();
            if !stays {
                gone.push(*id);
            }
            stays
        });
        gone.sort_unstable();
        for id in &gone {
            if let Some(item) = self.items.get(*id as usize) {
                self.popular.remove(*id, &item.key, item.popularity);
                self.rising.remove(*id, &item.key, item.pulse);
            }
        }
        let stays = |id: u32| gone.binary_search(&id).is_err();
        for item in &mut self.items {
            item.viewed.retain(stays);
            item.bought.retain(stays);
        }
        self.trails.retain(stays);
        self.free.extend(gone);
    }

    /// Forgets a shopper's trail. The counts it went into are of everyone and stay.
    pub(crate) fn forget(&mut self, who: &ShopperKey) {
        self.trails.forget(who);
    }

    /// Forgets everything that was counted. Revisions go on, so that no decision from before is taken for one from now.
    pub(crate) fn clear(&mut self) {
        *self = Self { revision: self.revision + 1, ..Self::new(self.config.clone()) };
    }

    /// Events counted so far.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The number under which a product is counted.
    pub(crate) fn id(&self, key: &ProductKey) -> Option<u32> {
        self.ids.get(key).copied()
    }

    /// The product of a number.
    pub(crate) fn key(&self, id: u32) -> Option<&ProductKey> {
        self.items.get(id as usize).map(|item| &item.key)
    }

    /// The products paired with one, with the worth of each pair now, in no order.
    pub(crate) fn pairs(&self, pairs: Pairs, id: u32, now: Timestamp) -> impl Iterator<Item = (u32, f64)> + '_ {
        let moment = self.scales.pairs.since(now);
        let row = self.items.get(id as usize).map(|item| match pairs {
            Pairs::Viewed => &item.viewed,
            Pairs::Bought => &item.bought,
        });
        row.into_iter().flat_map(move |row| row.at(moment))
    }

    /// How much a product is wanted now.
    pub(crate) fn popularity(&self, id: u32, now: Timestamp) -> f64 {
        self.items.get(id as usize).map_or(0.0, |item| item.popularity.worth(self.scales.popularity.since(now)))
    }

    /// Orders that held the product, faded as pairs fade.
    pub(crate) fn purchases(&self, id: u32, now: Timestamp) -> f64 {
        self.items.get(id as usize).map_or(0.0, |item| item.purchases.worth(self.scales.pairs.since(now)))
    }

    /// Products by how much they are wanted, most first, ties by key.
    pub(crate) fn popular(&self) -> impl Iterator<Item = (u32, &ProductKey)> {
        self.popular.iter()
    }

    /// Products by what happened lately, most first, ties by key.
    pub(crate) fn rising(&self) -> impl Iterator<Item = (u32, &ProductKey)> {
        self.rising.iter()
    }

    /// How far the recent daily rate of a product is above its usual one, in standard deviations of a count that
    /// small; not above zero where it does not rise.
    pub(crate) fn trend(&self, id: u32, now: Timestamp) -> f64 {
        let Some(item) = self.items.get(id as usize) else { return 0.0 };
        let scales = &self.scales;
        let recent = scales.trend.per_day(item.pulse.worth(scales.trend.since(now)));
        let usual = scales.popularity.per_day(item.popularity.worth(scales.popularity.since(now)));
        (recent - usual) / (usual + 1.0).sqrt()
    }
}

#[cfg(test)]
mod tests;
