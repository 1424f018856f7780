//! When something fails: what is wrong with an operation, a platform that is away, look-ups that fail.

use super::world::{World, shopper};
use crate::client::{post, post_with, start};
use http::StatusCode;
use outfitter::cli::assemble;
use outfitter::demo;
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_operation_is_told_where_it_is_wrong() {
    let world = World::start().await;
    let url = format!("{}/graphql", world.gateway);
    let body =
        json!({ "query": "{\n  shop { name }\n  personalized { nothing recommendations { items { position } } }\n}" });
    let (status, _, answer) = post(&url, &body).await;
    assert_eq!(status, StatusCode::OK);
    assert!(answer.get("data").is_none(), "{answer}");
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{answer}");
    for (error, (column, word)) in errors.iter().zip([(18, "nothing"), (26, "placement")]) {
        assert_eq!(error["locations"], json!([{ "line": 3, "column": column }]), "{answer}");
        assert!(error["message"].as_str().unwrap().contains(word), "{answer}");
        assert_eq!(error["extensions"]["code"], "OUTFITTER_VALIDATION");
    }
    let strict = [("accept", "application/graphql-response+json")];
    let (status, headers, _) = post_with(&url, &body, &strict).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/graphql-response+json"));
    // Values that do not fit are told before anything is done.
    let text = "mutation ($id: ID!, $type: PersonalizedEventType!) { cartCreate(input: {}) { cart { id } }
        personalizedTrack(events: [{ id: $id, type: $type }]) { accepted } }";
    world.sent();
    for (variables, word) in [(json!({ "id": "1" }), "type"), (json!({ "id": "1", "type": "SNEEZED" }), "type")] {
        let (_, _, answer) = post(&url, &json!({ "query": text, "variables": variables })).await;
        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_INVALID_VARIABLES", "{answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(word), "{answer}");
    }
    assert!(world.sent().is_empty());
    // Wrong at run time only: the field is null, the rest stands.
    let text = r#"{ shop { name } personalized { id recommendations(placement: "nowhere") { items { position } } } }"#;
    let (_, answer) = world.answer(shopper("ada"), text, json!({})).await;
    assert_eq!(answer["data"]["personalized"]["recommendations"], Value::Null);
    assert!(answer["data"]["shop"]["name"].is_string());
    assert_eq!(answer["errors"][0]["path"], json!(["personalized", "recommendations"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSONALIZED_UNKNOWN_PLACEMENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_away_is_a_502_that_does_not_say_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("shop.graphql");
    std::fs::write(&schema, demo::SDL).unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let mut settings = Settings::default();
    settings.upstream.url = Some(format!("http://{address}/graphql"));
    settings.platform.schema = Some(schema);
    let assembled = assemble::gateway(&settings, false).await.unwrap();
    let url = format!("{}/graphql", start(assembled.routes).await);
    for query in ["{ shop { name } }", "{ shop { name } personalized { id } }"] {
        let (status, _, answer) = post(&url, &json!({ "query": query })).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_UPSTREAM_UNAVAILABLE");
        let text = answer.to_string();
        assert!(!text.contains("127.0.0.1") && !text.contains(&address.port().to_string()), "{text}");
    }
    // What needs nothing of the platform is served.
    let text = r#"{ personalized { id recommendations(placement: "home") { items { position } decision { servedBy fallbackReason } } } }"#;
    let (status, _, answer) = post(&url, &json!({ "query": text })).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null));
    let decision = &answer["data"]["personalized"]["recommendations"]["decision"];
    assert_eq!(decision["servedBy"], "FALLBACK", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_fail_leave_the_platforms_data_as_it_is() {
    let world = World::start().await;
    let slate = "recommendations(first: 3) { items { product { title } } decision { servedBy fallbackReason } }";
    let plain = "title products(first: 3) { nodes { title handle } }";
    let text = format!(
        r#"{{ collection(handle: "tops") {{ {plain} personalized {{ {slate} }} products(first: 3) {{ nodes {{ personalized {{ {slate} }} }} }} }}
        personalized {{ home: recommendations(placement: "home") {{ items {{ product {{ title }} }} decision {{ servedBy fallbackReason }} }} }} }}"#
    );
    world.proxy.fails.store(true, Ordering::SeqCst);
    let (_, answer) = world.answer(shopper("shopper-1"), &text, json!({})).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let mut data = answer["data"].clone();
    let failed = json!({ "items": [], "decision": { "servedBy": "FALLBACK", "fallbackReason": "UPSTREAM" } });
    assert_eq!(data["personalized"]["home"], failed);
    assert_eq!(data["collection"]["personalized"]["recommendations"], failed);
    for node in data["collection"]["products"]["nodes"].as_array_mut().unwrap() {
        assert_eq!(node["personalized"]["recommendations"], failed);
        node.as_object_mut().unwrap().remove("personalized");
    }
    data["collection"].as_object_mut().unwrap().remove("personalized");
    let own = world.ask(shopper("ada"), &format!(r#"{{ collection(handle: "tops") {{ {plain} }} }}"#), json!({})).await;
    assert_eq!(data["collection"], own["collection"]);
    // And when they work again, so do the slates.
    world.proxy.fails.store(false, Ordering::SeqCst);
    let (_, answer) = world.answer(shopper("shopper-1"), &text, json!({})).await;
    assert_eq!(answer["data"]["collection"]["personalized"]["recommendations"]["decision"]["servedBy"], "MODEL");
}
