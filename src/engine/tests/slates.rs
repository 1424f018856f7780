//! What a slate as a whole must be.

use super::world::*;
use crate::domain::event::EventType;
use crate::domain::ids::CollectionKey;
use crate::domain::slate::{FallbackReason, Intent, ReasonCode, ServedBy};
use crate::engine::candidates::{Ask, Candidate, CandidateSource, Source};
use crate::engine::{Config, Engine, settle};
use std::collections::HashSet;
use std::time::Duration;

/// Two groups of products, each viewed within itself.
fn two_worlds() -> Engine {
    let engine = engine(shop(&[
        ("Tents", &["t1", "t2", "t3", "t4", "t5", "t6"]),
        ("Lamps", &["l1", "l2", "l3", "l4", "l5", "l6"]),
    ]));
    learn(&engine, 5, &[viewed(0, "t1"), viewed(1, "t2"), viewed(2, "t3"), viewed(3, "t4"), viewed(4, "t5")]);
    learn(&engine, 5, &[viewed(0, "l1"), viewed(1, "l2"), viewed(2, "l3"), viewed(3, "l4"), viewed(4, "l5")]);
    learn(&engine, 2, &[viewed(0, "t1"), viewed(1, "l1"), viewed(2, "t6"), viewed(3, "l6")]);
    engine
}

#[test]
fn two_histories_see_two_shelves_and_each_sees_the_same_one_again() {
    let engine = two_worlds();
    let camper = shopper(60, &[viewed(50, "t1"), viewed(51, "t2")]);
    let reader = shopper(60, &[viewed(50, "l1"), viewed(51, "l2")]);
    for (intent, seeds) in [(Intent::ForYou, &[][..]), (Intent::Related, &["t6"][..])] {
        let [first, again, other] =
            [&camper, &camper, &reader].map(|context| slate(&engine, context, intent, seeds, 4));
        assert_eq!(first.items, again.items, "{intent:?}");
        assert_ne!(first.decision.id, again.decision.id);
        assert_ne!(keys(&first), keys(&other), "{intent:?}");
        assert_eq!(first.decision.served_by, ServedBy::Statistics);
        assert_eq!(first.decision.model, None);
    }
    let home = slate(&engine, &camper, Intent::ForYou, &[], 3);
    assert!(keys(&home)[0].starts_with('t'), "{:?}", keys(&home));
}

#[test]
fn a_slate_is_over_fetched_and_settles_to_what_was_wanted() {
    let engine = two_worlds();
    let slate = slate(&engine, &shopper(60, &[]), Intent::Popular, &[], 3);
    assert_eq!((slate.items.len(), slate.wanted), (10, 3));
    let gone: HashSet<_> = [slate.items[0].product.clone()].into();
    let taken: HashSet<_> = [slate.items[2].product.clone()].into();
    let served = settle(&slate, &gone, &taken);
    assert_eq!(keys(&served), [keys(&slate)[1], keys(&slate)[3], keys(&slate)[4]]);
    assert_eq!(settle(&served, &gone, &taken), served);
}

#[test]
fn an_empty_catalogue_gives_an_empty_fallback_without_data() {
    let engine = engine(Vec::new());
    for intent in [Intent::Related, Intent::ForYou, Intent::Popular, Intent::RecentlyViewed] {
        let slate = slate(&engine, &shopper(0, &[viewed(0, "a")]), intent, &["a"], 4);
        assert!(slate.items.is_empty());
        assert_eq!(
            (slate.decision.served_by, slate.decision.fallback),
            (ServedBy::Fallback, Some(FallbackReason::NoData))
        );
        assert_eq!(slate.decision.max_age, 0);
    }
}

#[test]
fn a_shop_without_events_shows_its_newest_and_says_that_it_had_no_data() {
    let mut products = shop(&[("X", &["a", "b"])]);
    products[1].created = Some(at(0));
    let slate = slate(&engine(products), &shopper(0, &[]), Intent::Popular, &[], 2);
    assert_eq!(keys(&slate), ["b", "a"]);
    assert_eq!(slate.decision.fallback, Some(FallbackReason::NoData));
}

