//! Decisions run again from what was logged of them.

use super::properties::{histories, learned_with, requests, shops};
use super::world::*;
use crate::domain::audit::DecisionRecord;
use crate::domain::chance;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ProductKey;
use crate::domain::slate::Intent;
use crate::engine::rules::{Action, Rule, Selector};
use crate::engine::{Config, Slated, again, settle};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::HashSet;
use std::sync::Arc;

/// The decision as it is logged after these products had dropped out, written down and read back.
fn logged(slated: Slated, dropped: &[ProductKey]) -> DecisionRecord {
    let gone: HashSet<ProductKey> = dropped.iter().cloned().collect();
    let record = DecisionRecord {
        shopper: crate::domain::ids::ShopperKey::new("shopper"),
        market: Default::default(),
        slate: settle(&slated.slate, &gone, &HashSet::new()),
        inputs: slated.inputs,
        candidates: slated.slate,
        dropped: dropped.to_vec(),
        made: slated.made,
        erased: Vec::new(),
    };
    let written = serde_json::to_vec(&record).unwrap();
    let read: DecisionRecord = serde_json::from_slice(&written).unwrap();
    assert_eq!(read.made, record.made, "every number is read as it was written");
    read
}

fn rules() -> Vec<Rule> {
    let of = |key: &str| Selector { keys: vec![ProductKey::new(key)], ..Selector::default() };
    let tagged = Selector { tag: Some("sale".into()), ..Selector::default() };
    let rule = |products, action| Rule { placements: Vec::new(), tiers: Vec::new(), products, action };
    vec![
        rule(tagged, Action::Boost(1.1 * 1.3)),
        rule(of("p03"), Action::Pin(2)),
        rule(of("p05"), Action::Block),
        rule(of("p07"), Action::Boost(0.7)),
    ]
}

#[test]
fn a_thousand_random_decisions_come_out_the_same_from_their_logged_features() {
    let mut runner = TestRunner::deterministic();
    let worlds = (shops(), histories(), prop::collection::vec(requests(), 10), any::<[bool; 8]>(), any::<bool>());
    let (mut ranked, mut filled, mut pinned, mut many, mut shuffled) = (0, 0, 0, 0, 0);
    for _ in 0..100 {
        let (products, history, requests, drops, ruled) = worlds.new_tree(&mut runner).unwrap().current();
        // Half of them with an order that is left to chance, half of the time.
        let explore = if drops[0] { 0.5 } else { 0.0 };
        let config = Config { rules: if ruled { rules() } else { Vec::new() }, explore, ..patient() };
        let engine = learned_with(config, &products, &history);
        let events: Vec<_> = history.iter().filter(|(who, _)| *who == 0).map(|(_, event)| event.clone()).collect();
        let context = shopper(100_000, &events);
        for request in &requests {
            let slated = slated(&engine, &context, request);
            let items = slated.slate.items.iter().zip(drops.iter().cycle());
            let dropped: Vec<ProductKey> =
                items.filter(|(_, drops)| **drops).map(|(item, _)| item.product.clone()).collect();
            let record = logged(slated, &dropped);
            let made = record.made.as_deref().unwrap();
            let again = again(&record).unwrap();
            assert_eq!(keys(&again.slate), keys(&record.slate), "{request:?}");
            assert!(again.same, "{request:?}");
            ranked += usize::from(!made.candidates.is_empty());
            filled += usize::from(!made.fillers.is_empty());
            pinned += usize::from(made.pins.iter().any(|pin| !pin.products.is_empty()));
            many += usize::from(record.slate.items.len() > 3);
            shuffled += usize::from(chance::before(&record.candidates) != record.candidates.items);
        }
    }
    // It says nothing where there was nothing to run.
    assert!(ranked > 300 && filled > 300 && pinned > 100 && many > 60, "{ranked} {filled} {pinned} {many}");
    assert!(shuffled > 50, "{shuffled}");
}

/// Time is not the subject here, and a slow machine should not change a slate.
fn patient() -> Config {
    Config { deadline: std::time::Duration::from_secs(60), ..Config::default() }
}

fn one() -> DecisionRecord {
    let keys: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let engine = with_config(patient(), shop(&[("A", &keys[..10]), ("B", &keys[10..])]));
    learn(&engine, 9, &[viewed(0, "p00"), viewed(1, "p01"), viewed(2, "p11")]);
    learn(&engine, 4, &[viewed(3, "p00"), viewed(4, "p02"), viewed(5, "p12")]);
    let context = shopper(20, &[viewed(10, "p00"), viewed(11, "p12")]);
    logged(slated(&engine, &context, &request(Intent::Related, &["p00"], 4)), &[])
}

