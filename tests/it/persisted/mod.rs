//! Documents by hash and registered documents, through the gateway to a platform that repeats what it was sent.

use crate::client::start;
use crate::oracle::modules_to;
use axum::Router;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use outfitter::gateway::Gateway;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::persisted::remembered::Remembered;
use outfitter::gateway::persisted::{Automatic, Config, Enforce, Persisted};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};

const SHOP: &str = "query Shop { shop { name } }";

/// A request as the platform got it: method, query string, body.
type Seen = Arc<Mutex<Vec<(Method, String, String)>>>;

async fn answer(
    State(seen): State<Seen>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> ([(&'static str, &'static str); 1], &'static str) {
    let query = uri.query().unwrap_or_default().to_owned();
    seen.lock().unwrap().push((method, query, String::from_utf8(body.to_vec()).unwrap()));
    ([("content-type", "application/json")], r#"{"data":{"shop":{"name":"Shop"}}}"#)
}

struct Shop {
    gateway: Gateway,
    seen: Seen,
}

impl Shop {
    async fn start(config: Config) -> Self {
        Self::knowing(config, Remembered::new(1 << 20)).await
    }

    async fn knowing(config: Config, remembered: Remembered) -> Self {
        let seen = Seen::default();
        let url = start(Router::new().route("/graphql", any(answer)).with_state(seen.clone())).await;
        let limits = Limits::default();
        let (mut modules, composed) = modules_to(format!("{url}/graphql"), &limits);
        modules.persisted = Persisted::open(&config, &limits, remembered).unwrap();
        Self { gateway: Gateway::new(modules, Arc::new(composed), limits), seen }
    }

    async fn ask(&self, request: http::request::Builder, body: String) -> (StatusCode, HeaderMap, Value) {
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Bytes::from(body)).unwrap();
        let response = self.gateway.execute(request, [127, 0, 0, 1].into()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    async fn post(&self, body: Value) -> (StatusCode, Value) {
        let (status, _, answer) = self.ask(Request::post("/graphql"), body.to_string()).await;
        (status, answer)
    }

    async fn get(&self, parameters: &[(&str, &str)]) -> (StatusCode, Value) {
        let encoded = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        let query = parameters.iter().map(encoded).collect::<Vec<_>>().join("&");
        let (status, _, answer) = self.ask(Request::get(format!("/graphql?{query}")), String::new()).await;
        (status, answer)
    }

    fn seen(&self) -> Vec<(Method, String, String)> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn extension(text: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hex::encode(Sha256::digest(text))}})
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn a_hash_is_asked_for_once_and_served_with_its_text_from_then_on() {
    let shop = Shop::start(Config::default()).await;
    let by_hash = json!({"extensions": extension(SHOP), "variables": {"a": 1}});
    let (status, headers, unknown) = shop.ask(Request::post("/graphql"), by_hash.to_string()).await;
    assert_eq!((status, code(&unknown)), (StatusCode::OK, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(headers[header::CACHE_CONTROL], "private, no-store");
    assert!(shop.seen().is_empty(), "the platform is not asked for a hash");

    let mut with_text = by_hash.clone();
    with_text["query"] = json!(SHOP);
    for body in [&with_text, &by_hash] {
        let (status, answer) = shop.post(body.clone()).await;
        assert_eq!((status, &answer["data"]["shop"]["name"]), (StatusCode::OK, &json!("Shop")), "{answer}");
        let (method, query, sent) = shop.seen().remove(0);
        assert_eq!((method, query.as_str()), (Method::POST, ""));
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), json!({"query": SHOP, "variables": {"a": 1}}));
    }
}

#[tokio::test]
async fn a_hash_by_get_goes_on_by_get_with_its_text() {
    let shop = Shop::start(Config::default()).await;
    let hash = extension(SHOP).to_string();
    assert_eq!(code(&shop.get(&[("extensions", &hash)]).await.1), "PERSISTED_QUERY_NOT_FOUND");
    for parameters in [&[("query", SHOP), ("extensions", &*hash)][..], &[("cb", "1"), ("extensions", &*hash)]] {
        let (status, answer) = shop.get(parameters).await;
        assert_eq!((status, &answer["data"]["shop"]["name"]), (StatusCode::OK, &json!("Shop")), "{answer}");
        let (method, query, _) = shop.seen().remove(0);
        assert_eq!(method, Method::GET);
        assert_eq!(query, format!("query={}", utf8_percent_encode(SHOP, NON_ALPHANUMERIC)));
    }
}

#[tokio::test]
async fn a_mutation_named_by_hash_is_refused_by_get() {
    let shop = Shop::start(Config::default()).await;
    let text = "mutation M { cartCreate { cart { id } } }";
    assert_eq!(shop.post(json!({"query": text, "extensions": extension(text)})).await.0, StatusCode::OK);
    shop.seen();
    let (status, answer) = shop.get(&[("extensions", &extension(text).to_string())]).await;
    assert_eq!((status, code(&answer)), (StatusCode::METHOD_NOT_ALLOWED, "OUTFITTER_MUTATION_BY_GET"));
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn another_text_under_a_hash_is_refused_and_not_kept() {
    let shop = Shop::start(Config::default()).await;
    let (_, answer) = shop.post(json!({"query": "{ shop { id } }", "extensions": extension(SHOP)})).await;
    assert_eq!(code(&answer), "OUTFITTER_PERSISTED_MISMATCH");
    let (_, answer) = shop.post(json!({"extensions": extension(SHOP)})).await;
    assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND");
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn a_personalized_document_is_planned_when_it_is_named_by_hash() {
    let shop = Shop::start(Config::default()).await;
    let text = "query Own { __schema { queryType { name } } }";
    shop.post(json!({"query": text, "extensions": extension(text)})).await;
    let (_, answer) = shop.post(json!({"extensions": extension(text)})).await;
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "QueryRoot", "{answer}");
}

#[tokio::test]
async fn what_one_gateway_remembers_the_next_one_knows() {
    let remembered = Remembered::new(1 << 20);
    let shop = Shop::knowing(Config::default(), remembered.clone()).await;
    shop.post(json!({"query": SHOP, "extensions": extension(SHOP)})).await;
    let next = Shop::knowing(Config::default(), remembered).await;
    assert_eq!(code(&next.post(json!({"extensions": extension(SHOP)})).await.1), "none");
}

#[tokio::test]
async fn a_hash_goes_to_a_platform_that_keeps_documents_itself() {
    let shop = Shop::start(Config { automatic: Automatic::Upstream, ..Config::default() }).await;
    let body = json!({"extensions": extension(SHOP)});
    assert_eq!(code(&shop.post(body.clone()).await.1), "none");
    assert_eq!(shop.seen().remove(0).2, body.to_string());
}

#[tokio::test]
async fn under_a_safelist_the_platform_sees_registered_texts_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.graphql"), SHOP).unwrap();
    let safelist = vec![folder.path().to_owned()];
    let shop = Shop::start(Config { safelist, enforce: Enforce::On, ..Config::default() }).await;
    let id = format!("sha256:{}", hex::encode(Sha256::digest(SHOP)));
    let layout = format!("# mine\n{}", SHOP.replace(' ', "\n "));
    let registered = [
        json!({"documentId": id}),
        json!({"query": SHOP, "doc_id": "other"}),
        json!({"query": layout}),
        json!({"extensions": extension(SHOP)}),
    ];
    for body in registered {
        assert_eq!(code(&shop.post(body.clone()).await.1), "none", "{body}");
        assert_eq!(shop.seen().remove(0).2, json!({"query": SHOP}).to_string());
    }
    let two = shop.get(&[("query", SHOP), ("query", "{ customer { id } }")]).await.1;
    assert_eq!(code(&two), "OUTFITTER_INVALID_PARAMETER");
    assert!(shop.seen().is_empty());
    // A parameter of another protocol is read by nobody here, and might be by a platform.
    assert_eq!(code(&shop.get(&[("query", SHOP), ("doc_id", "other")]).await.1), "none");
    assert_eq!(shop.seen().remove(0).1, format!("query={}", utf8_percent_encode(SHOP, NON_ALPHANUMERIC)));
    for body in
        [json!({"query": "{ shop { id } }"}), json!({"documentId": "x"}), json!({"extensions": extension("{ a }")})]
    {
        let (status, answer) = shop.post(body.clone()).await;
        assert_eq!((status, code(&answer)), (StatusCode::FORBIDDEN, "OUTFITTER_NOT_REGISTERED"), "{body}");
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn the_query_string_of_a_post_shows_no_other_document_under_a_safelist() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.graphql"), SHOP).unwrap();
    let config = Config { safelist: vec![folder.path().to_owned()], enforce: Enforce::On, ..Config::default() };
    let shop = Shop::start(config).await;
    let request = Request::post("/graphql?query=%7Bcustomer%7Bid%7D%7D");
    assert_eq!(code(&shop.ask(request, json!({"query": SHOP}).to_string()).await.2), "none");
    assert_eq!(shop.seen().remove(0).1, "");
}
