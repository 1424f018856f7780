//! Each source alone, on cases computed by hand.

use super::world::*;
use crate::domain::event::EventType;
use crate::domain::slate::{Intent, ReasonCode};
use crate::engine::config::Weights;
use crate::engine::{Config, Engine};

/// An engine in which one source of RELATED has all the weight.
fn only(weights: Weights, products: &[(&str, &[&str])]) -> Engine {
    let mut config = Config::default();
    (config.blend.related, config.blend.complementary, config.blend.for_you) = (weights, weights, weights);
    with_config(config, shop(products))
}

#[test]
fn viewed_together_takes_position_direction_and_popularity_into_account() {
    let weights = Weights { viewed_together: 1.0, ..Weights::default() };
    let engine = only(weights, &[("X", &["seed", "next", "later", "before", "everywhere"])]);
    learn(&engine, 4, &[viewed(0, "before"), viewed(1, "seed"), viewed(2, "next"), viewed(3, "later")]);
    // Seen as often next to the seed, but with everything else as well.
    learn(&engine, 4, &[viewed(1, "seed"), viewed(2, "everywhere")]);
    learn(&engine, 50, &[viewed(1, "everywhere")]);
    let slate = slate(&engine, &shopper(3, &[]), Intent::Related, &["seed"], 4);
    assert_eq!(keys(&slate), ["next", "before", "everywhere", "later"]);
    assert!(slate.items.iter().all(|item| item.reason == ReasonCode::ViewedTogether));
    assert_eq!(slate.items[0].because, Some(key("seed")));
    // Relative to the best, a pair of 1/1.1: back at half; 54 views against 4; two apart and two minutes, 1/2/1.2.
    let expected = [1.0, 0.5, (5.0_f64 / 55.0).powf(0.3), (0.5 / 1.2) * 1.1];
    for (item, expected) in slate.items.iter().zip(expected) {
        assert!((item.score - expected).abs() < 1e-3, "{item:?} is not {expected}");
    }
}

#[test]
fn bought_together_prefers_the_specific_companion_over_what_is_in_every_basket() {
    let weights = Weights { bought_together: 1.0, ..Weights::default() };
    let engine = only(weights, &[("Camera", &["camera"]), ("Card", &["card"]), ("Bag", &["bag"]), ("Z", &["z"])]);
    learn(&engine, 6, &[ordered(0, &["camera", "card", "bag"])]);
    learn(&engine, 60, &[ordered(0, &["bag", "z"])]);
    let slate = slate(&engine, &shopper(1, &[]), Intent::Complementary, &["camera"], 2);
    assert_eq!(keys(&slate)[..2], ["card", "bag"]);
    assert_eq!(slate.items[0].reason, ReasonCode::BoughtTogether);
    // Six shared orders; 7 card and 67 bag, counted to the power of .4.
    let ratio = slate.items[1].score / slate.items[0].score;
    assert!((ratio - (7.0_f64 / 67.0).powf(0.4)).abs() < 1e-3, "{ratio}");
}

#[test]
fn complements_of_the_same_category_come_after_those_of_another() {
    let engine = engine(shop(&[("Camera", &["camera", "other camera"]), ("Card", &["card"])]));
    learn(&engine, 5, &[ordered(0, &["camera", "other camera"])]);
    learn(&engine, 3, &[ordered(0, &["camera", "card"])]);
    let slate = slate(&engine, &shopper(1, &[]), Intent::Complementary, &["camera"], 2);
    assert_eq!(keys(&slate), ["card", "other camera"]);
}

#[test]
fn the_session_speaks_alone_or_as_a_whole() {
    let weights = Weights { session: 1.0, ..Weights::default() };
    let engine = only(weights, &[("X", &["a", "b", "of a", "of both"])]);
    learn(&engine, 3, &[viewed(0, "a"), viewed(1, "of a")]);
    learn(&engine, 3, &[viewed(0, "a"), viewed(1, "of both")]);
    learn(&engine, 3, &[viewed(0, "b"), viewed(1, "of both")]);
    let slate = slate(&engine, &shopper(11, &[viewed(9, "b"), viewed(10, "a")]), Intent::ForYou, &[], 4);
    assert_eq!(keys(&slate)[..2], ["of both", "of a"]);
    assert_eq!(slate.items[0].reason, ReasonCode::Session);
    assert_eq!(slate.items[1].reason, ReasonCode::ViewedTogether);
    assert_eq!(slate.items[1].because, Some(key("a")));
}

