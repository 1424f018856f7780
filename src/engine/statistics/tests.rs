//! Hand-computed counts.

use super::*;
use crate::domain::event::Line;
use crate::domain::ids::EventId;

const NOON: i64 = 1_767_268_800;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(NOON + minute * 60).unwrap()
}

fn product(key: &str) -> ProductKey {
    ProductKey::new(key)
}

fn event(kind: EventType, minute: i64, key: &str) -> Event {
    Event::of_product(EventId::new(format!("{minute}{key}")), kind, at(minute), product(key))
}

fn order(minute: i64, keys: &[&str]) -> Event {
    let lines =
        keys.iter().map(|key| Line { product: product(key), variant: None, quantity: 1, price: None }).collect();
    Event { lines, ..Event::bare(EventId::new(minute.to_string()), EventType::CheckoutCompleted, at(minute)) }
}

fn learned(events: &[(&str, Event)]) -> Statistics {
    let mut statistics = Statistics::new(StatisticsConfig::default());
    for (who, event) in events {
        statistics.learn(&ShopperKey::new(*who), event, &Index::default(), at(100_000));
    }
    statistics
}

fn worth(statistics: &Statistics, pairs: Pairs, from: &str, to: &str, now: Timestamp) -> f64 {
    let id = |key: &str| statistics.id(&product(key)).unwrap();
    statistics.pairs(pairs, id(from), now).filter(|(other, _)| *other == id(to)).map(|(_, worth)| worth).sum()
}

#[test]
fn pairs_weigh_by_position_time_and_direction() {
    use EventType::ProductViewed as Viewed;
    let statistics = learned(&[
        ("s", event(Viewed, 0, "a")),
        ("s", event(Viewed, 10, "b")),
        ("s", event(Viewed, 20, "c")),
        ("other", event(Viewed, 20, "z")),
    ]);
    let now = at(20);
    let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-3, "{left} is not {right}");
    // Neighbours in position ten minutes apart: 1/1 · 1/(1 + 10/10); back at half.
    close(worth(&statistics, Pairs::Viewed, "b", "c", now), 0.5);
    close(worth(&statistics, Pairs::Viewed, "c", "b", now), 0.25);
    // Two apart, twenty minutes: 1/2 · 1/3.
    close(worth(&statistics, Pairs::Viewed, "a", "c", now), 1.0 / 6.0);
    // Another shopper's view makes no pair.
    close(worth(&statistics, Pairs::Viewed, "c", "z", now), 0.0);
}

#[test]
fn products_of_two_visits_make_no_pair_and_reloading_a_page_makes_none_with_itself() {
    use EventType::ProductViewed as Viewed;
    let statistics =
        learned(&[("s", event(Viewed, 0, "a")), ("s", event(Viewed, 1, "a")), ("s", event(Viewed, 40, "b"))]);
    assert_eq!(statistics.pairs(Pairs::Viewed, 0, at(40)).count(), 0);
}

#[test]
fn every_two_products_of_an_order_go_together_and_a_line_twice_counts_once() {
    let statistics = learned(&[("s", order(0, &["a", "b", "c", "b"])), ("t", order(0, &["a", "b"]))]);
    assert!((worth(&statistics, Pairs::Bought, "a", "b", at(0)) - 2.0).abs() < 1e-6);
    assert!((worth(&statistics, Pairs::Bought, "c", "b", at(0)) - 1.0).abs() < 1e-6);
    let id = statistics.id(&product("b")).unwrap();
    assert!((statistics.purchases(id, at(0)) - 2.0).abs() < 1e-9);
    let thirty_days = at(30 * 24 * 60);
    assert!((worth(&statistics, Pairs::Bought, "a", "b", thirty_days) - 1.0).abs() < 1e-3);
}

#[test]
fn popularity_orders_by_fading_weight_with_ties_by_key() {
    use EventType::{ProductAddedToCart as Carted, ProductViewed as Viewed};
    let statistics = learned(&[
        ("s", event(Carted, 0, "carted")),
        ("s", event(Viewed, 0, "viewed b")),
        ("s", event(Viewed, 0, "viewed a")),
    ]);
    let order: Vec<&str> = statistics.popular().map(|(_, key)| key.as_str()).collect();
    assert_eq!(order, ["carted", "viewed a", "viewed b"]);
    let id = statistics.id(&product("carted")).unwrap();
    assert!((statistics.popularity(id, at(14 * 24 * 60)) - 1.5).abs() < 1e-9);
}

#[test]
fn a_product_that_sells_lately_rises_above_one_that_always_sells() {
    let mut events = Vec::new();
    for day in 0..60 {
        events.push(("s", event(EventType::ProductViewed, day * 1440, "steady")));
        if day >= 58 {
            for minute in 0..10 {
                events.push(("t", event(EventType::ProductViewed, day * 1440 + minute, "rising")));
            }
        }
    }
    let statistics = learned(&events);
    let now = at(60 * 1440);
    let trend = |key| statistics.trend(statistics.id(&product(key)).unwrap(), now);
    assert!(trend("rising") > 1.0, "{}", trend("rising"));
    assert!(trend("steady") < 0.3, "{}", trend("steady"));
}

#[test]
fn products_and_trails_are_bounded_and_what_left_the_catalogue_makes_room() {
    use crate::domain::product::CatalogueProduct;
    let config = StatisticsConfig { products: 4, trails: 4, ..StatisticsConfig::default() };
    let mut statistics = Statistics::new(config);
    for n in 0..10 {
        let event = event(EventType::ProductViewed, 0, &format!("p{n}"));
        statistics.learn(&ShopperKey::new(format!("s{n}")), &event, &Index::default(), at(0));
    }
    assert_eq!(statistics.popular().count(), 4);
    assert!(statistics.trails.len() <= 4);
    let listed: CatalogueProduct = serde_json::from_str(r#"{"key": "new", "handle": "new", "title": "New"}"#).unwrap();
    let catalogue = Index::build([listed]);
    for key in ["new", "unknown"] {
        let event = event(EventType::ProductViewed, 1, key);
        statistics.learn(&ShopperKey::new("s"), &event, &catalogue, at(1));
    }
    let order: Vec<&str> = statistics.popular().map(|(_, key)| key.as_str()).collect();
    assert_eq!(order, ["new"]);
}

#[test]
fn an_event_from_the_far_future_counts_as_of_now() {
    let mut statistics = Statistics::new(StatisticsConfig::default());
    let event = event(EventType::ProductViewed, 1_000_000, "a");
    statistics.learn(&ShopperKey::new("s"), &event, &Index::default(), at(0));
    assert!((statistics.popularity(0, at(0)) - 1.0).abs() < 1e-9);
}
