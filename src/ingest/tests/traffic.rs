//! What traffic shows, and what it does not.

use super::fakes::{Stage, headers, request, stage};
use crate::ingest::{Config, Evidence, RootField};
use bytes::Bytes;
use bytesize::ByteSize;
use proptest::prelude::*;
use serde_json::{Value, json};

fn root(name: &str, args: Value) -> RootField {
    RootField { name: name.into(), response: "field".into(), args: args.as_object().cloned().unwrap_or_default() }
}

/// The kinds and objects learned from one operation of a shopper who allows everything.
async fn learned(stage: &Stage, roots: &[RootField], answer: Option<&Value>) -> Vec<String> {
    let caller = stage.caller("s", "all").await;
    let answer = answer.map(|answer| Bytes::from(answer.to_string()));
    stage.ingest.observe(&caller, roots, answer);
    stage.ingest.settle().await;
    let said = |(_, event): (_, crate::domain::event::Event)| {
        let object = event.product.map(|key| key.to_string());
        let object = object.or(event.collection.map(|key| key.to_string())).or(event.query.map(String::from));
        format!("{:?} {}", event.kind, object.unwrap_or_default())
    };
    std::mem::take(&mut *stage.shelf.learned.lock().unwrap()).into_iter().map(said).collect()
}

#[tokio::test]
async fn each_root_field_says_what_the_platforms_table_says() {
    for (roots, said) in [
        (vec![root("product", json!({"handle": "h1"}))], vec!["ProductViewed p1"]),
        (vec![root("product", json!({"id": "p2"}))], vec!["ProductViewed p2"]),
        (vec![root("productByHandle", json!({"handle": "h3"}))], vec!["ProductViewed p3"]),
        (vec![root("product", json!({"id": "p99"}))], vec![]),
        (vec![root("nodes", json!({"ids": ["p1"]}))], vec![]),
        (vec![root("collection", json!({"id": "c1"}))], vec!["CollectionViewed c1"]),
        (vec![root("collection", json!({"handle": "coats"}))], vec![]),
        (vec![root("search", json!({"query": " rain coat "}))], vec!["SearchSubmitted rain coat"]),
        (vec![root("search", json!({"query": "coat", "after": "cursor"}))], vec![]),
        (vec![root("predictiveSearch", json!({"query": "coa"}))], vec![]),
        (vec![root("products", json!({"query": "coat"}))], vec!["SearchSubmitted coat"]),
        (vec![root("products", json!({"query": "tag:coat"}))], vec![]),
        (vec![root("products", json!({"first": 4}))], vec![]),
        (
            vec![root("cartCreate", json!({"input": {"lines": [{"merchandiseId": "v1"}, {"merchandiseId": "v2"}]}}))],
            vec!["ProductAddedToCart p1", "ProductAddedToCart p2"],
        ),
        (
            vec![root("cartLinesAdd", json!({"lines": {"merchandiseId": "v1", "quantity": 1}}))],
            vec!["ProductAddedToCart p1"],
        ),
        (
            vec![root(
                "cartLinesUpdate",
                json!({"lines": [{"merchandiseId": "v1", "quantity": 0}, {"merchandiseId": "v2", "quantity": 3}]}),
            )],
            vec!["ProductRemovedFromCart p1"],
        ),
        (vec![root("cartLinesRemove", json!({"lineIds": ["l1"]}))], vec![]),
    ] {
        assert_eq!(learned(&stage(Config::default()), &roots, None).await, said, "{roots:?}");
    }
}

#[tokio::test]
async fn an_operation_with_many_product_pages_is_a_list() {
    let roots: Vec<_> = (1..=4).map(|n| root("product", json!({"id": format!("p{n}")}))).collect();
    let stage = stage(Config::default());
    assert!(learned(&stage, &roots, None).await.is_empty());
    assert_eq!(learned(&stage, &roots[..2], None).await.len(), 2);
}

