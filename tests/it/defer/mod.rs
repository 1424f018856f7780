//! `@defer` in planned operations: a platform that sends its answer in parts, with a pause before each that the test
//! ends, and platforms that break off, flood or talk nonsense.

mod platform;

use crate::client::start;
use crate::oracle::gateway_to;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use bytesize::ByteSize;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use outfitter::gateway::Gateway;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::respond::AnswerBody;
use platform::{Form, merge, platform};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

const PARTS: &str = "multipart/mixed;deferSpec=20220824, application/json";
const MIXED: &str = "multipart/mixed; boundary=\"-\"; deferSpec=20220824";

/// A platform that answers this, whoever asks.
async fn saying(content_type: &'static str, body: impl Into<Bytes>) -> String {
    let body = body.into();
    let answer = move || {
        let body = body.clone();
        async move { Response::builder().header("content-type", content_type).body(Body::from(body)).unwrap() }
    };
    let url = start(Router::new().route("/graphql", post(answer))).await;
    format!("{url}/graphql")
}

async fn ask(gateway: &Gateway, document: &str, accept: &str) -> http::Response<AnswerBody> {
    let request = Request::post("/graphql").header("content-type", "application/json").header("accept", accept);
    let request = request.body(Bytes::from(json!({"query": document}).to_string())).unwrap();
    gateway.execute(request, [127, 0, 0, 1].into()).await
}

async fn json(response: http::Response<AnswerBody>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// The parts in a piece of the body, which must be whole ones.
fn read(bytes: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let contents = text.split("\r\n\r\n").skip(1).map(|part| part.split("\r\n---").next().unwrap());
    contents.map(|part| serde_json::from_str(part).unwrap_or_else(|e| panic!("{e}: {part}"))).collect()
}

/// All parts, joined as clients do; the errors of all.
fn join(parts: &[Value]) -> (Value, Vec<Value>) {
    let (mut data, mut errors) = (parts[0]["data"].clone(), vec![]);
    for (n, part) in parts.iter().enumerate() {
        assert_eq!(part["hasNext"], n + 1 < parts.len(), "{part}");
        let own = (n > 0 && part.get("data").is_some()).then_some(part);
        errors.extend(part["errors"].as_array().cloned().unwrap_or_default());
        for payload in own.into_iter().chain(part["incremental"].as_array().into_iter().flatten()) {
            let steps = payload["path"].as_array().unwrap();
            let nest = |data, step: &Value| match step {
                Value::String(name) => json!({name: data}),
                index => {
                    let mut list = vec![json!({}); usize::try_from(index.as_u64().unwrap()).unwrap()];
                    list.push(data);
                    list.into()
                }
            };
            merge(&mut data, steps.iter().rev().fold(payload["data"].clone(), nest));
            if own.is_none() {
                errors.extend(payload["errors"].as_array().cloned().unwrap_or_default());
            }
        }
    }
    errors.sort_by_key(Value::to_string);
    errors.dedup();
    (data, errors)
}

/// Personalized fields in the first part, in deferred ones, in both under one name, in lists, and with hidden needs.
const DOCUMENT: &str = r#"query {
    own: personalized { recommendations(placement: "home", first: 2) { items { position product { id } } } }
    product(id: "gid://shopify/Product/1") {
        id p: personalized { affinity }
        ... @defer(label: "later") {
            title
            p: personalized { recommendations(first: 2) { items { product { id title } reason { text } } } }
            q: personalized { id }
        }
    }
    nodes(ids: ["gid://shopify/Product/1", "gid://shopify/Product/2", "gid://shopify/Product/3"]) {
        id ... on Product @defer { handle personalized { affinity recommendations(first: 1) { items { product { id } } } } }
    }
    cart(id: "gid://shopify/Cart/1") { id ...Rest @defer(label: "cart") }
    ... @defer(label: "root") { late: personalized { recommendations(placement: "home", first: 1) { items { score } } } }
}
fragment Rest on Cart { note personalized { recommendations(first: 2) { items { product { vendor } } } } }"#;

