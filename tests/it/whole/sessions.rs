//! A browser without a session of its own: the gateway's cookie, on answers that no cache keeps and on no others.

use super::world::World;
use crate::client::{post_with, send};
use bytes::Bytes;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const VIEWED: &str = r#"{ personalized { shopper { id } recommendations(placement: "recently-viewed", first: 3) { items { product { id } } } } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_known_again_by_the_gateways_cookie() {
    let world = World::start().await;
    let url = format!("{}/graphql", world.gateway);
    let product = world.products("US").await.into_iter().find(|product| product["availableForSale"] == true).unwrap();
    let (_, headers, answer) = post_with(&url, &json!({ "query": VIEWED }), &[]).await;
    assert_eq!(answer["errors"], Value::Null);
    let cookie = headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    // By GET, and with the cookie, the same shopper; no second cookie.
    let track = format!(
        "mutation {{ personalizedTrack(events: [{{ id: \"1\", type: PRODUCT_VIEWED, productId: {} }}]) {{ accepted }} }}",
        product["id"]
    );
    let (_, headers, answer) = post_with(&url, &json!({ "query": track }), &[("cookie", cookie)]).await;
    assert_eq!(answer["data"]["personalizedTrack"]["accepted"], 1, "{answer}");
    assert!(!headers.contains_key("set-cookie"));
    let by_get = format!("{url}?query={}", utf8_percent_encode(VIEWED, NON_ALPHANUMERIC));
    let (status, headers, body) = send(Method::GET, &by_get, &[("cookie", cookie)], Bytes::new()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &headers["cache-control"]), (StatusCode::OK, &"private, no-store".parse().unwrap()));
    let slate = &answer["data"]["personalized"]["recommendations"];
    assert_eq!(slate["items"], json!([{ "product": { "id": product["id"] } }]));
    assert_ne!(answer["data"]["personalized"]["shopper"]["id"], Value::Null);

    for (query, consent) in [("{ shop { name } }", "all"), (VIEWED, "none")] {
        let (_, headers, _) = post_with(&url, &json!({ "query": query }), &[("outfitter-consent", consent)]).await;
        assert!(!headers.contains_key("set-cookie"), "{query} with consent to {consent}");
    }
}
