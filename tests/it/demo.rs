//! The demo store over HTTP, asked as storefronts ask it.

use crate::client::{post, post_with, send, start};
use http::{Method, StatusCode};
use outfitter::demo::{Config, Store};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

async fn store() -> String {
    start(Arc::new(Store::generate(&Config::default())).router()).await
}

/// The data of a query that runs without an error.
async fn ask(origin: &str, query: &str, variables: Value) -> Value {
    let url = format!("{origin}/api/2026-04/graphql.json");
    let (status, _, body) = post(&url, &json!({ "query": query, "variables": variables })).await;
    assert_eq!((status, &body["errors"]), (StatusCode::OK, &Value::Null), "{query}");
    body["data"].clone()
}

#[tokio::test]
async fn a_market_has_its_own_currency_assortment_and_stock() {
    let origin = store().await;
    let query = "query ($country: CountryCode) @inContext(country: $country) {
        localization { country { isoCode } }
        products(first: 250) { nodes { id availableForSale priceRange { minVariantPrice { amount currencyCode } } } }
    }";
    let us = ask(&origin, query, json!({ "country": "US" })).await;
    let de = ask(&origin, query, json!({ "country": "DE" })).await;
    let ids = |data: &Value| -> HashSet<String> {
        data["products"]["nodes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(us["products"]["nodes"][0]["priceRange"]["minVariantPrice"]["currencyCode"], "USD");
    assert_eq!(de["products"]["nodes"][0]["priceRange"]["minVariantPrice"]["currencyCode"], "EUR");
    assert_eq!(de["localization"]["country"]["isoCode"], "DE");
    let us_only: Vec<String> = ids(&us).difference(&ids(&de)).cloned().collect();
    let look_up = "query ($id: ID!, $country: CountryCode) @inContext(country: $country) {
        product(id: $id) { id } nodes(ids: [$id, \"gid://shopify/Product/1\"]) { id }
    }";
    let mut missing = 0;
    for id in us_only.iter().take(12) {
        let here = ask(&origin, look_up, json!({ "id": id, "country": "US" })).await;
        assert_eq!((&here["product"]["id"], &here["nodes"][1]), (&json!(id), &Value::Null));
        let there = ask(&origin, look_up, json!({ "id": id, "country": "DE" })).await;
        missing += usize::from(there["product"].is_null() && there["nodes"][0].is_null());
    }
    assert!(missing > 0);
}

#[tokio::test]
async fn paging_forwards_and_backwards_gives_each_product_once() {
    let origin = store().await;
    let query = "query ($first: Int, $last: Int, $after: String, $before: String) {
        products(first: $first, last: $last, after: $after, before: $before, sortKey: PRICE, reverse: true) {
            nodes { id } edges { cursor node { id } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }";
    let ids = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut forwards = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = ask(&origin, query, json!({ "first": 37, "after": after })).await["products"].take();
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!forwards.is_empty()));
        assert_eq!(page["edges"][0]["cursor"], page["pageInfo"]["startCursor"]);
        forwards.extend(ids(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let mut backwards: Vec<String> = Vec::new();
    let mut before = Value::Null;
    loop {
        let page = ask(&origin, query, json!({ "last": 41, "before": before })).await["products"].take();
        backwards.splice(0..0, ids(&page));
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(forwards, backwards);
    assert!(forwards.len() > 400);
    assert_eq!(forwards.iter().collect::<HashSet<_>>().len(), forwards.len());
}

#[tokio::test]
async fn both_media_types_and_methods_answer_as_graphql_over_http_says() {
    let origin = store().await;
    let url = format!("{origin}/graphql");
    let new = [("accept", "application/graphql-response+json")];
    let wrong = json!({ "query": "{ nosuch }" });
    let (status, headers, body) = post_with(&url, &wrong, &new).await;
    assert_eq!((status, body["data"].clone()), (StatusCode::BAD_REQUEST, Value::Null));
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/graphql-response+json"));
    let (status, headers, body) = post(&url, &wrong).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["errors"][0]["message"].is_string() && body.get("data").is_none());
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/json"));

    let (status, _, body) = send(Method::GET, &format!("{url}?query=%7Bshop%7Bname%7D%7D&cb=1"), &[], "").await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"data":{"shop":{"name":"Outfitter Demo"}}}"#[..]));
    let (status, headers, _) =
        send(Method::GET, &format!("{url}?query=mutation%7BcartCreate%7Bcart%7Bid%7D%7D%7D"), &[], "").await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let graphql = [("content-type", "application/graphql")];
    let (status, _, body) = send(Method::POST, &url, &graphql, "{ shop { id } }").await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"data":{"shop":{"id":"gid://shopify/Shop/1"}}}"#[..]));

    for (body, expected) in [("[]", 400), ("{", 400), ("{}", 400), ("{\"query\":\"\"}", 400)] {
        let (status, _, answer) = send(Method::POST, &url, &[("content-type", "application/json")], body).await;
        assert_eq!(status.as_u16(), expected, "{body}");
        assert!(serde_json::from_slice::<Value>(&answer).unwrap()["errors"][0]["message"].is_string());
    }
    let (status, ..) = send(Method::POST, &url, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, ..) = send(Method::POST, &url, &graphql, vec![b' '; 2 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_document_that_multiplies_is_stopped_at_its_budget() {
    let origin = store().await;
    let query = "{ products(first: 250) { nodes { collections(first: 9) { nodes { products(first: 250) { nodes {
        variants(first: 100) { nodes { id title sku price { amount } } } } } } } } } }";
    let url = format!("{origin}/graphql");
    let (status, _, body) = post(&url, &json!({ "query": query })).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("costs more"));
}

#[tokio::test]
async fn pictures_are_drawn_where_products_say_they_are() {
    let origin = store().await;
    let query = "{ products(first: 3) { nodes { featuredImage { url width } images(first: 5) { nodes { url } } } } }";
    let data = ask(&origin, query, json!({})).await;
    let mut drawn = HashSet::new();
    for product in data["products"]["nodes"].as_array().unwrap() {
        assert_eq!(product["featuredImage"]["width"], 1200);
        for image in product["images"]["nodes"].as_array().unwrap() {
            let (status, headers, body) = send(Method::GET, image["url"].as_str().unwrap(), &[], "").await;
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "image/svg+xml"));
            assert!(drawn.insert(body));
        }
    }
    let (status, ..) = send(Method::GET, &format!("{origin}/images/product-7-1.svg"), &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
