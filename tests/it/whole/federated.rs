//! `/subgraph`, as a federation router asks it.

use super::world::World;
use crate::client::{post, post_with};
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_router_reads_the_schema_and_asks_for_entities_by_the_platforms_keys() {
    let world = World::start().await;
    let url = format!("{}/subgraph", world.gateway);
    let (_, _, answer) = post(&url, &json!({ "query": "{ _service { sdl } }" })).await;
    let sdl = answer["data"]["_service"]["sdl"].as_str().unwrap();
    assert!(sdl.contains("type Product @key(fields: \"id\")") && !sdl.contains("type Cart "), "{sdl}");

    let product = world.products("US").await[0]["id"].take();
    let query = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product { id personalized {
        affinity recommendations(intent: FOR_YOU, first: 3) { items { product { id } } decision { fallbackReason } } } } } }";
    let body = json!({ "query": query, "variables": { "r": [{ "__typename": "Product", "id": product }] } });
    world.sent();
    let (_, headers, answer) = post_with(&url, &body, &[("outfitter-session", "shopper-1")]).await;
    assert_eq!(answer["errors"], Value::Null);
    assert_eq!(headers["cache-control"], "private, no-store");
    let entity = &answer["data"]["_entities"][0];
    assert_eq!((&entity["__typename"], &entity["id"]), (&json!("Product"), &product));
    assert_eq!(entity["personalized"]["recommendations"]["items"].as_array().unwrap().len(), 3);
    assert!(entity["personalized"]["affinity"].is_number());
    assert!(world.sent().is_empty(), "nothing is asked of the platform");
    // Consent counts here as everywhere.
    let refusing = [("outfitter-session", "shopper-1"), ("outfitter-consent", "none")];
    let (_, _, answer) = post_with(&url, &body, &refusing).await;
    let personalized = &answer["data"]["_entities"][0]["personalized"];
    assert_eq!(personalized["affinity"], Value::Null);
    assert_eq!(personalized["recommendations"]["decision"]["fallbackReason"], "NO_CONSENT");

    let (status, _, answer) = post(&url, &json!({ "query": "{ shop { name } }" })).await;
    assert_eq!(status, StatusCode::OK);
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("shop"), "{answer}");
    let (status, _, _) = post(&url, &json!([1])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
