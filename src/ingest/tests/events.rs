//! What becomes of events: rule by rule.

use super::fakes::{Stage, stage, view};
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{DecisionId, EventId, OrderKey, ProductKey, VariantKey};
use crate::ingest::{Config, Outcome};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

fn plain() -> Stage {
    stage(Config::default())
}

fn bare(id: &str, kind: EventType) -> Event {
    Event::bare(EventId::new(id), kind, Timestamp::now())
}

#[tokio::test]
async fn an_accepted_event_is_in_the_shoppers_next_request() {
    let stage = plain();
    let caller = stage.caller("s", "all").await;
    assert_eq!(stage.codes(&caller, vec![view("1", "p1"), view("2", "p2")]).await, ["OK", "OK"]);
    let next = stage.ingest.context(&stage.caller("s", "all").await, Timestamp::now()).await;
    assert_eq!(next.state.session.events.len(), 2);
    assert_eq!(stage.shelf.learned.lock().unwrap().len(), 2);
    assert_eq!(stage.ingest.recent().len(), 2);
}

#[tokio::test]
async fn each_purpose_allows_its_own_part_and_none_allows_nothing() {
    for (consent, stored, learned) in
        [("none", 0, 0), ("marketing, sale-of-data", 0, 0), ("preferences", 1, 0), ("analytics", 0, 1), ("all", 1, 1)]
    {
        let stage = plain();
        let caller = stage.caller("s", consent).await;
        let expected = if stored + learned == 0 { "NO_CONSENT" } else { "OK" };
        assert_eq!(stage.codes(&caller, vec![view("1", "p1")]).await, [expected], "{consent}");
        let who = caller.shopper.clone().unwrap();
        assert_eq!(stage.shelf.products(&who).len(), stored, "{consent}");
        assert_eq!(stage.shelf.learned.lock().unwrap().len(), learned, "{consent}");
        assert_eq!(stage.ingest.recent().len(), learned, "{consent}");
    }
}

#[tokio::test]
async fn an_id_counts_once_with_storage_and_without() {
    for consent in ["all", "preferences", "analytics"] {
        let stage = plain();
        let caller = stage.caller("s", consent).await;
        let twice = vec![view("1", "p1"), view("1", "p1")];
        assert_eq!(stage.codes(&caller, twice).await, ["OK", "DUPLICATE"], "{consent}");
        assert_eq!(stage.codes(&caller, vec![view("1", "p2")]).await, ["DUPLICATE"], "{consent}");
        let other = stage.caller("t", consent).await;
        assert_eq!(stage.codes(&other, vec![view("1", "p1")]).await, ["OK"], "{consent}: ids are each shopper's own");
    }
}

#[tokio::test]
async fn time_and_product_are_checked_and_each_reason_is_named() {
    let stage = plain();
    let caller = stage.caller("s", "all").await;
    let now = Timestamp::now();
    let at = |id: &str, at: Timestamp| Event { at, ..view(id, "p1") };
    let events = vec![
        at("1", now + 4.minutes()),
        at("2", now + 6.minutes()),
        at("3", now - (24 * 29).hours()),
        at("4", now - (24 * 31).hours()),
        view("5", "p99"),
        bare("6", EventType::ProductViewed),
        Event { variant: Some(VariantKey::new("v3")), ..bare("7", EventType::ProductAddedToCart) },
    ];
    let expected = ["OK", "FUTURE", "OK", "TOO_OLD", "UNKNOWN_PRODUCT", "MALFORMED", "OK"];
    assert_eq!(stage.codes(&caller, events).await, expected);
    let who = caller.shopper.clone().unwrap();
    assert!(stage.shelf.products(&who).contains(&"p3".to_owned()), "the variant leads to its product");
}

