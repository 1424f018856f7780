//! What a shopper's events and purchases say of what the shopper likes. Exists only with consent to preferences: it is
//! read in [`super::tastes`], which keeps it, and nothing else of the engine reads a shopper's state.

use super::content::Content;
use crate::catalogue::Index;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::ProductKey;
use crate::domain::product::CatalogueProduct;
use crate::store::ShopperState;
use ahash::{AHashMap, AHashSet};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Products whose neighbours are looked up.
const ANCHORS: usize = 12;
/// Each newer event takes this share of an older one's weight.
const PER_EVENT: f64 = 0.88;
/// After this many days an event of the session counts half, after so many a purchase.
const SESSION_DAYS: f64 = 3.0;
const PURCHASE_DAYS: f64 = 60.0;
/// Searches of a session that are looked up again, and products of each that are looked at for their categories.
const SEARCHES: usize = 3;
const FOUND: usize = 12;
/// Products of a viewed collection that are looked at for their categories.
const COLLECTION: usize = 50;

/// A product the shopper has shown interest in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Liked {
    pub(super) key: ProductKey,
    pub(super) ordinal: u32,
    /// Above zero; the strongest is 1.
    pub(super) weight: f64,
}

/// A product the shopper has bought.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub(super) ordinal: u32,
    pub(super) times: u32,
    pub(super) last: Timestamp,
}

/// Interests, summed over products.
#[derive(Debug, Default)]
pub(super) struct Taste {
    /// Strongest first, ties by ordinal; every product once, all in the catalogue.
    pub(super) liked: Vec<Liked>,
    /// Products viewed, newest first, every product once.
    pub(super) viewed: Vec<u32>,
    /// Products in the cart as far as events tell, newest first.
    pub(super) carted: Vec<u32>,
    /// Searches, newest first.
    pub(super) searched: Vec<Box<str>>,
    /// Products bought, most recent last.
    pub(super) owned: Vec<Owned>,
    /// Categories with their share of interest, strongest first, ties by name; the shares sum to 1.
    pub(super) interests: Vec<(Box<str>, f64)>,
    categories: BTreeMap<Box<str>, f64>,
    /// The greatest weight in `categories`.
    dearest: f64,
    tags: AHashMap<Box<str>, f64>,
    vendors: AHashMap<Box<str>, f64>,
    price: Option<Price>,
    weights: AHashMap<u32, f64>,
}

/// The usual price, as a natural logarithm of minor units.
#[derive(Clone, Copy, Debug)]
struct Price {
    mean: f64,
    spread: f64,
}

/// All that a taste is read from: equal readings give equal tastes.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) state: &'a ShopperState,
    pub(super) index: &'a Index,
    pub(super) content: &'a Content,
    /// Events fade up to this moment.
    pub(super) moment: Timestamp,
}

/// The taste that a shopper's state speaks of; `None` where nothing is known.
pub(super) fn of(reading: Reading<'_>) -> Option<Taste> {
    let Reading { state, index, content, moment } = reading;
    let mut taste = Taste::default();
    taste.read_session(&state.session.events, index, content, moment);
    taste.read_purchases(state, index, moment);
    taste.settle(index);
    (!taste.liked.is_empty() || !taste.categories.is_empty()).then_some(taste)
}