#[test]
fn variants_under_two_titles_are_one_product() {
    let mut products = shop(&[("Shirts", &["seed", "a", "b", "c", "d"])]);
    let titles = ["Polo", "Linen shirt - blue", "Linen Shirt (white)", "Linen shirt", "Polo – red"];
    products.iter_mut().for_each(|product| product.vendor = "Loom".into());
    for (key, title) in ["seed", "a", "b", "c", "d"].iter().zip(titles) {
        products
            .iter_mut()
            .filter(|product| product.key.as_str() == *key)
            .for_each(|product| product.title = title.into());
    }
    products[3].vendor = "Other".into();
    let engine = engine(products);
    learn(&engine, 3, &[viewed(0, "seed"), viewed(1, "a"), viewed(2, "b"), viewed(3, "c"), viewed(4, "d")]);
    let slate = slate(&engine, &shopper(9, &[]), Intent::Related, &["seed"], 4);
    assert_eq!(keys(&slate), ["a", "c"], "b is a of another colour, d is the seed, c is of another vendor");
}

#[test]
fn a_look_has_one_product_of_each_category_and_none_of_the_seeds() {
    let engine = engine(shop(&[
        ("Coats", &["coat", "coat 2"]),
        ("Shoes", &["shoe", "shoe 2"]),
        ("Hats", &["hat", "hat 2"]),
        ("Bags", &["bag"]),
    ]));
    learn(&engine, 4, &[ordered(0, &["coat", "shoe", "shoe 2", "hat", "coat 2"])]);
    let slate = slate(&engine, &shopper(9, &[]), Intent::CompleteTheLook, &["coat"], 4);
    assert_eq!(keys(&slate), ["hat", "shoe", "bag"], "the bag only fills up");
}

