//! The demo's transformer over HTTP: the shelf follows each product viewed, says by whom and why, and falls back marked.

use super::world::{Shopper, World, each, refusing, shopper};
use outfitter::demo;
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

const SHELF: &str = r#"{ personalized { recommendations(placement: "home", first: 8) {
    items { product { id } reason { code because { id } } }
    decision { id servedBy fallbackReason model } } } }"#;

async fn shelf(world: &World, who: Shopper<'_>) -> Value {
    world.ask(who, SHELF, json!({})).await["personalized"]["recommendations"].take()
}

async fn view(world: &World, who: Shopper<'_>, product: &Value) {
    let event = json!({ "id": product["id"], "type": "PRODUCT_VIEWED", "productId": product["id"] });
    let text = "mutation ($e: [PersonalizedEventInput!]!) { personalizedTrack(events: $e) { accepted } }";
    let told = world.ask(who, text, json!({ "e": [event] })).await;
    assert_eq!(told["personalizedTrack"]["accepted"], 1);
}

fn settings(demo: demo::Config) -> Settings {
    let mut settings = Settings { demo: demo::Config { events: 4000, shoppers: 200, ..demo }, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shelf_follows_each_product_viewed_and_names_the_model_and_what_speaks_for_it() {
    let world = World::start().await;
    let products: Vec<Value> = world.products("US").await.into_iter().step_by(60).take(6).collect();
    let ada = shopper("ada");
    let mut before = shelf(&world, ada).await;
    assert_eq!((&before["decision"]["servedBy"], &before["decision"]["model"]), (&json!("STATISTICS"), &Value::Null));
    let mut viewed: Vec<String> = Vec::new();
    for product in &products {
        view(&world, ada, product).await;
        viewed.push(product["id"].as_str().unwrap().to_owned());
        let now = shelf(&world, ada).await;
        let decision = &now["decision"];
        assert_eq!((&decision["servedBy"], &decision["fallbackReason"]), (&json!("MODEL"), &Value::Null));
        assert!(decision["model"].as_str().unwrap().starts_with("demo/"), "{decision}");
        assert_ne!(each(&now, "/product/id"), each(&before, "/product/id"), "after {viewed:?}");
        let speaks = |item: &Value| viewed.iter().any(|id| item["reason"]["because"]["id"] == **id);
        assert!(now["items"].as_array().unwrap().iter().any(speaks), "{now}");
        before = now;
    }
    // What was read for it names the version, which is about nobody.
    let text = "query ($id: ID!) { personalized { decision(id: $id) { inputs { name purpose value } reproduced } } }";
    let (id, model) = (&before["decision"]["id"], &before["decision"]["model"]);
    let mut record = Value::Null;
    // The log is written beside the answer.
    for _ in 0..500 {
        record = world.ask(ada, text, json!({ "id": id })).await["personalized"]["decision"].take();
        if record.is_object() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let input = json!({ "name": "model", "purpose": null, "value": model });
    assert!(record["inputs"].as_array().unwrap().contains(&input), "{record}");
    assert_eq!(record["reproduced"], true);

    // Whom it may not know it does not read.
    let refused = shelf(&world, refusing("ada")).await;
    let told =
        json!([refused["decision"]["servedBy"], refused["decision"]["fallbackReason"], refused["decision"]["model"]]);
    assert_eq!(told, json!(["FALLBACK", "NO_CONSENT", null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_waited_for_is_told_and_the_shelf_is_full_all_the_same() {
    let mut settings = settings(demo::Config::default());
    settings.model.share = 0.0;
    let world = World::with(settings).await;
    view(&world, shopper("ada"), &world.products("US").await[0]).await;
    let shelf = shelf(&world, shopper("ada")).await;
    assert_eq!(shelf["items"].as_array().unwrap().len(), 8);
    let told = json!([shelf["decision"]["servedBy"], shelf["decision"]["fallbackReason"], shelf["decision"]["model"]]);
    assert_eq!(told, json!(["STATISTICS", "DEADLINE", null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_seed_is_not_served_by_the_model_of_this_one() {
    let world = World::with(settings(demo::Config { seed: 7, ..demo::Config::default() })).await;
    view(&world, shopper("ada"), &world.products("US").await[0]).await;
    let shelf = shelf(&world, shopper("ada")).await;
    assert_eq!((&shelf["decision"]["servedBy"], &shelf["decision"]["model"]), (&json!("STATISTICS"), &Value::Null));
}