impl Taste {
    fn read_session(&mut self, events: &[Event], index: &Index, content: &Content, now: Timestamp) {
        let mut removed: AHashSet<&ProductKey> = AHashSet::new();
        let mut strength = 1.0;
        for event in events.iter().rev() {
            let weight = strength * fade(now, event.at, SESSION_DAYS);
            let product = event.product.as_ref().and_then(|key| index.ordinal(key.as_str()));
            match (event.kind, &event.product, product) {
                (EventType::ProductViewed | EventType::RecommendationClicked, _, Some(ordinal)) => {
                    push_new(&mut self.viewed, ordinal);
                    self.like(ordinal, weight);
                }
                (EventType::ProductAddedToCart, Some(key), Some(ordinal)) if !removed.contains(key) => {
                    push_new(&mut self.carted, ordinal);
                    self.like(ordinal, weight * 3.0);
                }
                (EventType::ProductRemovedFromCart, Some(key), _) => {
                    removed.insert(key);
                    continue;
                }
                (EventType::CheckoutCompleted, ..) => {
                    for ordinal in event.lines.iter().filter_map(|line| index.ordinal(line.product.as_str())) {
                        self.like(ordinal, weight * 2.0);
                        // What was put into the cart before the order is no longer in it.
                        removed.extend(index.product(ordinal).map(|product| &product.key));
                    }
                }
                (EventType::CollectionViewed, ..) => {
                    let members = event.collection.as_ref().map_or(&[][..], |key| index.in_collection(key.as_str()));
                    self.like_categories(&members[..members.len().min(COLLECTION)], index, weight);
                }
                (EventType::SearchSubmitted, ..) if self.searched.len() < SEARCHES => {
                    let Some(query) = event.query.as_ref().filter(|query| !self.searched.contains(query)) else {
                        continue;
                    };
                    let found = content.find(query, FOUND).into_iter().filter_map(|key| index.ordinal(key.as_str()));
                    self.like_categories(&found.collect::<Vec<u32>>(), index, weight);
                    self.searched.push(query.clone());
                }
                _ => continue,
            }
            strength *= PER_EVENT;
        }
    }

    fn read_purchases(&mut self, state: &ShopperState, index: &Index, now: Timestamp) {
        for purchase in state.profile.bought.iter() {
            let Some(ordinal) = index.ordinal(purchase.product.as_str()) else { continue };
            self.owned.push(Owned { ordinal, times: purchase.times, last: purchase.last });
            self.like(ordinal, 0.5 * fade(now, purchase.last, PURCHASE_DAYS));
        }
    }

    fn like(&mut self, ordinal: u32, weight: f64) {
        *self.weights.entry(ordinal).or_insert(0.0) += weight;
    }

    fn like_categories(&mut self, members: &[u32], index: &Index, weight: f64) {
        let each = weight / members.len().max(1) as f64;
        for product in members.iter().filter_map(|ordinal| index.product(*ordinal)) {
            add(&mut self.categories, &product.category, each);
        }
    }

    /// Sums products up to categories, tags, vendors and a usual price. Products are taken in order of their ordinals,
    /// so that the sums are the same however they were collected.
    fn settle(&mut self, index: &Index) {
        let mut weights: Vec<(u32, f64)> = self.weights.iter().map(|(ordinal, weight)| (*ordinal, *weight)).collect();
        weights.retain(|(_, weight)| *weight > 0.0);
        weights.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        let mut prices = Vec::new();
        for (ordinal, weight) in &weights {
            let Some(product) = index.product(*ordinal) else { continue };
            add(&mut self.categories, &product.category, *weight);
            if !product.vendor.is_empty() {
                *self.vendors.entry(product.vendor.clone()).or_insert(0.0) += weight;
            }
            for tag in &product.tags {
                *self.tags.entry(tag.clone()).or_insert(0.0) += weight;
            }
            prices.extend(log_price(product).map(|price| (price, *weight)));
        }
        self.price = usual(&prices);
        self.dearest = self.categories.values().copied().fold(f64::MIN_POSITIVE, f64::max);
        weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let strongest = weights.first().map_or(1.0, |(_, weight)| *weight);
        let liked = weights.iter().filter_map(|(ordinal, weight)| {
            let key = index.product(*ordinal)?.key.clone();
            Some(Liked { key, ordinal: *ordinal, weight: weight / strongest })
        });
        self.liked = liked.collect();
        scale(self.tags.values_mut());
        scale(self.vendors.values_mut());
        for weight in self.weights.values_mut() {
            *weight /= strongest;
        }
        let total = self.categories.values().sum::<f64>().max(f64::MIN_POSITIVE);
        self.interests = self.categories.iter().map(|(name, weight)| (name.clone(), weight / total)).collect();
        self.interests.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }

