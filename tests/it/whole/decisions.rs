//! Decisions after the fact, and what consent and forgetting do to them.

use super::world::{World, each, refusing, shopper};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

const SHELF: &str = r#"{ personalized { recommendations(placement: "home", first: 5) {
    items { product { id title } position score reason { code text } } decision { id servedBy fallbackReason } } } }"#;

const RECORD: &str = "query ($id: ID!) { personalized { decision(id: $id) { id placement reproduced
    items { product { id title } position score reason { code text } } decision { id servedBy fallbackReason }
    inputs { name purpose value } } } }";

/// The record of a decision; it is logged beside the answer, so it may be there a moment later.
async fn record(world: &World, session: &str, id: &Value) -> Value {
    for _ in 0..200 {
        let found = world.ask(shopper(session), RECORD, json!({ "id": id })).await["personalized"]["decision"].take();
        if !found.is_null() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the decision {id} is not logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_reads_the_own_decision_as_it_was_served_and_nobody_else_does() {
    let world = World::start().await;
    let slate = world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    let id = &slate["decision"]["id"];
    let found = record(&world, "shopper-1", id).await;
    assert_eq!((&found["id"], &found["placement"], &found["reproduced"]), (id, &json!("home"), &json!(true)));
    assert_eq!(found["items"], slate["items"]);
    assert_eq!(found["decision"], slate["decision"]);
    let inputs = found["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["purpose"] == "PREFERENCES"), "{inputs:?}");
    let data = world.ask(shopper("shopper-2"), RECORD, json!({ "id": id })).await;
    assert_eq!(data["personalized"]["decision"], Value::Null);
    // Where no product can be had, and none was a moment ago, the record stands without items.
    world.proxy.fails.store(true, Ordering::SeqCst);
    let other = RECORD.replace("product { id title }", "product { id handle }");
    let bare = world.ask(shopper("shopper-1"), &other, json!({ "id": id })).await["personalized"]["decision"].take();
    assert_eq!((&bare["id"], &bare["items"], &bare["reproduced"]), (id, &json!([]), &json!(true)));
    world.proxy.fails.store(false, Ordering::SeqCst);
    // In another market the record stands, without the products that are not sold there.
    let text = RECORD.replace("query ($id: ID!)", "query ($id: ID!) @inContext(country: DE)");
    let abroad = world.ask(shopper("shopper-1"), &text, json!({ "id": id })).await["personalized"]["decision"].take();
    assert_eq!(abroad["reproduced"], true);
    assert!(each(&abroad, "/product/id").iter().all(|key| each(&slate, "/product/id").contains(key)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_shown_again_is_a_decision_of_its_own_and_what_was_done_since_is_in_it() {
    let world = World::start().await;
    let shelf =
        async || world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    let [first, again] = [shelf().await, shelf().await];
    assert_eq!(first["items"], again["items"]);
    assert_ne!(first["decision"]["id"], again["decision"]["id"]);
    for slate in [&first, &again] {
        let found = record(&world, "shopper-1", &slate["decision"]["id"]).await;
        assert_eq!((&found["items"], &found["reproduced"]), (&slate["items"], &json!(true)));
    }
    let viewed = &first["items"][4]["product"]["id"];
    let text = "mutation ($product: ID!) { personalizedTrack(events: [
        { id: \"seen just now\", type: PRODUCT_VIEWED, productId: $product }]) { accepted } }";
    let told = world.ask(shopper("shopper-1"), text, json!({ "product": viewed })).await;
    assert_eq!(told["personalizedTrack"]["accepted"], 1);
    let after = record(&world, "shopper-1", &shelf().await["decision"]["id"]).await;
    assert!(
        after["inputs"].as_array().unwrap().iter().any(|input| {
            let newest = input["value"].as_str().and_then(|value| value.split(' ').next());
            input["name"] == "session.viewed" && newest == viewed.as_str()
        }),
        "{after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_takes_the_decisions_and_the_shelf_with_it() {
    let world = World::start().await;
    let stranger = world.ask(shopper("stranger"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    let own = world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    assert_ne!(each(&own, "/product/id"), each(&stranger, "/product/id"));
    let id = &own["decision"]["id"];
    record(&world, "shopper-1", id).await;
    let told = world.ask(shopper("shopper-1"), "mutation { personalizedForget { erased } }", json!({})).await;
    assert_eq!(told["personalizedForget"]["erased"], true);
    let data = world.ask(shopper("shopper-1"), RECORD, json!({ "id": id })).await;
    assert_eq!(data["personalized"]["decision"], Value::Null);
    let after = world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    assert_eq!(each(&after, "/product/id"), each(&stranger, "/product/id"));
    let again = world.ask(shopper("shopper-1"), RECORD, json!({ "id": id })).await;
    assert_eq!(again["personalized"]["decision"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_withdrawn_is_withdrawn_from_then_on() {
    let world = World::start().await;
    let before = world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    assert_eq!(before["decision"]["servedBy"], "MODEL");
    let text = "mutation { personalizedConsent(consent: { preferences: false }) {
        consent { analytics preferences marketing saleOfData } erasedPurposes } }";
    let told = world.ask(shopper("shopper-1"), text, json!({})).await["personalizedConsent"].take();
    let consent = json!({ "analytics": true, "preferences": false, "marketing": true, "saleOfData": true });
    assert_eq!(told, json!({ "consent": consent, "erasedPurposes": ["PREFERENCES"] }));
    let after = world.ask(shopper("shopper-1"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    assert_eq!(after["decision"]["servedBy"], "FALLBACK");
    assert_eq!(after["decision"]["fallbackReason"], "NO_CONSENT");
    let nobodys = world.ask(refusing("x"), SHELF, json!({})).await["personalized"]["recommendations"].take();
    assert_eq!(after["items"], nobodys["items"]);
    let shown = world.ask(shopper("shopper-1"), "{ personalized { id shopper { id } } }", json!({})).await;
    assert_eq!(shown["personalized"], json!({ "id": "anonymous", "shopper": null }));
    // Given again it counts again, for a shopper of whom nothing is known any more.
    let text = "mutation { personalizedConsent(consent: { preferences: true }) { erasedPurposes } }";
    let told = world.ask(shopper("shopper-1"), text, json!({})).await;
    assert_eq!(told["personalizedConsent"]["erasedPurposes"], json!([]));
    let shown =
        world.ask(shopper("shopper-1"), "{ personalized { shopper { interests { label } } } }", json!({})).await;
    assert_eq!(shown["personalized"]["shopper"]["interests"], json!([]));
}
