//! Estimates computed by hand, and in a shop where the truth is known.

use super::*;
use crate::domain::chance;
use crate::domain::ids::{DecisionId, ProductKey};
use crate::domain::slate::{Decision, Intent, ReasonCode, ServedBy, Slate, SlateItem};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// One product wanted of `a` and `b`, of which `a` would come first; half of the decisions are shuffled.
fn line(shopper: &str, shown: &str, clicked: bool) -> Value {
    let outcomes = if clicked { json!([{ "type": "recommendation_clicked", "product": shown }]) } else { json!([]) };
    json!({
        "shopper": shopper, "intent": "FOR_YOU", "sample": 1.0, "explore": 0.5,
        "items": [{ "product": shown, "propensity": if shown == "a" { 0.75 } else { 0.25 } }],
        "listed": [{ "product": "a" }, { "product": "b" }],
        "candidates": [
            { "product": "a", "shares": { "session": 1.0 }, "affinity": 0.0, "boost": 1.0, "kept": 1.0 },
            { "product": "b", "shares": { "session": 0.5, "popular": 1.0 }, "affinity": 0.5, "boost": 1.0, "kept": 1.0 },
        ],
        "weights": { "session": 1.0, "affinity": 0.1 }, "dropped": [], "outcomes": outcomes,
    })
}

fn log(lines: impl IntoIterator<Item = Value>) -> Log {
    let mut log = Log::default();
    lines.into_iter().for_each(|line| log.add(line).unwrap());
    log
}

fn popular() -> Target {
    Target::Weights("popular".into(), Weights::from([("popular".into(), 1.0)]))
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found}, {expected} by hand");
}

#[test]
fn estimates_are_those_computed_by_hand() {
    let lines = [line("1", "a", true), line("2", "a", false), line("3", "a", false), line("4", "b", true)];
    let found = evaluate(&log(lines), &[Target::Logged, popular()], Reward::Click).unwrap();
    assert_eq!((found.decisions, found.shoppers, found.shown), (4, 4, 4));
    near(found.served.value, 0.5);
    // Residuals ±½ of four shoppers: √(4 · ¼ · 4/3) / 4.
    near(found.served.high - found.served.value, 1.959_964 * (4.0_f64 / 3.0).sqrt() / 4.0);
    let [logged, popular] = &found.targets[..] else { panic!("two targets") };
    // Three weights of 1 / ¾, of which one with a click.
    near(logged.ips.value, (1.0 / 0.75) / 4.0);
    near(logged.snips.value, 1.0 / 3.0);
    near(logged.effective, 3.0);
    near(logged.weight.value, 1.0);
    assert_eq!((logged.same, popular.same), (3, 1));
    // One weight of 1 / ¼, with a click.
    near(popular.ips.value, 1.0);
    near(popular.snips.value, 1.0);
    near(popular.effective, 1.0);
    // The residuals of IPS are −1, −1, −1 and 3.
    near(popular.ips.value - popular.ips.low, 1.959_964 * (12.0_f64 * 4.0 / 3.0).sqrt() / 4.0);
    assert!((popular.difference.value - (popular.doubly_robust.value - 0.5)).abs() < 1e-12);
}

#[test]
fn decisions_of_one_shopper_count_as_one_and_a_sample_by_its_inverse() {
    let lines = || (0..20).map(|n| line(&(n % 2).to_string(), "a", n % 2 == 0));
    let two = evaluate(&log(lines()), &[], Reward::Click).unwrap().served;
    // Two shoppers, one of whom always clicks: √(2 · 5² · 2) / 20.
    near(two.high - two.value, 1.959_964 * 10.0 / 20.0);
    let half = |mut line: Value| {
        line["sample"] = json!(0.25);
        line
    };
    let lines = [half(line("1", "a", true)), line("2", "a", false)];
    near(evaluate(&log(lines), &[], Reward::Click).unwrap().served.value, 4.0 / 5.0);
}