#[test]
fn similar_products_are_found_before_anyone_has_seen_them() {
    let mut products = shop(&[("Shirts", &["seed", "like"]), ("Kitchen", &["kettle"])]);
    (products[0].title, products[1].title, products[2].title) =
        ("Linen shirt".into(), "Linen blouse".into(), "Kettle".into());
    let engine = engine(products);
    let slate = slate(&engine, &shopper(0, &[]), Intent::Related, &["seed"], 1);
    assert_eq!(keys(&slate)[0], "like");
    assert_eq!((slate.items[0].reason, &slate.items[0].because), (ReasonCode::Similar, &Some(key("seed"))));
}

#[test]
fn popularity_counts_carts_and_orders_for_more_than_views() {
    let engine = engine(shop(&[("X", &["viewed", "carted", "bought", "unseen"])]));
    learn(&engine, 1, &[viewed(0, "viewed"), event(EventType::ProductAddedToCart, 0, "carted")]);
    learn(&engine, 1, &[ordered(0, &["bought"])]);
    let slate = slate(&engine, &shopper(1, &[]), Intent::Popular, &[], 4);
    assert_eq!(keys(&slate), ["bought", "carted", "viewed", "unseen"]);
}

#[test]
fn what_rises_trends_and_what_always_sells_does_not_lead() {
    let engine = engine(shop(&[("X", &["steady", "rising"])]));
    for day in 0..40 {
        learn(&engine, 3, &[viewed(day * 1440, "steady")]);
    }
    learn(&engine, 20, &[viewed(39 * 1440, "rising")]);
    let slate = slate(&engine, &shopper(40 * 1440, &[]), Intent::Trending, &[], 2);
    assert_eq!(keys(&slate), ["rising", "steady"]);
    assert_eq!(slate.items[0].reason, ReasonCode::Trending);
}

#[test]
fn recently_viewed_is_newest_first_each_once_without_the_page_itself() {
    let engine = engine(shop(&[("X", &["a", "b", "c", "never"])]));
    let events = [viewed(1, "a"), viewed(2, "b"), viewed(3, "c"), viewed(4, "b"), viewed(5, "gone")];
    let slate = slate(&engine, &shopper(9, &events), Intent::RecentlyViewed, &["c"], 4);
    assert_eq!(keys(&slate), ["b", "a"]);
}

#[test]
fn buy_again_puts_what_is_bought_often_and_used_up_first() {
    let engine = engine(shop(&[("X", &["coffee", "once", "just now", "never"])]));
    let day = 1440;
    let context = shopper(100 * day, &[]);
    let context =
        with_purchases(context, &[("once", 60 * day, 1), ("coffee", 60 * day, 5), ("just now", 100 * day, 5)]);
    let slate = slate(&engine, &context, Intent::BuyAgain, &[], 4);
    assert_eq!(keys(&slate), ["coffee", "once", "just now"]);
    assert!(slate.items.iter().all(|item| item.reason == ReasonCode::BoughtBefore));
}

#[test]
fn new_products_are_those_of_the_last_weeks() {
    let mut products = shop(&[("X", &["old", "new", "newest"])]);
    let day = 1440;
    for (product, created) in products.iter_mut().zip([0, 90 * day, 99 * day]) {
        product.created = Some(at(created));
    }
    let mut config = Config::default();
    config.blend.popular = Weights { new: 1.0, ..Weights::default() };
    let engine = with_config(config, products);
    let slate = slate(&engine, &shopper(100 * day, &[]), Intent::Popular, &[], 3);
    assert_eq!(keys(&slate)[..2], ["newest", "new"]);
    assert_eq!(slate.items[1].reason, ReasonCode::New);
    let (newest, new) = (slate.items[0].score, slate.items[1].score);
    // Nine days more, half after fourteen.
    assert!((new / newest - 0.5_f64.powf(9.0 / 14.0)).abs() < 1e-7);
}
