//! The transformer in the walk: what it changes, what it says of itself, and what hinders it without hindering anything.

use super::world::*;
use crate::catalogue::Index;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType};
use crate::domain::slate::{FallbackReason, Intent, ReasonCode, ServedBy, Slate};
use crate::engine::config::Weights;
use crate::engine::encode::fixture::{served, served_by_names, served_with_share};
use crate::engine::{Config, Context, Engine, ModelSettings, RankRequest};
use crate::features::described;
use std::time::Duration;

const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn products() -> Vec<crate::domain::product::CatalogueProduct> {
    shop(&[("X", &KEYS)])
}

/// A shop whose FOR_YOU is the model's alone.
fn world() -> Engine {
    let mut config = Config { deadline: Duration::from_secs(20), ..Config::default() };
    config.blend.for_you = Weights { encoder: 1.0, ..Weights::default() };
    let engine = with_config(config, products());
    engine.serve(Some(served("shop/1", &KEYS, 1))).unwrap();
    engine
}

fn for_you(engine: &Engine, context: &Context) -> Slate {
    slate(engine, context, Intent::ForYou, &[], 3)
}

fn visit(keys: &[&str]) -> Vec<Event> {
    (0..).zip(keys).map(|(minute, key)| viewed(minute, key)).collect()
}

#[test]
fn the_slate_is_the_models_order_without_what_was_just_seen_and_names_it() {
    let engine = world();
    let context = shopper(60, &visit(&["a", "b"]));
    let slated = slated(&engine, &context, &request(Intent::ForYou, &[], 3));
    let model = engine.model().unwrap();
    let session =
        crate::features::Sequence::of_events(model.vocabulary(), context.state.session.events.iter(), 20, false);
    let vector = model.encode(&[&session]).unwrap().remove(0);
    let score = |key: &str| -> f32 {
        let target = model.target(model.vocabulary().row(key).unwrap()).unwrap();
        target.iter().zip(&vector).map(|(a, b)| a * b).sum()
    };
    let mut expected: Vec<&str> = KEYS[2..].to_vec();
    expected.sort_by(|a, b| score(b).total_cmp(&score(a)));
    // Those of one category lose a little each, the same for all: the order stays.
    assert_eq!(keys(&slated.slate)[..1], expected[..1]);
    let decision = &slated.slate.decision;
    assert_eq!((decision.served_by, decision.fallback), (ServedBy::Model, None));
    assert_eq!(decision.model.as_deref(), Some("shop/1"));
    let model = slated.inputs.iter().find(|input| &*input.name == "model").unwrap();
    assert_eq!((&*model.value, model.purpose), ("shop/1", None));
    let first = &slated.slate.items[0];
    assert_eq!(first.reason, ReasonCode::Session);
    assert!(first.because.as_ref().is_none_or(|because| ["a", "b"].contains(&because.as_str())));
}

#[test]
fn each_product_viewed_changes_what_the_model_expects() {
    let engine = world();
    let seen = ["a", "b", "c", "d"];
    let slates: Vec<_> = (1..=seen.len())
        .map(|n| {
            let slate = for_you(&engine, &shopper(60, &visit(&seen[..n])));
            slate.items.iter().map(|item| (item.product.clone(), item.score.to_bits())).collect::<Vec<_>>()
        })
        .collect();
    assert!(slates.windows(2).all(|pair| pair[0] != pair[1]), "{slates:?}");
}

#[test]
fn without_consent_or_anything_known_the_model_has_no_part() {
    let engine = world();
    let refusing = Context { consent: Consent::ALL.with(Purpose::Preferences, false), ..shopper(60, &visit(&["a"])) };
    let decision = for_you(&engine, &refusing).decision;
    assert_eq!((decision.fallback, decision.model), (Some(FallbackReason::NoConsent), None));
    for events in [vec![], visit(&["unknown", "gone"]), vec![event(EventType::SearchSubmitted, 1, "a")]] {
        let decision = for_you(&engine, &shopper(60, &events)).decision;
        assert_ne!(decision.served_by, ServedBy::Model, "{events:?}");
        assert_eq!(decision.model, None);
    }
    // What is the same for everyone is asked of nobody's model.
    let popular = slate(&engine, &shopper(60, &visit(&["a"])), Intent::Popular, &[], 3);
    assert_eq!(popular.decision.model, None);
}