#[tokio::test]
async fn the_first_part_is_there_before_the_second_is_sent() {
    let gate = Arc::new(Semaphore::new(1));
    let gateway = gateway_to(platform(Form::Incremental, Arc::clone(&gate)).await, Limits::default());
    let response = ask(&gateway, DOCUMENT, PARTS).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], MIXED);
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    assert_eq!(response.headers()["set-cookie"], "cart=1");
    assert!(!response.headers().contains_key("x-internal"));
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"\r\n---\r\n") && first.ends_with(b"\r\n---\r\n"), "a client cannot tell its end");
    let first = read(&first).remove(0);
    assert!(first["data"]["product"]["p"].is_object(), "{first}");
    assert!(first["data"]["own"]["recommendations"]["items"].is_array(), "{first}");
    assert!(first["data"]["product"].get("title").is_none(), "{first}");
    // The platform still waits: it has no permit for more.
    assert_eq!(gate.available_permits(), 0);
    gate.add_permits(1);
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let second = read(&second).remove(0);
    assert_eq!(second["incremental"][0]["label"], "later");
    assert_eq!(second["incremental"][0]["path"], json!(["product"]));
    assert!(second["incremental"][0]["data"]["q"].is_object(), "{second}");
}

#[tokio::test]
async fn the_parts_joined_are_the_answer_that_was_not_deferred() {
    for form in [Form::Incremental, Form::Older, Form::AtOnce] {
        let gateway = gateway_to(platform(form, Arc::new(Semaphore::new(100))).await, Limits::default());
        let whole = json(ask(&gateway, DOCUMENT, "application/json").await).await;
        assert!(whole["data"]["cart"]["personalized"].is_object(), "{whole}");
        let body = ask(&gateway, DOCUMENT, PARTS).await.into_body().collect().await.unwrap().to_bytes();
        assert!(body.ends_with(b"\r\n-----\r\n"));
        let text = std::str::from_utf8(&body).unwrap();
        assert!(!text.contains("_gw") && !text.contains("locations"), "{text}");
        let (data, errors) = join(&read(&body));
        assert_eq!(data, whole["data"]);
        let mut expected = whole["errors"].as_array().cloned().unwrap_or_default();
        expected.sort_by_key(Value::to_string);
        assert_eq!(errors, expected);
    }
}

#[tokio::test]
async fn errors_of_our_own_come_with_the_part_that_they_belong_to() {
    let document = r#"{ product(id: "gid://shopify/Product/1") { id ... @defer { p: personalized { affinity
        recommendations(first: 999999) { items { position } } } } } }"#;
    let gateway = gateway_to(platform(Form::Incremental, Arc::new(Semaphore::new(100))).await, Limits::default());
    let whole = json(ask(&gateway, document, "application/json").await).await;
    let body = ask(&gateway, document, PARTS).await.into_body().collect().await.unwrap().to_bytes();
    let parts = read(&body);
    assert!(parts[0].get("errors").is_none(), "{}", parts[0]);
    assert_eq!(parts[1]["incremental"][0]["errors"], whole["errors"]);
    assert_eq!(whole["errors"][0]["path"], json!(["product", "p", "recommendations"]));
}

#[tokio::test]
async fn a_platform_that_answers_whole_is_taken_at_its_word() {
    let gateway = gateway_to(
        saying(
            "application/json",
            r#"{"data":{"product":{"id":"gid://shopify/Product/1","p":"gid://shopify/Product/1"}}}"#,
        )
        .await,
        Limits::default(),
    );
    let document = r#"{ product(id: "gid://shopify/Product/1") { id ... @defer { p: personalized { id } } } }"#;
    let response = ask(&gateway, document, PARTS).await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    let answer = json(response).await;
    assert!(answer["data"]["product"]["p"]["id"].is_string(), "{answer}");
    // Who takes no parts, or other ones, is not sent any.
    let gateway = gateway_to(platform(Form::Incremental, Arc::new(Semaphore::new(0))).await, Limits::default());
    for accept in ["application/json", "multipart/mixed;incrementalSpec=v0.2, application/json"] {
        let answer = json(ask(&gateway, document, accept).await).await;
        assert!(answer["data"]["product"]["p"]["id"].is_string(), "{answer}");
    }
}

