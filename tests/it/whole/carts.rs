//! Mutations: carts that carry recommendations, and ours beside the platform's in serial order.

use super::world::{World, each, shopper};
use serde_json::{Value, json};
use std::time::Duration;

const RECORD: &str = "query ($id: ID!) { personalized { decision(id: $id) { inputs { name value } } } }";

/// Variants to put into a cart, each with its product.
async fn lines(world: &World, count: usize) -> Vec<(Value, Value)> {
    let products = world.products("US").await;
    let available = products.into_iter().filter(|product| product["availableForSale"] == true);
    available.map(|product| (product["variant"]["id"].clone(), product["id"].clone())).take(count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cart_brings_what_goes_with_it_and_nothing_that_is_in_it() {
    let world = World::start().await;
    let (ada, lines) = (shopper("ada"), lines(&world, 3).await);
    let text = "mutation Add($lines: [CartLineInput!]) { cartCreate(input: { lines: $lines }) { cart { id totalQuantity
        personalized { id recommendations(first: 6) { items { product { id title } } decision { id servedBy } } } }
        userErrors { message } } }";
    let wanted: Vec<_> = lines.iter().map(|(variant, _)| json!({ "merchandiseId": variant })).collect();
    world.sent();
    let created = world.ask(ada, text, json!({ "lines": wanted[..2] })).await["cartCreate"]["cart"].take();
    assert_eq!(world.sent().len(), 2);
    assert_eq!((&created["totalQuantity"], &created["personalized"]["id"]), (&json!(2), &created["id"]));
    let slate = &created["personalized"]["recommendations"];
    assert_eq!(slate["items"].as_array().unwrap().len(), 6);
    assert_eq!(slate["decision"]["servedBy"], "STATISTICS");
    let in_cart = |slate: &Value, product: &Value| each(slate, "/product/id").iter().any(|id| product == id);
    assert!(lines[..2].iter().all(|(_, product)| !in_cart(slate, product)));
    // What was decided from are the products of the lines.
    let mut seeds = Value::Null;
    for _ in 0..200 {
        let data = world.ask(ada, RECORD, json!({ "id": slate["decision"]["id"] })).await;
        let inputs = data["personalized"]["decision"]["inputs"].as_array().cloned().unwrap_or_default();
        seeds = inputs.into_iter().find(|input| input["name"] == "seeds").unwrap_or_default()["value"].take();
        if seeds.is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut named: Vec<_> = seeds.as_str().unwrap().split(' ').collect();
    let mut expected: Vec<_> = lines[..2].iter().map(|(_, product)| product.as_str().unwrap()).collect();
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected);

    let text = "mutation More($id: ID!, $lines: [CartLineInput!]!) { cartLinesAdd(cartId: $id, lines: $lines) { cart {
        lines(first: 5) { nodes { quantity } } personalized { recommendations(first: 6) { items { product { id } } } } } } }";
    let more =
        world.ask(ada, text, json!({ "id": created["id"], "lines": wanted[2..] })).await["cartLinesAdd"]["cart"].take();
    assert_eq!(more["lines"]["nodes"].as_array().unwrap().len(), 3);
    assert!(lines.iter().all(|(_, product)| !in_cart(&more["personalized"]["recommendations"], product)));
    assert!(!more.to_string().contains("_gw_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_of_both_sources_run_and_answer_in_the_order_written() {
    let world = World::start().await;
    let (ada, lines) = (shopper("ada"), lines(&world, 1).await);
    let text = r#"mutation Mixed($p: ID!, $v: ID!) {
        seen: personalizedTrack(events: [{ id: "1", type: PRODUCT_VIEWED, productId: $p }]) { accepted }
        first: cartCreate(input: { lines: [{ merchandiseId: $v }] }) { cart { totalQuantity } }
        __typename
        off: personalizedConsent(consent: { preferences: false }) { consent { preferences } erasedPurposes }
        second: cartCreate(input: {}) { cart { totalQuantity personalized { recommendations(intent: FOR_YOU, first: 2) {
            decision { servedBy fallbackReason } } } } }
        late: personalizedTrack(events: [{ id: "2", type: PRODUCT_VIEWED, productId: $p }]) { accepted rejected { id code } }
    }"#;
    world.sent();
    let data = world.ask(ada, text, json!({ "v": lines[0].0, "p": lines[0].1 })).await;
    let keys: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["seen", "first", "__typename", "off", "second", "late"]);
    assert_eq!(data["seen"]["accepted"], 1);
    assert_eq!((&data["first"]["cart"]["totalQuantity"], &data["__typename"]), (&json!(1), &json!("Mutation")));
    assert_eq!(data["off"], json!({ "consent": { "preferences": false }, "erasedPurposes": ["PREFERENCES"] }));
    let decision = json!({ "servedBy": "FALLBACK", "fallbackReason": "NO_CONSENT" });
    assert_eq!(data["second"]["cart"]["personalized"]["recommendations"]["decision"], decision);
    assert_eq!(data["second"]["cart"]["totalQuantity"], 0);
    // Analytics still allows the event to be counted; nothing of it is kept for the shopper.
    assert_eq!(data["late"]["accepted"], 1);
    let shown = world.ask(ada, "{ personalized { shopper { id } } }", json!({})).await;
    assert_eq!(shown["personalized"]["shopper"], Value::Null);
    let creates = world.sent().iter().filter(|sent| sent.contains("cartCreate")).count();
    assert_eq!(creates, 2, "each mutation of the platform is sent once");
}