#[test]
fn the_slate_follows_from_the_features_and_not_from_what_was_served() {
    let record = one();
    assert!(again(&record).unwrap().same);
    // Another feature, another slate: nothing of what was served is printed.
    let mut other = record.clone();
    let mut made = (*other.made.take().unwrap()).clone();
    let last = made.candidates.last_mut().unwrap();
    last.boost = 1_000.0;
    let (last, key) = (last.product, |made: &crate::domain::made::Made, product| made.key(product).unwrap().clone());
    let expected = key(&made, last);
    other.made = Some(Arc::new(made));
    let result = again(&other).unwrap();
    assert!(!result.same);
    assert_eq!(result.slate.items[0].product, expected);
    // Another slate was served: that is noticed.
    let mut other = record.clone();
    other.slate.items.swap(0, 1);
    assert!(!again(&other).unwrap().same);
    let mut other = record;
    other.dropped = vec![other.slate.items[0].product.clone()];
    assert!(!again(&other).unwrap().same);
}

#[test]
fn where_inputs_have_been_erased_nothing_is_run_again() {
    let mut record = one();
    assert!(!record.erase(Purpose::Marketing), "nothing was read for it");
    assert!(again(&record).is_some());
    assert!(record.erase(Purpose::Preferences));
    assert!(record.made.is_none() && record.candidates.items.is_empty());
    assert_eq!(again(&record), None);
    assert!(record.inputs.iter().all(|input| input.purpose.is_none() || input.value.is_empty()));
}

#[test]
fn what_may_not_be_logged_is_not_taken_down() {
    let engine = with_config(patient(), shop(&[("A", &["a", "b", "c"])]));
    let mut context = shopper(20, &[]);
    assert!(slated(&engine, &context, &request(Intent::Popular, &[], 2)).made.is_some());
    context.consent = Consent::ALL.with(Purpose::Analytics, false);
    assert!(slated(&engine, &context, &request(Intent::Popular, &[], 2)).made.is_none());
    (context.consent, context.shopper) = (Consent::ALL, None);
    assert!(slated(&engine, &context, &request(Intent::Popular, &[], 2)).made.is_none());
}

#[test]
fn a_record_that_was_tampered_with_is_another_slate_and_no_panic() {
    let record = one();
    let mut made = (**record.made.as_ref().unwrap()).clone();
    made.candidates[0].product = 9_999;
    made.candidates[1].shares = vec![(200, f32::NAN), (0, f32::INFINITY)];
    made.seeds = vec![77];
    made.pins = vec![crate::domain::made::Pinned { rule: 0, position: usize::MAX, products: vec![5_000] }];
    made.products[0].category = 1_000;
    made.most = usize::MAX;
    let record = DecisionRecord { made: Some(Arc::new(made)), ..record };
    assert!(!again(&record).unwrap().same);
}

#[test]
fn chance_has_its_share_of_what_may_be_logged_also_where_the_ranking_was_kept() {
    let keys: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let pin = Rule {
        placements: Vec::new(),
        tiers: Vec::new(),
        products: Selector { keys: vec![ProductKey::new("p13")], ..Selector::default() },
        action: Action::Pin(2),
    };
    let engine = with_config(Config { explore: 0.5, rules: vec![pin], ..patient() }, shop(&[("A", &keys)]));
    learn(&engine, 9, &[viewed(0, "p00"), viewed(1, "p01"), viewed(2, "p11")]);
    let orders = |context: &crate::engine::Context, intent| {
        let request = request(intent, &[], 4);
        // Asked for again within the second, the same ranking answers.
        (0..200).map(|_| slated(&engine, context, &request).slate).collect::<Vec<_>>()
    };
    let mut context = shopper(20, &[viewed(10, "p00")]);
    let found = orders(&context, Intent::Popular);
    let plain = chance::before(&found[0]);
    let moved = found.iter().filter(|slate| slate.items != plain).count();
    assert!((60..140).contains(&moved), "{moved} of 200");
    for slate in &found {
        assert_eq!((slate.items[1].product.as_str(), slate.decision.explore), ("p13", 0.5));
        assert_eq!(chance::before(slate), plain);
    }
    // What was viewed is asked for in its order; without consent to analytics everybody sees the same.
    assert!(orders(&context, Intent::RecentlyViewed).iter().all(|slate| slate.decision.explore == 0.0));
    context.consent = Consent::ALL.with(Purpose::Analytics, false);
    assert!(orders(&context, Intent::Popular).iter().all(|slate| slate.items == plain));
}