#[test]
fn a_log_without_chance_is_refused_with_what_to_set() {
    let certain = |_| {
        let mut line = line("1", "a", true);
        line.as_object_mut().unwrap().remove("explore");
        line["items"][0]["propensity"] = json!(1.0);
        line
    };
    let log_of = log((0..5).map(certain));
    assert_eq!((log_of.lines, log_of.certain), (5, 5));
    let said = |log: &Log, reward| evaluate(log, &[Target::Logged], reward).unwrap_err().to_string();
    assert!(said(&log_of, Reward::Click).contains("engine.explore"));
    assert!(said(&Log::default(), Reward::Click).contains("no decision"));
    assert!(said(&log([line("1", "a", true), line("1", "b", true)]), Reward::Click).contains("one shopper"));
    let clicked = log([line("1", "a", true), line("2", "b", true)]);
    assert!(said(&clicked, Reward::Order).contains("decisionId"));
}

#[test]
fn what_was_erased_is_left_out_and_what_is_no_probability_is_refused() {
    let mut erased = line("1", "a", true);
    erased["items"][0].as_object_mut().unwrap().remove("propensity");
    let log = log([erased, line("2", "a", true)]);
    assert_eq!((log.lines, log.incomplete), (2, 1));
    for (member, value) in [("propensity", json!(0.0)), ("propensity", json!(1.5)), ("propensity", json!(-1.0))] {
        let mut wrong = line("1", "a", true);
        wrong["items"][0][member] = value;
        assert!(Log::default().add(wrong).unwrap_err().to_string().contains("propensity"));
    }
    let mut wrong = line("1", "a", true);
    wrong["sample"] = json!(0.0);
    assert!(Log::default().add(wrong).is_err());
    assert!(Log::default().add(json!({ "id": "x" })).is_err());
}

#[test]
fn placed_products_stay_and_what_was_gone_is_not_shown_by_others_either() {
    let mut log = Log::default();
    let product = |key: &str, popular: f64| json!({ "product": key, "shares": { "popular": popular } });
    log.add(json!({
        "shopper": "1", "intent": "POPULAR", "sample": 1.0, "explore": 0.1,
        "items": [{ "product": "a", "propensity": 0.9 }, { "product": "P", "propensity": 1.0 },
            { "product": "filler", "propensity": 0.2 }],
        "listed": [{ "product": "a" }, { "product": "P", "placed": true }, { "product": "filler" },
            { "product": "b" }, { "product": "c" }],
        "candidates": [product("a", 0.1), product("b", 0.9), product("c", 0.5)],
        "weights": {}, "dropped": ["b"], "outcomes": [],
    }))
    .unwrap();
    // By popularity b, c, a and then what only fills: b is gone, so its place is taken by the rule's.
    assert_eq!(popular().order(&log.decisions[0], &log), [1, 4, 0]);
    assert_eq!(Target::Logged.order(&log.decisions[0], &log), [0, 1, 2]);
}

/// A shop of which everything is known: twelve products a decision, four shown, more clicks further up and on what is
/// popular; the log's ranking goes by the session.
struct Shop {
    lines: Vec<Value>,
    /// The mean reward of the order by popularity.
    truth: f64,
}

