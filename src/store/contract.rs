//! The contract suite that every store passes: `contract::check(|| MyStore::new()).await`, each call an empty store.

mod logins;
mod shop;
mod standing;

use super::shop::ShopStore;
use super::traits::{Appended, DecisionStore, ShopperState, ShopperStore};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{DecisionId, EventId, OrderKey, ProductKey, ShopperKey};
use crate::domain::market::Market;
use crate::domain::money::{Currency, Money};
use crate::domain::profile::Profile;
use crate::domain::session::Session;
use crate::domain::slate::{Decision, ServedBy, Slate};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::time::Duration;

/// All of the contract. Panics where the store does not keep it.
pub(crate) async fn check<S: ShopperStore + DecisionStore + ShopStore>(make: impl Fn() -> S) {
    events_count_once_and_are_read_in_their_own_order(&make()).await;
    shoppers_do_not_see_each_other(&make()).await;
    a_session_keeps_its_newest_two_hundred(&make()).await;
    purchases_come_from_orders_and_an_order_counts_once(&make()).await;
    a_cancelled_order_counts_no_more_whichever_comes_first(&make()).await;
    value_is_what_the_platform_tells_whoever_told_the_order_first(&make).await;
    value_is_counted_in_few_currencies(&make()).await;
    logins::value_goes_with_a_login_once_and_to_nobody_else(&make()).await;
    logins::login_moves_the_session_each_time_and_a_second_customer_gets_nothing_of_it(&make()).await;
    logins::a_session_stays_its_customers_over_changes_of_secrets(&make()).await;
    logins::login_merges_what_both_know(&make()).await;
    logins::a_customers_sessions_are_known_until_the_customer_is_erased(&make()).await;
    erasure_leaves_a_withdrawn_consent(&make()).await;
    erasing_preferences_keeps_consent(&make()).await;
    revisions_only_grow(&make()).await;
    decisions(&make()).await;
    standing::what_the_platform_says_is_kept_by_its_time(&make()).await;
    standing::a_forgotten_customer_is_one_who_agrees_to_nothing(&make()).await;
    standing::a_withdrawal_that_is_heard_late_leaves_what_was_granted_since(&make()).await;
    shop::a_redacted_shop_is_empty_and_takes_what_comes_then(&make()).await;
    shop::deliveries_are_remembered_for_their_time(&make()).await;
    shop::erasures_are_told_in_their_order_and_once_behind_each_place(&make()).await;
    shop::news_of_products_is_told_in_its_order_and_what_is_missing_is_a_gap(&make()).await;
    visits_and_order_do_not_depend_on_arrival(make).await;
}

fn key(text: &str) -> ShopperKey {
    ShopperKey::new(text)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_268_800 + second).unwrap()
}

fn viewed(id: &str, second: i64, product: &str) -> Event {
    Event::of_product(EventId::new(id), EventType::ProductViewed, at(second), ProductKey::new(product))
}

fn ordered(id: &str, second: i64, order: Option<&str>, products: &[&str]) -> Event {
    let line = |product: &&str| Line { product: ProductKey::new(*product), variant: None, quantity: 2, price: None };
    Event {
        order: order.map(OrderKey::new),
        lines: products.iter().map(line).collect(),
        ..Event::bare(EventId::new(id), EventType::CheckoutCompleted, at(second))
    }
}

fn ids(state: &ShopperState) -> Vec<&str> {
    state.session.events.iter().map(|event| event.id.as_str()).collect()
}

fn cancelled(id: &str, second: i64, order: &str, products: &[&str]) -> Event {
    Event { kind: EventType::OrderCancelled, ..ordered(id, second, Some(order), products) }
}

async fn a_cancelled_order_counts_no_more_whichever_comes_first<S: ShopperStore>(store: &S) {
    add(store, "c", &[ordered("1", 1, Some("o1"), &["p", "q"]), ordered("2", 2, Some("o2"), &["p"])]).await;
    add(store, "c", &[cancelled("3", 3, "o1", &["p", "q"]), cancelled("4", 4, "o3", &["r"])]).await;
    // The order itself comes late, and the cancellation again.
    add(store, "c", &[ordered("5", 1, Some("o3"), &["r"]), cancelled("3", 3, "o1", &["p", "q"])]).await;
    let profile = read(store, "c").await.profile;
    let bought: Vec<_> = profile.bought.iter().map(|it| (it.product.as_str(), it.times)).collect();
    assert_eq!((profile.orders, bought), (1, vec![("p", 1)]));
}