#[tokio::test]
async fn what_the_platform_refused_did_not_happen() {
    let add = [root("cartLinesAdd", json!({"lines": [{"merchandiseId": "v1"}]}))];
    for (answer, counts) in [
        (json!({"data": {"field": {"cart": {"id": "c"}, "userErrors": []}}}), true),
        (json!({"data": {"field": {"cart": {"id": "c"}}}, "errors": []}), true),
        (json!({"data": {"field": {"userErrors": [{"message": "sold out"}]}}}), false),
        (json!({"data": {"field": {"cart": null}}}), false),
        (json!({"data": {"field": null}}), false),
        (json!({"data": {}}), false),
        (json!({"data": null}), false),
        (json!({"data": {"field": {}}, "errors": [{"message": "throttled"}]}), false),
        (json!([]), false),
    ] {
        let learned = learned(&stage(Config::default()), &add, Some(&answer)).await;
        assert_eq!(!learned.is_empty(), counts, "{answer}");
    }
}

#[tokio::test]
async fn a_key_that_only_the_answer_has_is_taken_from_it() {
    let answer = json!({"data": {"field": {"id": "c7", "title": "Coats"}}});
    let roots = [root("collection", json!({"handle": "coats"}))];
    assert_eq!(learned(&stage(Config::default()), &roots, Some(&answer)).await, ["CollectionViewed c7"]);
}

#[tokio::test]
async fn a_reload_counts_once_and_another_shopper_counts_again() {
    let stage = stage(Config::default());
    let roots = [root("product", json!({"handle": "h1"}))];
    assert_eq!(learned(&stage, &roots, None).await.len(), 1);
    assert!(learned(&stage, &roots, None).await.is_empty());
    stage.ingest.watch(request("t", "all"), &roots, None);
    stage.ingest.settle().await;
    assert_eq!(stage.shelf.learned.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_learned_ahead_of_the_shopper_without_consent_or_without_a_session() {
    let stage = stage(Config::default());
    let roots = [root("product", json!({"handle": "h1"}))];
    let mut ahead = request("s", "all");
    ahead.headers.extend(headers(&[("sec-purpose", "prefetch;prerender")]));
    let nobody = Evidence { headers: headers(&[("outfitter-consent", "all")]), ..Evidence::default() };
    for evidence in [ahead, request("s", "none"), nobody, request("a b", "all")] {
        if let Ok(caller) = stage.ingest.identify(&evidence).await {
            stage.ingest.observe(&caller, &roots, None);
        }
        stage.ingest.watch(evidence, &roots, None);
    }
    stage.ingest.settle().await;
    assert!(stage.shelf.learned.lock().unwrap().is_empty());
    assert!(stage.shelf.shoppers().values().all(|state| state.session.events.is_empty()));
}

#[tokio::test]
async fn without_room_the_request_passes_and_is_counted() {
    let mut config = Config::default();
    config.traffic.memory = ByteSize::kib(3);
    let stage = stage(config);
    assert!(stage.ingest.listens(["shop", "product"].into_iter()));
    assert!(!stage.ingest.listens(["shop"].into_iter()));
    assert!(learned(&stage, &[root("product", json!({"id": "p1"}))], None).await.is_empty());
    assert_eq!(stage.ingest.dropped(), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_answer_and_any_argument_is_read_without_a_panic(
        answer in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            any::<String>().prop_map(|text| json!({"data": {"field": {"id": text, "userErrors": text}}}).to_string().into_bytes()),
        ],
        text in any::<String>(),
        field in 0..6usize,
    ) {
        const NAMES: [&str; 6] = ["product", "collection", "search", "cartCreate", "cartLinesAdd", "cartLinesUpdate"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = stage(Config::default());
            let caller = stage.caller("s", "all").await;
            let args = json!({"handle": text, "id": text, "query": text, "input": text, "lines": [text, {"merchandiseId": text}]});
            stage.ingest.observe(&caller, &[root(NAMES[field], args)], Some(Bytes::from(answer)));
            stage.ingest.settle().await;
        });
    }
}