#[tokio::test]
async fn what_is_too_long_too_many_or_missing_is_malformed() {
    let stage = plain();
    let caller = stage.caller("s", "all").await;
    let line =
        |product: &str, quantity| Line { product: ProductKey::new(product), variant: None, quantity, price: None };
    let lines = |id: &str, lines| Event { lines, ..bare(id, EventType::CheckoutCompleted) };
    let events = vec![
        view("", "p1"),
        view(&"x".repeat(129), "p1"),
        view("a\u{0}b", "p1"),
        Event { query: Some("q".repeat(513).into()), ..bare("1", EventType::SearchSubmitted) },
        Event { query: Some("q".repeat(512).into()), ..bare("2", EventType::SearchSubmitted) },
        lines("3", vec![line("p1", 1); 251]),
        lines("4", vec![line("p1", 0)]),
        lines("5", vec![line("p1", 1), line("p99", 1)]),
        lines("6", vec![line("p99", 1)]),
        lines("7", vec![]),
        Event { position: Some(0), decision: Some(DecisionId::new("d")), ..view("8", "p1") },
        bare("9", EventType::RecommendationClicked),
        bare("10", EventType::CollectionViewed),
        bare("11", EventType::PageViewed),
    ];
    let bad = "MALFORMED";
    let expected = [bad, bad, bad, bad, "OK", bad, bad, "OK", "UNKNOWN_PRODUCT", bad, bad, bad, bad, "OK"];
    assert_eq!(stage.codes(&caller, events).await, expected);
}

#[tokio::test]
async fn the_hundred_and_first_event_of_a_call_is_refused_and_so_is_a_flood() {
    let mut config = Config::default();
    config.events.burst = 150;
    config.events.per_minute = 1;
    let stage = stage(config);
    let caller = stage.caller("s", "all").await;
    let call = |from: u32| (from..from + 101).map(|n| view(&n.to_string(), "p1")).collect::<Vec<_>>();
    let first = stage.codes(&caller, call(0)).await;
    assert_eq!(first.iter().filter(|code| **code == "OK").count(), 100);
    assert_eq!(first[100], "MALFORMED");
    let second = stage.codes(&caller, call(1000)).await;
    assert_eq!(second.iter().filter(|code| **code == "OK").count(), 50);
    assert_eq!(second[99], "RATE_LIMITED");
}

#[tokio::test]
async fn a_store_that_does_not_answer_asks_to_send_again_and_nothing_is_learned() {
    let stage = plain();
    let caller = stage.caller("s", "all").await;
    *stage.shelf.down.lock().unwrap() = true;
    let outcomes = stage.ingest.accept(&caller, vec![view("1", "p1")]).await;
    assert!(matches!(&outcomes[..], [Outcome::Rejected(why)] if why.message.contains("send it again")), "{outcomes:?}");
    assert!(stage.shelf.learned.lock().unwrap().is_empty());
    *stage.shelf.down.lock().unwrap() = false;
    assert_eq!(stage.codes(&caller, vec![view("1", "p1")]).await, ["OK"]);
}

#[tokio::test]
async fn what_is_recorded_has_no_event_id_no_order_and_no_personal_query() {
    let stage = plain();
    let caller = stage.caller("raw-session", "all").await;
    let search = |id: &str, query: &str| Event { query: Some(query.into()), ..bare(id, EventType::SearchSubmitted) };
    let order = Event { order: Some(OrderKey::new("raw-order")), ..view("raw-event", "p1") };
    stage
        .ingest
        .accept(
            &caller,
            vec![order, search("1", "ann@example.com"), search("2", "555 123 4567"), search("3", "rain coat")],
        )
        .await;
    let recorded = format!("{:?}", stage.ingest.recent());
    for raw in ["raw-", "example.com", "4567"] {
        assert!(!recorded.contains(raw), "{recorded}");
    }
    assert!(recorded.contains("rain coat"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_event_has_one_outcome_and_none_panics(
        texts in prop::collection::vec((any::<String>(), any::<String>(), any::<i64>(), any::<u32>()), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = plain();
            let caller = stage.caller("s", "all").await;
            let event = |(id, text, second, number): &(String, String, i64, u32)| Event {
                at: Timestamp::from_second(*second).unwrap_or(Timestamp::MIN),
                query: Some(text.as_str().into()),
                position: Some(*number),
                ..view(id, text)
            };
            let events: Vec<_> = texts.iter().map(event).collect();
            let sent = events.len();
            assert_eq!(stage.ingest.accept(&caller, events).await.len(), sent);
        });
    }
}