/// An order as the platform tells it, with what it cost.
fn valued(id: &str, second: i64, order: &str, (minor, currency): (i64, &str)) -> Event {
    let currency = Currency::parse(currency).unwrap();
    Event { value: Some(Money { minor, currency }), ..ordered(id, second, Some(order), &["p"]) }
}

/// Orders, the value in each currency with how many orders, and the second of the last.
fn worth(state: &ShopperState) -> (u32, Vec<(u32, i64, String)>, Option<i64>) {
    let profile = &state.profile;
    let spent =
        profile.spent.iter().map(|spent| (spent.orders, spent.total.minor, spent.total.currency.as_str().to_owned()));
    let mut spent: Vec<_> = spent.collect();
    spent.sort();
    (profile.orders, spent, profile.ordered.map(|moment| moment.as_second() - at(0).as_second()))
}

async fn value_is_what_the_platform_tells_whoever_told_the_order_first<S: ShopperStore>(make: &impl Fn() -> S) {
    let events = [
        ordered("web", 10, Some("1"), &["p"]),
        valued("hook", 10, "1", (1000, "EUR")),
        valued("paid", 10, "1", (1000, "EUR")),
        valued("other", 20, "2", (500, "USD")),
        cancelled("cancelled", 30, "2", &["p"]),
    ];
    // Each of them first, in turn, and each order of the two that follow it.
    for first in 0..events.len() {
        for reversed in [false, true] {
            let store = make();
            let mut rest: Vec<usize> = (0..events.len()).filter(|at| *at != first).collect();
            if reversed {
                rest.reverse();
            }
            for at in [first].into_iter().chain(rest) {
                add(&store, "c", std::slice::from_ref(&events[at])).await;
            }
            let state = read(&store, "c").await;
            assert_eq!(worth(&state), (1, vec![(1, 1000, "EUR".to_owned())], Some(10)), "{first} {reversed}");
            assert_eq!(state.profile.bought.len(), 1);
        }
    }
}

async fn value_is_counted_in_few_currencies<S: ShopperStore>(store: &S) {
    for (n, currency) in ["EUR", "USD", "JPY", "GBP", "CHF", "EUR"].iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        add(store, "c", &[valued(&format!("e{n}"), n, &format!("o{n}"), (100, currency))]).await;
    }
    add(store, "c", &[valued("most", 9, "most", (i64::MAX, "EUR"))]).await;
    let profile = read(store, "c").await.profile;
    assert_eq!((profile.orders, profile.spent.len(), profile.valued()), (7, Profile::CURRENCIES, 6));
    assert_eq!(profile.spent_in(Currency::parse("EUR").unwrap()), i64::MAX, "and no overflow");
    assert_eq!(profile.spent_in(Currency::parse("CHF").unwrap()), 0);
}

async fn add<S: ShopperStore>(store: &S, who: &str, events: &[Event]) -> Vec<Appended> {
    store.append(&key(who), events).await.unwrap()
}

async fn read<S: ShopperStore>(store: &S, who: &str) -> ShopperState {
    store.read(&key(who)).await.unwrap()
}

async fn events_count_once_and_are_read_in_their_own_order<S: ShopperStore>(store: &S) {
    use Appended::{Accepted, Duplicate};
    assert_eq!(read(store, "s").await, ShopperState::default());
    assert_eq!(add(store, "s", &[]).await, []);
    let events = [viewed("b", 2, "p"), viewed("a", 1, "q"), viewed("b", 3, "r")];
    assert_eq!(add(store, "s", &events).await, [Accepted, Accepted, Duplicate]);
    assert_eq!(add(store, "s", &[viewed("a", 9, "q"), viewed("c", 3, "p")]).await, [Duplicate, Accepted]);
    assert_eq!(ids(&read(store, "s").await), ["a", "b", "c"]);
}