    /// The products whose neighbours speak for this shopper, strongest first.
    pub(super) fn anchors(&self) -> &[Liked] {
        &self.liked[..self.liked.len().min(ANCHORS)]
    }

    /// How much the shopper likes this very product, 0 to 1.
    pub(super) fn liking(&self, ordinal: u32) -> f64 {
        self.weights.get(&ordinal).copied().unwrap_or(0.0)
    }

    /// Whether the product is in the cart or was bought within ninety days: not what to show next.
    pub(super) fn has(&self, ordinal: u32, now: Timestamp) -> bool {
        let recently = |owned: &Owned| now.duration_since(owned.last) < SignedDuration::from_hours(90 * 24);
        self.carted.contains(&ordinal) || self.owned.iter().any(|owned| owned.ordinal == ordinal && recently(owned))
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let texts = self.categories.len() * 2 + self.tags.len() + self.vendors.len() + self.searched.len();
        let products = self.liked.len() * 48 + self.weights.len() * 28 + self.owned.len() * 32;
        size_of::<Self>() + texts * 80 + products + (self.viewed.len() + self.carted.len()) * 4
    }

    /// How well the product fits, 0 to 1: its category, tags, vendor, price, and whether it was looked at itself.
    pub(super) fn affinity(&self, ordinal: u32, product: &CatalogueProduct) -> f64 {
        let category = self.categories.get(&product.category).map_or(0.0, |weight| weight / self.dearest);
        // The three tags that say most, greatest first: this runs for every candidate and allocates nothing.
        let mut tags = [0.0_f64; 3];
        for mut weight in product.tags.iter().filter_map(|tag| self.tags.get(tag).copied()) {
            for place in &mut tags {
                if weight > *place {
                    std::mem::swap(place, &mut weight);
                }
            }
        }
        let tags = tags.iter().sum::<f64>() / 3.0;
        let vendor = self.vendors.get(&product.vendor).copied().unwrap_or(0.0);
        let price = match (self.price, log_price(product)) {
            (Some(usual), Some(price)) => (-((price - usual.mean) / usual.spread).powi(2) / 2.0).exp(),
            _ => 0.0,
        };
        let sum = 0.45 * category + 0.25 * tags + 0.1 * vendor + 0.1 * price + 0.1 * self.liking(ordinal);
        sum.clamp(0.0, 1.0)
    }
}

/// What is left of a weight after the time between, when half is left after so many days.
fn fade(now: Timestamp, at: Timestamp, days: f64) -> f64 {
    let age = now.duration_since(at).as_secs_f64().max(0.0) / 86_400.0;
    (-age / days).exp2()
}

fn push_new(list: &mut Vec<u32>, ordinal: u32) {
    if !list.contains(&ordinal) {
        list.push(ordinal);
    }
}

fn add(sums: &mut BTreeMap<Box<str>, f64>, name: &str, weight: f64) {
    match sums.get_mut(name) {
        Some(sum) => *sum += weight,
        None if name.is_empty() => {}
        None => drop(sums.insert(name.into(), weight)),
    }
}

/// Divides by the greatest, so that it is 1.
fn scale<'a>(values: impl Iterator<Item = &'a mut f64>) {
    let values: Vec<&mut f64> = values.collect();
    let greatest = values.iter().map(|value| **value).fold(f64::MIN_POSITIVE, f64::max);
    values.into_iter().for_each(|value| *value /= greatest);
}

fn log_price(product: &CatalogueProduct) -> Option<f64> {
    product.price.filter(|price| price.minor > 0).map(|price| (price.minor as f64).ln())
}

/// Weighted mean and spread; the spread is at least half a unit, so that one product does not narrow the taste to it.
fn usual(prices: &[(f64, f64)]) -> Option<Price> {
    let total: f64 = prices.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = prices.iter().map(|(price, weight)| price * weight).sum::<f64>() / total;
    let variance = prices.iter().map(|(price, weight)| weight * (price - mean).powi(2)).sum::<f64>() / total;
    Some(Price { mean, spread: variance.sqrt().max(0.5) })
}

#[cfg(test)]
mod tests;
