//! Who sees what: shelves follow what a session did, and without consent nobody's.

use super::world::{Shopper, World, each, refusing, shopper};
use serde_json::{Value, json};
use std::time::Duration;

const SHELF: &str = r#"query Shelf { personalized { recommendations(placement: "home", first: 8) {
    items { product { id title productType } position reason { code } }
    decision { servedBy fallbackReason }
} } }"#;

async fn shelf(world: &World, who: Shopper<'_>) -> Value {
    world.ask(who, SHELF, json!({})).await["personalized"]["recommendations"].take()
}

/// Products of two product types that have at least five each.
async fn two_kinds(world: &World) -> (Vec<Value>, Vec<Value>) {
    let products = world.products("US").await;
    let kind = |product: &Value| product["productType"].as_str().unwrap().to_owned();
    let of = |name: &str| -> Vec<Value> {
        products.iter().filter(|it| kind(it) == name && it["availableForSale"] == true).cloned().collect()
    };
    let first = kind(&products[0]);
    let other = products.iter().map(kind).find(|name| *name != first && of(name).len() >= 5).unwrap();
    assert!(of(&first).len() >= 5);
    (of(&first), of(&other))
}

async fn track(world: &World, who: Shopper<'_>, products: &[Value]) {
    let event = |(n, product): (usize, &Value)| json!({ "id": format!("{}-{n}-{}", who.session, product["id"]), "type": "PRODUCT_VIEWED", "productId": product["id"] });
    let events: Vec<_> = products.iter().enumerate().map(event).collect();
    let text =
        "mutation ($e: [PersonalizedEventInput!]!) { personalizedTrack(events: $e) { accepted rejected { message } } }";
    let told = world.ask(who, text, json!({ "e": events })).await;
    assert_eq!(told["personalizedTrack"], json!({ "accepted": events.len(), "rejected": [] }));
}

/// Asks for the shelf until it is another than `before`: what passes through is learned beside the stream.
async fn changed(world: &World, who: Shopper<'_>, before: &Value) -> Value {
    for _ in 0..500 {
        let now = shelf(world, who).await;
        if now["items"] != before["items"] {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the shelf of {} stays as it was: {before}", who.session);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_shows_each_session_its_own_shelf_and_without_consent_everybody_the_same() {
    let world = World::start().await;
    let (ones, others) = two_kinds(&world).await;
    let (ada, ben) = (shopper("ada"), shopper("ben"));
    let nobody = shelf(&world, ada).await;
    assert_eq!(each(&nobody, "/product/id"), each(&shelf(&world, ben).await, "/product/id"));

    // Ada opens product pages of a storefront that knows nothing of personalization.
    let page = "query ($handle: String!) { product(handle: $handle) { title } }";
    for product in &ones[..4] {
        world.ask(ada, page, json!({ "handle": product["handle"] })).await;
    }
    let adas = changed(&world, ada, &nobody).await;
    // Ben's storefront tells what he looked at.
    track(&world, ben, &others[..4]).await;
    let bens = shelf(&world, ben).await;
    assert_ne!(each(&adas, "/product/id"), each(&bens, "/product/id"));
    for (slate, kind) in [(&adas, &ones[0]["productType"]), (&bens, &others[0]["productType"])] {
        let kinds = each(slate, "/product/productType");
        assert!(kinds.iter().any(|it| it == kind), "{kinds:?} without {kind}");
        assert_eq!(slate["decision"], json!({ "servedBy": "MODEL", "fallbackReason": null }));
        assert_eq!(slate["items"].as_array().unwrap().len(), 8);
    }

    let (no_ada, no_ben) = (shelf(&world, refusing("ada")).await, shelf(&world, refusing("ben")).await);
    assert_eq!(no_ada["items"], no_ben["items"]);
    assert_eq!(no_ada["decision"], json!({ "servedBy": "FALLBACK", "fallbackReason": "NO_CONSENT" }));
    assert_eq!(no_ada["items"].as_array().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_likely_next_differs_by_session_on_the_same_product_page() {
    let world = World::start().await;
    let (ones, others) = two_kinds(&world).await;
    let text = "query ($id: ID!) { product(id: $id) { title personalized { affinity
        recommendations(intent: FOR_YOU, first: 6) { items { product { id } } decision { servedBy fallbackReason } } } } }";
    let asked = json!({ "id": ones[4]["id"] });
    let (ada, ben) = (shopper("ada"), shopper("ben"));
    track(&world, ada, &ones[..3]).await;
    track(&world, ben, &others[..3]).await;
    let adas = world.ask(ada, text, asked.clone()).await["product"]["personalized"].take();
    let bens = world.ask(ben, text, asked.clone()).await["product"]["personalized"].take();
    assert_ne!(each(&adas["recommendations"], "/product/id"), each(&bens["recommendations"], "/product/id"));
    assert!(adas["affinity"].as_f64() > bens["affinity"].as_f64(), "{adas} {bens}");
    let no_ada = world.ask(refusing("ada"), text, asked.clone()).await["product"]["personalized"].take();
    let no_ben = world.ask(refusing("ben"), text, asked).await["product"]["personalized"].take();
    assert_eq!(no_ada["recommendations"]["items"], no_ben["recommendations"]["items"]);
    assert_eq!(no_ada["affinity"], Value::Null);
    assert_eq!(no_ada["recommendations"]["decision"]["fallbackReason"], "NO_CONSENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_event_is_in_the_next_request() {
    let world = World::start().await;
    let products = world.products("US").await;
    let available: Vec<_> =
        products.into_iter().filter(|product| product["availableForSale"] == true).take(5).collect();
    let text =
        r#"{ personalized { recommendations(placement: "recently-viewed", first: 5) { items { product { id } } } } }"#;
    for seen in 1..=available.len() {
        track(&world, shopper("ada"), &available[seen - 1..seen]).await;
        let slate = world.ask(shopper("ada"), text, json!({})).await["personalized"]["recommendations"].take();
        let newest: Vec<_> = available[..seen].iter().rev().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(each(&slate, "/product/id"), newest);
    }
    // Another session has seen nothing, and may not read what this one saw.
    let other = world.ask(shopper("ben"), text, json!({})).await["personalized"]["recommendations"].take();
    assert_eq!(other["items"], json!([]));
}