#[test]
fn only_products_of_the_catalogue_in_use_are_proposed_however_it_changes() {
    let engine = world();
    let context = shopper(60, &visit(&["a", "b"]));
    assert!(for_you(&engine, &context).items.len() >= 3);
    // Others have come, whom the model does not know, and the rest has other ordinals.
    engine.catalogue.replace(Index::build(shop(&[("X", &["0", "00", "a", "c", "h"])])), at(1));
    let behind = for_you(&engine, &context);
    engine.refresh();
    let caught_up = for_you(&engine, &context);
    for slate in [&behind, &caught_up] {
        assert_eq!(slate.decision.model.as_deref(), Some("shop/1"));
        let mut shown = keys(slate);
        shown.truncate(2);
        shown.sort_unstable();
        assert_eq!(shown, ["c", "h"], "those that both know come first, the rest fills");
        assert!(keys(slate).iter().all(|key| ["0", "00", "a", "c", "h"].contains(key)), "{:?}", keys(slate));
    }
    assert_eq!(keys(&behind)[..2], keys(&caught_up)[..2]);
}

#[test]
fn a_product_that_came_after_the_training_is_proposed_by_what_the_catalogue_says_of_it() {
    let engine = world();
    let index = engine.catalogue.current();
    let mut names = vec![Vec::new()];
    names.extend((0_u32..).zip(index.products()).map(|(at, product)| described(product, index.band(at))));
    let context = shopper(60, &visit(&["a", "b"]));
    engine.catalogue.replace(Index::build(shop(&[("X", &["a", "b", "c", "new"]), ("Y", &["other"])])), at(1));
    let proposed = |engine: &Engine| -> Vec<String> {
        engine.refresh();
        let items = for_you(engine, &context).items;
        let by_model = items.iter().filter(|item| item.reason == ReasonCode::Session);
        by_model.map(|item| item.product.to_string()).collect()
    };
    engine.serve(Some(served("ids/1", &KEYS, 1))).unwrap();
    assert_eq!(proposed(&engine), ["c"]);
    // Of a category that it has learned it can be placed, of another one not.
    engine.serve(Some(served_by_names("names/1", &KEYS, &names, 1))).unwrap();
    let mut found = proposed(&engine);
    found.sort_unstable();
    assert_eq!(found, ["c", "new"]);
}

#[test]
fn what_session_and_model_count_for_together_is_shared_as_the_training_learned() {
    let config = Config { deadline: Duration::from_secs(20), ..Config::default() };
    let engine = with_config(config, products());
    learn(&engine, 5, &visit(&["a", "b", "c", "d"]));
    let context = shopper(60, &visit(&["a"]));
    let statistics = for_you(&engine, &context);
    let told = |share: &str| {
        engine.serve(Some(served_with_share(&KEYS, share))).unwrap();
        for_you(&engine, &context)
    };
    let (none, all) = (told("0.00"), told("1.00"));
    assert_eq!((none.decision.served_by, all.decision.served_by), (ServedBy::Statistics, ServedBy::Model));
    assert_eq!(keys(&none)[..2], keys(&statistics)[..2], "without a share it changes nothing");
    assert_ne!(keys(&all), keys(&statistics));
    // What is no share is not taken for one.
    assert_eq!(told("NaN").items, told("7").items);
    assert_eq!(told("7").decision.served_by, ServedBy::Model);
}

