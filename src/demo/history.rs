//! What the seeded shoppers did before today. Each shopper is drawn from a seed of their own, so that one can be told
//! without the others.

use super::config::Config;
use super::customer::CUSTOMERS;
use super::era::{Era, Taste, World};
use super::market::Market;
use super::session::Visit;
use super::store::Store;
use super::words::CATEGORIES;
use crate::domain::event::Event;
use jiff::SignedDuration;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

impl Store {
    /// Every seeded shopper with what they did, oldest event first: a label such as `shopper-17`, and about
    /// [`Config::events`] events over all. The same store gives the same history. It is made anew at each call.
    pub fn history(&self) -> impl Iterator<Item = (String, Vec<Event>)> {
        let era = Era::new(&self.config, &self.catalogue);
        let weights: Vec<f64> = (0..self.config.shoppers).map(|at| activity(&self.config, at)).collect();
        let total = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let share = self.config.events as f64 / total;
        weights.into_iter().enumerate().map(move |(at, weight)| {
            (format!("shopper-{}", at + 1), shopper(&era, at, (weight * share).ceil() as usize))
        })
    }

    /// What one seeded shopper did, from 0.
    pub(super) fn history_of(&self, at: usize) -> Vec<Event> {
        self.history().nth(at).map(|(_, events)| events).unwrap_or_default()
    }
}

fn random(config: &Config, shopper: usize, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed ^ 0x5eed_0f5e);
    random.set_stream((shopper as u64) << 1 | stream);
    random
}

/// How active a shopper is: most a little, a few much more.
fn activity(config: &Config, shopper: usize) -> f64 {
    // Those who can log in should have something to show.
    if shopper < CUSTOMERS {
        return 15.0;
    }
    let even: f64 = random(config, shopper, 1).random_range(0.02..1.0);
    even.powf(-0.6)
}

fn shopper(era: &Era<'_>, at: usize, wanted: usize) -> Vec<Event> {
    let config = era.config;
    let mut random = random(config, at, 0);
    let market = if random.random_bool(0.7) { Market::Us } else { Market::De };
    let liked = config.behaviour.liked_categories.clamp(1, CATEGORIES.len());
    let mut categories: Vec<usize> = (0..CATEGORIES.len()).collect();
    for place in 0..liked {
        let other = random.random_range(place..categories.len());
        categories.swap(place, other);
    }
    categories.truncate(liked);
    let taste = Taste { market, categories, band: random.random_range(0..3) };
    let world = World { era, taste };
    let span = i64::from(config.days.max(1)) * 24 * 3600;
    // A session has some thirteen events; starts are drawn first so that they can be put in order.
    let mut starts: Vec<i64> = (0..wanted.div_ceil(13).max(1)).map(|_| random.random_range(0..span)).collect();
    starts.sort_unstable();
    let mut visit = Visit::new(&world, at);
    let mut last = i64::MIN;
    for start in starts {
        // Two sessions never overlap.
        let start = start.max(last.saturating_add(3600));
        if start >= span {
            break;
        }
        let begins = config.now - SignedDuration::from_secs(span - start);
        visit.session(&mut random, begins);
        last = start;
    }
    let mut events = visit.finish();
    events.retain(|event| event.at <= config.now);
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EventType;
    use std::collections::{HashMap, HashSet};

    fn world() -> (Store, Vec<(String, Vec<Event>)>) {
        let store = Store::generate(&Config { events: 30_000, shoppers: 1_200, ..Config::default() });
        let history = store.history().collect();
        (store, history)
    }

    #[test]
    fn the_history_is_deterministic_ordered_and_about_as_long_as_asked() {
        let (store, history) = world();
        let total: usize = history.iter().map(|(_, events)| events.len()).sum();
        assert!((24_000..36_000).contains(&total), "{total} events");
        let again: Vec<_> = store.history().take(50).collect();
        assert_eq!(again, history[..50]);
        let mut ids = HashSet::new();
        for (label, events) in &history {
            assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "{label} goes back in time");
            assert!(events.iter().all(|event| ids.insert(event.id.clone()) && event.at <= store.config.now));
        }
        assert_eq!(store.history_of(7), history[7].1);
    }

    #[test]
    fn products_in_the_history_exist_and_are_sold_where_the_shopper_shops() {
        let (store, history) = world();
        let number = |key: &str| key.rsplit('/').next().and_then(|number| number.parse::<u64>().ok()).unwrap();
        for event in history.iter().flat_map(|(_, events)| events) {
            if let Some(key) = &event.product {
                let product = store.catalogue.product(number(key.as_str())).unwrap();
                assert!(product.created <= event.at);
            }
            for line in &event.lines {
                let (product, variant) =
                    store.catalogue.variant(number(line.variant.as_ref().unwrap().as_str())).unwrap();
                assert_eq!(line.product.as_str(), format!("gid://shopify/Product/{}", product.number));
                assert!(variant.price.contains(&line.price.unwrap().minor));
            }
            assert_eq!(event.kind == EventType::CheckoutCompleted, event.order.is_some());
        }
    }

    #[test]
    fn what_goes_together_is_bought_together_far_more_often_than_chance() {
        let (store, history) = world();
        let kind = |key: &str| {
            let number = key.rsplit('/').next().and_then(|number| number.parse::<u64>().ok()).unwrap();
            store.catalogue.product(number).unwrap().kind
        };
        let mut pairs: HashMap<bool, usize> = HashMap::new();
        for event in history.iter().flat_map(|(_, events)| events) {
            for (at, one) in event.lines.iter().enumerate() {
                for two in &event.lines[at + 1..] {
                    let (one, two) = (kind(one.product.as_str()), kind(two.product.as_str()));
                    let kinds = &store.catalogue.kinds;
                    let goes =
                        kinds[one].1.with.contains(&kinds[two].1.tag) || kinds[two].1.with.contains(&kinds[one].1.tag);
                    *pairs.entry(goes).or_default() += 1;
                }
            }
        }
        let (with, without) = (pairs[&true], pairs[&false]);
        assert!(with + without > 500 && with * 3 > without, "{with} pairs that go together, {without} that do not");
    }

    #[test]
    fn every_kind_of_event_occurs_and_carts_are_rarer_than_views() {
        let (_, history) = world();
        let mut counts: HashMap<EventType, usize> = HashMap::new();
        for event in history.iter().flat_map(|(_, events)| events) {
            *counts.entry(event.kind).or_default() += 1;
        }
        let of = |kind: EventType| counts.get(&kind).copied().unwrap_or(0);
        assert!(of(EventType::ProductViewed) > 3 * of(EventType::ProductAddedToCart));
        assert!(of(EventType::ProductAddedToCart) > of(EventType::CheckoutCompleted));
        assert!(of(EventType::CheckoutCompleted) > 300);
        for kind in [EventType::PageViewed, EventType::CollectionViewed, EventType::SearchSubmitted] {
            assert!(of(kind) > 300);
        }
        assert!(of(EventType::ProductRemovedFromCart) > 0 && of(EventType::CheckoutStarted) > 0);
    }
}