async fn shoppers_do_not_see_each_other<S: ShopperStore>(store: &S) {
    add(store, "s", &[viewed("a", 1, "p")]).await;
    store.set_consent(&key("s"), Consent::ALL).await.unwrap();
    assert_eq!(read(store, "t").await, ShopperState::default());
    assert_eq!(add(store, "t", &[viewed("a", 1, "p")]).await, [Appended::Accepted], "ids count per shopper");
    assert!(ShopperStore::erase(store, &key("t")).await.unwrap());
    assert_eq!(ids(&read(store, "s").await), ["a"]);
    assert_eq!(read(store, "s").await.consent, Some(Consent::ALL));
}

async fn a_session_keeps_its_newest_two_hundred<S: ShopperStore>(store: &S) {
    let events: Vec<Event> = (0..250).map(|n| viewed(&format!("e{n}"), n, "p")).collect();
    add(store, "s", &events).await;
    let state = read(store, "s").await;
    assert_eq!(state.session.events.len(), Session::CAP);
    assert_eq!(state.session.events[0].id.as_str(), "e50");
    assert_eq!(add(store, "s", &[viewed("e3", 3, "p")]).await, [Appended::Duplicate], "forgotten, but not its id");
}

async fn purchases_come_from_orders_and_an_order_counts_once<S: ShopperStore>(store: &S) {
    let events = [
        ordered("web", 10, Some("1"), &["p", "q", "p"]),
        ordered("hook", 11, Some("1"), &["p", "q"]),
        ordered("other", 20, Some("2"), &["p"]),
        ordered("unnamed", 5, None, &["r"]),
    ];
    add(store, "s", &events).await;
    let profile = read(store, "s").await.profile;
    let bought: Vec<(&str, u32)> = profile.bought.iter().map(|item| (item.product.as_str(), item.times)).collect();
    assert_eq!(profile.orders, 3);
    assert_eq!(bought, [("r", 1), ("q", 1), ("p", 2)], "most recent last");
    assert_eq!(profile.bought[2].last, at(20));
}

async fn erasure_leaves_a_withdrawn_consent<S: ShopperStore>(store: &S) {
    assert!(!ShopperStore::erase(store, &key("s")).await.unwrap());
    add(store, "s", &[viewed("a", 1, "p"), ordered("o", 2, None, &["q"])]).await;
    assert!(ShopperStore::erase(store, &key("s")).await.unwrap());
    assert!(!ShopperStore::erase(store, &key("s")).await.unwrap());
    store.set_consent(&key("s"), Consent::ALL).await.unwrap();
    assert!(ShopperStore::erase(store, &key("s")).await.unwrap());
    let state = read(store, "s").await;
    assert_eq!(state.consent, Some(Consent::NONE));
    assert!(state.session.events.is_empty() && state.profile.bought.is_empty());
    assert_eq!((state.profile.visits, state.profile.orders), (0, 0));
    assert!(!ShopperStore::erase(store, &key("s")).await.unwrap(), "a withdrawn consent is not something to erase");
}

async fn erasing_preferences_keeps_consent<S: ShopperStore>(store: &S) {
    add(store, "s", &[viewed("a", 1, "p")]).await;
    store.set_consent(&key("s"), Consent::ALL).await.unwrap();
    assert!(!store.erase_purpose(&key("s"), Purpose::Marketing).await.unwrap());
    assert_eq!(ids(&read(store, "s").await), ["a"]);
    assert!(store.erase_purpose(&key("s"), Purpose::Preferences).await.unwrap());
    assert!(!store.erase_purpose(&key("s"), Purpose::Preferences).await.unwrap());
    let state = read(store, "s").await;
    assert!(state.session.events.is_empty() && state.profile.visits == 0);
    assert_eq!(state.consent, Some(Consent::ALL));
}