#[test]
fn ten_thousand_events_in_any_order_and_of_unknown_products_are_read() {
    let engine = world();
    let mut context = shopper(60, &[]);
    // More than the store would keep, backwards.
    context.state.session.events =
        std::sync::Arc::new((0..10_000).rev().map(|n| viewed(n % 977, KEYS[n as usize % 8])).collect());
    let slate = for_you(&engine, &context);
    assert!(!slate.items.is_empty() && slate.items.iter().all(|item| item.score.is_finite()));
    let mut few = shopper(60, &visit(&["a", "unknown", "b"]));
    let ordered = for_you(&engine, &few);
    std::sync::Arc::make_mut(&mut few.state.session.events).reverse();
    assert_eq!(for_you(&engine, &few).decision.served_by, ServedBy::Model);
    assert_eq!(keys(&ordered).len(), keys(&for_you(&engine, &few)).len());
}

#[test]
fn another_version_is_used_from_the_next_wave_on_and_one_of_another_shop_is_refused() {
    let engine = world();
    let context = shopper(60, &visit(&["a", "b"]));
    let before = for_you(&engine, &context);
    let said = engine.serve(Some(served("other/1", &["x", "y"], 1))).unwrap_err();
    assert!(said.contains("other/1") && said.contains("train one"), "{said}");
    assert_eq!(for_you(&engine, &context).items, before.items);
    engine.serve(Some(served("shop/2", &KEYS, 2))).unwrap();
    let after = for_you(&engine, &context);
    assert_eq!(after.decision.model.as_deref(), Some("shop/2"));
    assert_ne!(after.items, before.items);
    engine.serve(None).unwrap();
    assert_eq!(for_you(&engine, &context).decision.model, None);
}

#[test]
fn a_model_that_is_not_waited_for_is_told_and_the_statistics_decide() {
    let config = Config { deadline: Duration::from_secs(20), ..Config::default() };
    let catalogue = std::sync::Arc::new(crate::catalogue::Catalogue::default());
    catalogue.replace(Index::build(products()), at(0));
    let engine = Engine::with_model(config, ModelSettings { share: 0.0, ..ModelSettings::default() }, catalogue);
    learn(&engine, 3, &visit(&["a", "b", "c"]));
    engine.serve(Some(served("shop/1", &KEYS, 1))).unwrap();
    let context = shopper(60, &visit(&["a"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let asked = [request(Intent::ForYou, &[], 3), request(Intent::Popular, &[], 3)];
    let slates = runtime.block_on(engine.slates(&context, &asked));
    let told: Vec<_> = slates.iter().map(|it| &it.slate.decision).map(|it| (it.served_by, it.fallback)).collect();
    assert_eq!(told, [(ServedBy::Statistics, Some(FallbackReason::Deadline)), (ServedBy::Statistics, None)]);
    let first = &slates[0].slate;
    assert_eq!((first.decision.max_age, &first.decision.model), (0, &None));
    assert!(!first.items.is_empty());
}

fn rank(engine: &Engine, context: &Context, keys: &[&str]) -> crate::engine::Ranking {
    let request = RankRequest {
        placement: "products".into(),
        keys: keys.iter().map(|text| key(text)).collect(),
        query: None,
        collection: None,
    };
    futures::executor::block_on(engine.rank(context, &request))
}

#[test]
fn a_window_is_put_in_order_with_the_model_and_stays_as_it_is_without_a_signal() {
    let engine = world();
    let window = ["h", "g", "unknown", "f", "e", "d", "c"];
    for context in [shopper(60, &[]), shopper(60, &visit(&["unknown", "gone"]))] {
        let untouched = rank(&engine, &context, &window);
        assert_eq!((untouched.order, untouched.decision.fallback), (None, Some(FallbackReason::NoData)));
    }
    let context = shopper(60, &visit(&["a", "b"]));
    let ranked = rank(&engine, &context, &window);
    assert_eq!((ranked.decision.served_by, ranked.decision.model.as_deref()), (ServedBy::Model, Some("shop/1")));
    let mut order = ranked.order.unwrap();
    engine.serve(None).unwrap();
    let without = rank(&engine, &context, &window);
    assert_eq!(without.decision.served_by, ServedBy::Statistics);
    assert_ne!(Some(&order), without.order.as_ref());
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6], "the set stays");
}