const DEFERRED: &str = r#"{ product(id: "gid://shopify/Product/1") { id ... @defer { p: personalized { id } } } }"#;

fn part(json: &str) -> String {
    format!("Content-Type: application/json\r\n\r\n{json}\r\n---")
}

/// All parts of an answer that begins well.
async fn parts_of(body: String, limits: Limits) -> Vec<Value> {
    let first = part(r#"{"data":{"product":{"id":"x"}},"hasNext":true}"#);
    let gateway = gateway_to(saying(MIXED, format!("---\r\n{first}\r\n{body}")).await, limits);
    let response = ask(&gateway, DEFERRED, PARTS).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"\r\n-----\r\n"), "the stream has no end");
    let parts = read(&body);
    assert_eq!(parts[0]["data"]["product"]["id"], "x");
    assert_eq!(parts.last().unwrap()["hasNext"], false);
    parts
}

fn code(part: &Value) -> &str {
    let payload = &part["incremental"][0];
    assert_eq!((&payload["data"], &payload["path"]), (&json!({}), &json!([])), "{part}");
    payload["errors"][0]["extensions"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn an_answer_that_goes_wrong_ends_with_a_part_that_says_so() {
    let small = Limits { upstream_answer: ByteSize::kib(16), ..Limits::default() };
    let huge = format!(r#"{{"incremental":[{{"data":{{"q":"{}"}},"path":[]}}],"hasNext":true}}"#, "x".repeat(1 << 16));
    let deep = format!(r#"{{"incremental":[{{"data":{{}},"path":{}}}],"hasNext":true}}"#, "[".repeat(10_000));
    for (name, body) in [
        ("broken off", r#"Content-Type: application/json"#.to_owned()),
        ("broken off within JSON", "Content-Type: application/json\r\n\r\n{\"incremental\":[{\"da".to_owned()),
        ("no JSON", part("<html>") + "--"),
        ("half of JSON", part(r#"{"incremental":[{"data":"#) + "--"),
        ("no place", part(r#"{"incremental":[{"data":{"p":"gid"},"id":"0"}],"hasNext":true}"#) + "--"),
        ("twice", part(r#"{"data":{},"data":{},"path":[],"hasNext":true}"#) + "--"),
        ("huge", part(&huge) + "--"),
        ("deep", part(&deep) + "--"),
    ] {
        let parts = parts_of(body, small.clone()).await;
        assert_eq!(parts.len(), 2, "{name}");
        assert_eq!(code(&parts[1]), "OUTFITTER_UPSTREAM_INVALID", "{name}");
    }
}

#[tokio::test]
async fn a_platform_that_promises_more_and_ends_is_ended_for_the_client() {
    let parts = parts_of("-----".to_owned(), Limits::default()).await;
    assert_eq!(parts[1..], [json!({"hasNext": false})]);
    // What comes behind the last part is not read.
    let body =
        part(r#"{"incremental":[{"data":{"p":"1"},"path":["product"]}],"hasNext":false}"#) + "\r\n" + &part("{}");
    let parts = parts_of(body, Limits::default()).await;
    assert_eq!(parts.len(), 2);
    assert!(parts[1]["incremental"][0]["data"]["p"]["id"].is_string());
}

#[tokio::test]
async fn data_off_the_plan_is_kept_and_the_gateways_own_is_cut() {
    let body = part(
        r#"{"incremental":[{"data":{"a":[1],"p":"kept"},"path":["elsewhere",0]},
            {"data":{"b":1},"path":["product","_gw_x"]},
            {"data":{"_gw__lines":{"id":"1"},"p":"gid://shopify/Product/1"},"path":["product"],"label":null,
             "errors":[{"message":"m","locations":[{"line":1,"column":1}],"path":["product","_gwProduct_p"]},
                       {"message":"hidden","path":["product","_gw_x"]}],"extensions":{"x":1}}],"hasNext":false}"#,
    ) + "--";
    let parts = parts_of(body, Limits::default()).await;
    let payloads = parts[1]["incremental"].as_array().unwrap();
    assert_eq!(payloads.len(), 2);
    assert_eq!(payloads[0], json!({"data": {"a": [1], "p": "kept"}, "path": ["elsewhere", 0]}));
    assert_eq!(payloads[1]["data"].as_object().unwrap().len(), 1);
    assert_eq!(payloads[1]["errors"], json!([{"message": "m", "path": ["product", "p"]}]));
    assert_eq!((&payloads[1]["label"], &payloads[1]["extensions"]), (&Value::Null, &json!({"x": 1})));
}

#[tokio::test]
async fn what_fails_before_the_first_part_is_an_error_as_any_other() {
    let body = format!("---\r\n{}--", part(r#"{"data":{},"hasNext":false}"#));
    let long: &'static str = Box::leak(format!("multipart/mixed; boundary={}", "x".repeat(100)).into_boxed_str());
    for (content_type, body) in [
        (long, body.clone()),
        ("multipart/mixed; boundary=\"a\\\\{}\"", body.clone()),
        ("multipart/mixed; boundary=another", body.clone()),
        (MIXED, String::new()),
        (MIXED, "-----".to_owned()),
        (MIXED, "x".repeat(1 << 20)),
        (MIXED, format!("---\r\n{}--", part("[]"))),
    ] {
        let gateway = gateway_to(saying(content_type, body).await, Limits::default());
        let response = ask(&gateway, DEFERRED, PARTS).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{content_type}");
        assert_eq!(json(response).await["errors"][0]["extensions"]["code"], "OUTFITTER_UPSTREAM_INVALID");
    }
}

#[tokio::test]
async fn the_last_part_tells_how_the_answer_came_about_to_who_asks_and_may() {
    let told = |config: outfitter::gateway::debug::Config, asked: bool, url: String| async move {
        let limits = Limits::default();
        let (mut modules, composed) = crate::oracle::modules_to(url, &limits);
        modules.debug = config;
        let gateway = Gateway::new(modules, Arc::new(composed), limits);
        let mut request = Request::post("/graphql").header("content-type", "application/json").header("accept", PARTS);
        if asked {
            request = request.header("outfitter-debug", "plan, decisions, timings");
        }
        let request = request.body(Bytes::from(json!({"query": DOCUMENT}).to_string())).unwrap();
        let response = gateway.execute(request, [127, 0, 0, 1].into()).await;
        read(&response.into_body().collect().await.unwrap().to_bytes())
    };
    let allowed = outfitter::gateway::debug::Config { extensions: true };
    let shop = || platform(Form::Incremental, Arc::new(Semaphore::new(100)));
    let parts = told(allowed, true, shop().await).await;
    let (last, before) = parts.split_last().unwrap();
    assert!(before.iter().all(|part| part["extensions"]["outfitter"].is_null()));
    let extension = &last["extensions"]["outfitter"];
    assert!(extension["plan"]["steps"][0]["platform"].as_str().unwrap().contains("@defer"), "{extension}");
    assert!(extension["timings"]["total"].is_u64() && extension["timings"]["decide"].is_u64(), "{extension}");
    assert!(extension["decisions"].as_array().unwrap().len() > 1, "{extension}");
    for (config, asked) in [(allowed, false), (Default::default(), true)] {
        let parts = told(config, asked, shop().await).await;
        assert!(parts.iter().all(|part| part["extensions"].is_null()), "{parts:?}");
    }
    // Also where the platform leaves the end to us, in good order or not.
    for end in ["-----".to_owned(), part("<html>") + "--"] {
        let first = part(r#"{"data":{"product":{"id":"x"}},"hasNext":true}"#);
        let parts = told(allowed, true, saying(MIXED, format!("---\r\n{first}\r\n{end}")).await).await;
        assert!(parts[1]["extensions"]["outfitter"]["timings"]["total"].is_u64(), "{parts:?}");
    }
    let own = part(r#"{"data":{"product":{"id":"x"}},"extensions":{"cost":7},"hasNext":false}"#) + "--";
    let parts = told(allowed, true, saying(MIXED, format!("---\r\n{own}")).await).await;
    assert_eq!(parts[0]["extensions"]["cost"], 7);
    assert!(parts[0]["extensions"]["outfitter"]["plan"].is_object(), "{parts:?}");
}