async fn revisions_only_grow<S: ShopperStore>(store: &S) {
    let mut last = (0, 0);
    for round in 0..4 {
        let events = [viewed(&format!("e{round}"), round, "p"), ordered(&format!("o{round}"), round, None, &["p"])];
        add(store, "s", &events).await;
        for step in ["append", "erase", "erase preferences", "login"] {
            match step {
                "erase" if round == 1 => assert!(ShopperStore::erase(store, &key("s")).await.unwrap()),
                "erase preferences" if round == 2 => {
                    assert!(store.erase_purpose(&key("s"), Purpose::Preferences).await.unwrap());
                }
                "login" if round == 3 => logins::login(store, "s", "customer").await,
                "append" => {}
                _ => continue,
            }
            let state = read(store, "s").await;
            let now = (state.session.revision, state.profile.revision);
            assert!(now.0 > last.0 && now.1 > last.1, "after {step}: {now:?} is not after {last:?}");
            last = now;
        }
    }
}

/// Decisions are read by their shopper only.
pub(crate) async fn decisions<S: DecisionStore>(store: &S) {
    let id = DecisionId::new("d");
    store.put(decision("s", "d")).await.unwrap();
    assert_eq!(store.get(&key("s"), &id).await.unwrap(), Some(decision("s", "d")));
    assert_eq!(store.get(&key("t"), &id).await.unwrap(), None);
    assert_eq!(
        (store.of(&key("s")).await.unwrap(), store.of(&key("t")).await.unwrap()),
        (vec![decision("s", "d")], vec![])
    );
    assert_eq!(store.get(&key("s"), &DecisionId::new("unknown")).await.unwrap(), None);
    store.put(decision("t", "other")).await.unwrap();
    assert!(DecisionStore::erase(store, &key("s")).await.unwrap());
    assert!(!DecisionStore::erase(store, &key("s")).await.unwrap());
    assert_eq!(store.get(&key("s"), &id).await.unwrap(), None);
    assert!(store.get(&key("t"), &DecisionId::new("other")).await.unwrap().is_some());
}

pub(crate) fn decision(who: &str, id: &str) -> DecisionRecord {
    let decision = Decision {
        id: DecisionId::new(id),
        served_by: ServedBy::Statistics,
        fallback: None,
        model: None,
        experiment: None,
        explore: 0.0,
        decided_at: at(0),
        max_age: 30,
    };
    let slate = Slate { decision, placement: "home".into(), items: Vec::new(), wanted: 4 };
    DecisionRecord {
        shopper: key(who),
        market: Market::default(),
        candidates: slate.clone(),
        slate,
        inputs: [].into(),
        dropped: Vec::new(),
        made: None,
        erased: Vec::new(),
    }
}

/// Events in any order, in any portions, some of them twice: the session is that of the events sorted, and visits are
/// the gaps of more than thirty minutes and one.
async fn visits_and_order_do_not_depend_on_arrival<S: ShopperStore>(make: impl Fn() -> S) {
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec((0_i64..20_000, 0_usize..60), 1..60).prop_shuffle();
    for _ in 0..64 {
        let drawn = strategy.new_tree(&mut runner).unwrap().current();
        let events: Vec<Event> = drawn.iter().map(|(second, id)| viewed(&format!("e{id}"), *second, "p")).collect();
        let store = make();
        for portion in events.chunks(1 + events.len() / 3) {
            add(&store, "s", portion).await;
        }
        let mut kept: Vec<(Timestamp, &str)> = Vec::new();
        for event in &events {
            if kept.iter().all(|(_, id)| *id != event.id.as_str()) {
                kept.push((event.at, event.id.as_str()));
            }
        }
        kept.sort_by_key(|(at, _)| *at);
        let gaps = kept.windows(2).filter(|pair| pair[1].0.duration_since(pair[0].0).as_mins() >= 30);
        let gaps = gaps.filter(|pair| pair[1].0.duration_since(pair[0].0).as_secs() > 1_800).count();
        let state = read(&store, "s").await;
        let times: Vec<Timestamp> = state.session.events.iter().map(|event| event.at).collect();
        assert_eq!(times, kept.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        assert_eq!(state.profile.visits as usize, gaps + 1, "{drawn:?}");
    }
}
