//! The oracle: what the gateway answers is, byte for byte, what apollo-compiler's own executor answers on the composed
//! schema. Operations are generated; `OUTFITTER_ORACLE_SEED` and `OUTFITTER_ORACLE_OPERATIONS` choose others.

mod generate;
mod lines;
mod own;
pub(crate) mod shop;

use crate::client::start;
use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use generate::generate;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use outfitter::gateway::compose::Composed;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::persisted::Persisted;
use outfitter::gateway::persisted::remembered::Remembered;
use outfitter::gateway::personalize;
use outfitter::gateway::products::Products;
use outfitter::gateway::rerank::Sealer;
use outfitter::gateway::share::Share;
use outfitter::gateway::{Gateway, Modules};
use outfitter::platform::Platform;
use outfitter::platform::shopify::Shopify;
use outfitter::platform::upstream::{self, Upstream};
use own::{Fixed, Own};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shop::{World, execute};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const SHOPIFY: &str = include_str!("../../../schema/shopify.graphql");

/// The shop over HTTP, with a count of its requests.
async fn serve_shop() -> (String, Arc<AtomicUsize>) {
    let schema: Arc<Valid<Schema>> = Arc::new(Schema::parse_and_validate(SHOPIFY, "shopify.graphql").unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let answer = move |body: Bytes| {
        counted.fetch_add(1, Ordering::Relaxed);
        let schema = Arc::clone(&schema);
        async move {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let world = World { schema: &schema, own: None };
            let text = match execute(&world, request["query"].as_str().unwrap(), &request["variables"]) {
                Ok(response) => serde_json::to_string(&response).unwrap(),
                Err(message) => json!({"errors": [{"message": message}]}).to_string(),
            };
            ([("content-type", "application/json")], text)
        }
    };
    let url = start(Router::new().route("/graphql", post(answer))).await;
    (format!("{url}/graphql"), requests)
}

async fn gateway() -> (Gateway, Arc<AtomicUsize>) {
    let (url, requests) = serve_shop().await;
    // Generated operations are larger than real ones.
    let limits = Limits { entities: 100_000, duplicates: 1000, ..Limits::default() };
    (gateway_to(url, limits), requests)
}

/// A gateway to a shop, which knows one shopper and decides by hash.
pub(crate) fn gateway_to(url: String, limits: Limits) -> Gateway {
    let (modules, composed) = modules_to(url, &limits);
    Gateway::new(modules, Arc::new(composed), limits)
}

/// What such a gateway is made of, to be changed by a test.
pub(crate) fn modules_to(url: String, limits: &Limits) -> (Modules, Composed) {
    let platform = Shopify::open(&Default::default()).unwrap();
    let config = upstream::Config { url: Some(url), ..Default::default() };
    let composed = Composed::new(SHOPIFY, &personalize::sdl(), platform.entities()).unwrap_or_else(|e| panic!("{e}"));
    let modules = Modules {
        platform: Arc::new(platform),
        upstream: Upstream::new(config, HeaderMap::new()).unwrap(),
        who: Arc::new(Fixed),
        engine: Arc::new(Fixed),
        decisions: Arc::new(Fixed),
        rerank: Vec::new(),
        sealer: Sealer::new(&[0; 32]),
        share: Share::new(&Default::default()),
        products: Products::new(&Default::default()),
        caching: Default::default(),
        persisted: Persisted::open(&Default::default(), limits, Remembered::new(1 << 20)).unwrap(),
        debug: Default::default(),
    };
    (modules, composed)
}

/// `data` as it was written, and the errors in an order of their own.
fn parts(text: &[u8]) -> (String, Vec<String>) {
    #[derive(serde::Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(default)]
        errors: Vec<Value>,
    }
    let parts: Parts<'_> =
        serde_json::from_slice(text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(text)));
    let error = |error: &Value| format!("{} {}", error["path"], error["message"]);
    let mut errors: Vec<_> = parts.errors.iter().map(error).collect();
    errors.sort();
    (parts.data.map_or("-", RawValue::get).to_owned(), errors)
}

async fn ask(gateway: &Gateway, document: &str, variables: &Value) -> Bytes {
    let body = json!({"query": document, "variables": variables}).to_string();
    let request = Request::post("/graphql").header("content-type", "application/json").body(Bytes::from(body)).unwrap();
    let response = gateway.execute(request, [127, 0, 0, 1].into()).await;
    response.into_body().collect().await.unwrap().to_bytes()
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_operation_is_answered_as_the_reference_executor_answers_it() {
    let (gateway, _) = gateway().await;
    let composed = gateway.composed().unwrap();
    let own = Own::new();
    let world = World { schema: &composed.schema, own: Some(&own) };
    let first = from_environment("OUTFITTER_ORACLE_SEED", 1);
    let wanted = from_environment("OUTFITTER_ORACLE_OPERATIONS", 5000);
    let (mut compared, mut planned, mut invalid, mut failures) = (0, 0, 0, Vec::new());
    for seed in first.wrapping_mul(1_000_000).. {
        if compared >= wanted || failures.len() >= 5 {
            break;
        }
        let operation = generate(&composed.schema, seed);
        let reference = match execute(&world, &operation.document, &operation.variables) {
            Ok(response) => response,
            Err(_) => {
                invalid += 1;
                assert!(invalid < 2 * wanted + 100, "the generator makes hardly anything valid");
                continue;
            }
        };
        compared += 1;
        planned += u64::from(operation.document.contains("personalized"));
        let reference = parts(&serde_json::to_vec(&reference).unwrap());
        let answer = parts(&ask(&gateway, &operation.document, &operation.variables).await);
        if reference != answer {
            failures.push(seed);
            let at = reference.0.bytes().zip(answer.0.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| {
                String::from_utf8_lossy(
                    &text.as_bytes()[at.saturating_sub(150).min(text.len())..(at + 150).min(text.len())],
                )
                .into_owned()
            };
            println!(
                "seed {seed}\n{}\n{}\nreference …{}…\ngateway   …{}…",
                operation.document,
                operation.variables,
                near(&reference.0),
                near(&answer.0)
            );
            for error in reference.1.iter().filter(|e| !answer.1.contains(e)).take(3) {
                println!("missing error {error}");
            }
            for error in answer.1.iter().filter(|e| !reference.1.contains(e)).take(3) {
                println!("surplus error {:.1500}", error);
            }
        }
    }
    println!("{compared} compared, {planned} with personalized fields, {invalid} invalid and left out");
    assert!(failures.is_empty(), "seeds that differ: {failures:?}");
    assert!(planned * 2 > compared, "too few operations reach the personalization schema: {planned} of {compared}");
}