fn shop(seed: u64, decisions: usize) -> Shop {
    const LISTED: usize = 12;
    const SHOWN: usize = 4;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut lines, mut truth) = (Vec::new(), 0.0);
    for number in 0..decisions {
        let shopper = number / 3;
        // Some shoppers click more than others.
        let mood = 0.5 + f64::from(u8::try_from(shopper % 3).unwrap()) * 0.5;
        let mut products: Vec<(String, f64, f64)> =
            (0..LISTED).map(|n| (format!("{number}-{n}"), random.random(), random.random())).collect();
        products.sort_by(|a, b| b.1.total_cmp(&a.1));
        let clicked =
            |popular: f64, place: usize| mood * (0.05 + 0.4 * popular * popular) / (place as f64 + 1.0).sqrt();
        let item = |(key, score, _): &(String, f64, f64)| SlateItem {
            product: ProductKey::new(key.as_str()),
            score: *score,
            reason: ReasonCode::Session,
            because: None,
        };
        let decision = Decision {
            id: DecisionId::new(format!("{seed:08x}{number:024x}")),
            served_by: ServedBy::Statistics,
            fallback: None,
            model: None,
            experiment: None,
            explore: 0.3,
            decided_at: Timestamp::UNIX_EPOCH,
            max_age: 0,
        };
        let mut slate =
            Slate { decision, placement: "home".into(), items: products.iter().map(item).collect(), wanted: SHOWN };
        chance::arrange(&mut slate);
        // One in twelve is out of stock.
        let dropped = vec![ProductKey::new(format!("{number}-0"))];
        let there = |item: &&SlateItem| item.product != dropped[0];
        let shown: Vec<SlateItem> = slate.items.iter().filter(there).take(SHOWN).cloned().collect();
        let propensities = chance::propensities(&slate, &dropped, &shown);
        let popular = |key: &ProductKey| products.iter().find(|product| product.0 == key.as_str()).unwrap().2;
        let mut outcomes = Vec::new();
        for (place, item) in shown.iter().enumerate() {
            if random.random::<f64>() < clicked(popular(&item.product), place) {
                outcomes.push(json!({ "type": "recommendation_clicked", "product": item.product }));
            }
        }
        let mut best: Vec<f64> = products.iter().filter(|one| one.0 != dropped[0].as_str()).map(|one| one.2).collect();
        best.sort_by(|a, b| b.total_cmp(a));
        truth += best.iter().take(SHOWN).enumerate().map(|(place, popular)| clicked(*popular, place)).sum::<f64>();
        let candidate = |(key, session, popular): &(String, f64, f64)| json!({ "product": key, "shares": { "session": session, "popular": popular } });
        let item = |(item, propensity): (&SlateItem, f64)| json!({ "product": item.product, "propensity": propensity });
        lines.push(json!({
            "shopper": shopper.to_string(), "intent": Intent::ForYou, "sample": 1.0, "explore": 0.3,
            "items": shown.iter().zip(propensities).map(item).collect::<Vec<_>>(),
            "listed": products.iter().map(|(key, ..)| json!({ "product": key })).collect::<Vec<_>>(),
            "candidates": products.iter().map(candidate).collect::<Vec<_>>(),
            "weights": { "session": 1.0 }, "dropped": dropped, "outcomes": outcomes,
        }));
    }
    Shop { lines, truth: truth / (decisions * SHOWN) as f64 }
}

#[test]
fn intervals_hold_the_truth_and_doubly_robust_ones_are_narrower() {
    let (mut held, mut apart, mut worth) = ([0; 4], [0.0; 3], [0.0; 3]);
    let shops = 40;
    for seed in 0..shops {
        let Shop { lines, truth } = shop(seed, 900);
        let log = log(lines);
        let found = evaluate(&log, &[popular()], Reward::Click).unwrap();
        let of = &found.targets[0];
        let holds = |figure: Figure, value: f64| usize::from(figure.low <= value && value <= figure.high);
        for (at, figure) in [of.ips, of.snips, of.doubly_robust].into_iter().enumerate() {
            held[at] += holds(figure, truth);
            worth[at] += figure.value - truth;
            apart[at] += (figure.value - truth).powi(2);
        }
        held[3] += holds(of.weight, 1.0);
        assert!(found.served.high < truth, "what was served is worse by far");
    }
    // 40 intervals of 95 %: fewer than 34 hold in one of 500 such tests.
    assert!(held.iter().all(|held| *held >= 34), "{held:?} of {shops}");
    // No bias: the mean error is within three of its own deviations.
    for (sum, squares) in worth.iter().zip(apart) {
        assert!(sum.abs() < 3.0 * squares.sqrt(), "{worth:?} {apart:?}");
    }
    assert!(apart[2] < 0.8 * apart[0], "doubly robust {} against {} of IPS", apart[2], apart[0]);
}