#[test]
fn a_shelf_for_someone_is_mixed_and_without_what_is_in_the_cart_or_just_bought() {
    let engine = two_worlds();
    let events = [viewed(50, "t1"), event(EventType::ProductAddedToCart, 51, "t2"), viewed(52, "l1")];
    let context = with_purchases(shopper(60, &events), &[("t3", 40, 1)]);
    let slate = slate(&engine, &context, Intent::ForYou, &[], 6);
    let shown = keys(&slate);
    let informed: Vec<&str> = shown.iter().copied().take(6).collect();
    assert!(!informed.contains(&"t2") && !informed.contains(&"t3"), "{shown:?}");
    assert!(informed.iter().any(|key| key.starts_with('l')) && informed.iter().any(|key| key.starts_with('t')));
    assert!(slate.items.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn a_collection_bounds_its_slates() {
    let mut products = shop(&[("X", &["a", "b", "c", "d"])]);
    for product in products.iter_mut().skip(2) {
        product.collections = vec![CollectionKey::new("sale")];
    }
    let engine = engine(products);
    learn(&engine, 3, &[viewed(0, "a"), viewed(1, "d"), viewed(2, "c"), viewed(3, "c")]);
    let mut within = request(Intent::ForYou, &[], 4);
    within.collection = Some(CollectionKey::new("sale"));
    let slate = slated(&engine, &shopper(9, &[viewed(5, "a")]), &within).slate;
    assert_eq!(keys(&slate).into_iter().collect::<HashSet<_>>(), HashSet::from(["c", "d"]));
    within.collection = Some(CollectionKey::new("unknown"));
    assert!(slated(&engine, &shopper(9, &[viewed(5, "a")]), &within).slate.items.is_empty());
}

#[test]
fn rules_block_pin_and_boost_in_their_placement() {
    let config: Config = toml::from_str(
        "[[rules]]\nproducts = { keys = ['t1'] }\naction = 'block'\n\
         [[rules]]\nplacements = ['test']\nproducts = { keys = ['l6'] }\naction = { pin = 1 }\n\
         [[rules]]\nproducts = { keys = ['t3'] }\naction = { boost = 50.0 }\n\
         [[rules]]\nplacements = ['all mine']\nproducts = { category = 'Lamps' }\naction = { pin = 1 }\n",
    )
    .unwrap();
    let engine = with_config(config, shop(&[("Tents", &["t1", "t2", "t3"]), ("Lamps", &["l5", "l6"])]));
    learn(&engine, 5, &[viewed(0, "t1"), viewed(1, "t2")]);
    learn(&engine, 2, &[viewed(1, "t3")]);
    let mut asked = request(Intent::Popular, &[], 2);
    let slate = slated(&engine, &shopper(9, &[]), &asked).slate;
    assert_eq!(keys(&slate), ["l6", "t3", "t2", "l5"]);
    assert_eq!(slate.items[0].reason, ReasonCode::Pinned);
    assert_eq!(slate.decision.served_by, ServedBy::Statistics);
    asked.placement = "all mine".into();
    let slate = slated(&engine, &shopper(9, &[]), &asked).slate;
    assert_eq!(keys(&slate)[..2], ["l5", "l6"]);
    assert_eq!(slate.decision.served_by, ServedBy::Rule);
}

/// A source that takes its time.
struct Slow(Duration);

impl CandidateSource for Slow {
    fn source(&self) -> Source {
        Source::Popular
    }

    fn collect(&self, _: &Ask<'_>) -> Vec<Candidate> {
        std::thread::sleep(self.0);
        Vec::new()
    }
}

#[test]
fn past_the_deadline_the_fallback_is_served_and_marked() {
    let config = Config { deadline: Duration::from_millis(5), ..Config::default() };
    let mut engine = with_config(config, shop(&[("X", &["a", "b", "c"])]));
    learn(&engine, 3, &[viewed(0, "b")]);
    engine.sources.insert(0, Box::new(Slow(Duration::from_millis(6))));
    let context = shopper(9, &[viewed(5, "a")]);
    let requests = [request(Intent::Popular, &[], 2), request(Intent::ForYou, &[], 2)];
    for slated in futures::executor::block_on(engine.slates(&context, &requests)) {
        let decision = &slated.slate.decision;
        assert_eq!((decision.served_by, decision.fallback), (ServedBy::Fallback, Some(FallbackReason::Deadline)));
        assert_eq!(keys(&slated.slate), ["b", "a", "c"]);
    }
}

#[test]
fn built_in_and_configured_placements_are_there() {
    let config: Config =
        toml::from_str("[placements.checkout]\nintent = 'COMPLEMENTARY'\n[placements.home]\nintent = 'TRENDING'\n")
            .unwrap();
    let engine = with_config(config, Vec::new());
    let intent = |name: &str| engine.placement(name).map(|placement| placement.intent);
    assert_eq!(intent("checkout"), Some(Intent::Complementary));
    assert_eq!(intent("home"), Some(Intent::Trending));
    assert_eq!(intent("buy-again"), Some(Intent::BuyAgain));
    assert_eq!(intent("unknown"), None);
    assert_eq!(engine.placements().len(), 9);
}

#[test]
fn a_new_catalogue_is_used_at_once() {
    let engine = engine(shop(&[("X", &["a", "b"])]));
    learn(&engine, 1, &[viewed(0, "a")]);
    engine.catalogue.replace(crate::catalogue::Index::build(shop(&[("X", &["b", "c"])])), at(1));
    let slate = slate(&engine, &shopper(1, &[]), Intent::Popular, &[], 4);
    assert_eq!(keys(&slate), ["b", "c"]);
    engine.refresh();
    assert!(engine.content.load().is_of(&engine.catalogue.current()));
}

#[test]
fn slates_can_be_decided_on_any_thread() {
    fn sendable<T: Send + Sync>(value: T) -> T {
        value
    }
    let engine = sendable(engine(Vec::new()));
    let (context, requests) = (shopper(0, &[]), [request(Intent::Popular, &[], 1)]);
    fn future_is_send<T: Send>(future: T) -> T {
        future
    }
    assert_eq!(futures::executor::block_on(future_is_send(engine.slates(&context, &requests))).len(), 1);
}
