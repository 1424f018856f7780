//! Identical queries that are on their way at the same time, and who may keep a personalized answer.

use crate::client::start;
use crate::oracle::modules_to;
use axum::Router;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::share::{Config, Share};
use outfitter::gateway::{Gateway, Modules};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

const BODY: &str = r#"{"data":{"shop":{"name":"Shop"}}}"#;

/// A platform that answers when it is told to.
struct Shop {
    asked: AtomicUsize,
    gate: Semaphore,
}

async fn answer(State(shop): State<Arc<Shop>>) -> ([(&'static str, &'static str); 1], &'static str) {
    shop.asked.fetch_add(1, Ordering::SeqCst);
    shop.gate.acquire().await.unwrap().forget();
    ([("content-type", "application/json")], BODY)
}

async fn gateway(change: impl FnOnce(&mut Modules)) -> (Gateway, Arc<Shop>) {
    let shop = Arc::new(Shop { asked: AtomicUsize::new(0), gate: Semaphore::new(0) });
    let url = start(Router::new().route("/graphql", any(answer)).with_state(shop.clone())).await;
    let limits = Limits::default();
    let (mut modules, composed) = modules_to(format!("{url}/graphql"), &limits);
    change(&mut modules);
    (Gateway::new(modules, Arc::new(composed), limits), shop)
}

async fn ask(gateway: &Gateway, query: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = json!({"query": query, "variables": {"country": "DE"}}).to_string();
    let response = gateway.execute(request.body(Bytes::from(body)).unwrap(), [127, 0, 0, 1].into()).await;
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

/// How often the platform is asked for the same query by so many, each with its headers. Everyone has to get its answer.
async fn asked(config: Config, query: &str, shoppers: &[Vec<(&str, &str)>]) -> usize {
    let (gateway, shop) = gateway(|modules| modules.share = Share::new(&config)).await;
    let requests = join_all(shoppers.iter().map(|headers| ask(&gateway, query, headers)));
    let release = async {
        while shop.asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Whoever goes upstream is there by now; one that comes later finds the answer begun and asks for itself.
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.gate.add_permits(shoppers.len());
    };
    let (answers, ()) = tokio::join!(requests, release);
    for (status, _, body) in answers {
        assert_eq!((status, &*body), (StatusCode::OK, BODY.as_bytes()));
    }
    shop.asked.load(Ordering::SeqCst)
}

const SHOP: &str = "query Shop($country: CountryCode) @inContext(country: $country) { shop { name } }";

#[tokio::test]
async fn a_hundred_identical_queries_reach_the_platform_once() {
    let nobody = vec![vec![]; 100];
    assert_eq!(asked(Config::default(), SHOP, &nobody).await, 1);
    let off = Config { enabled: false, ..Config::default() };
    assert_eq!(asked(off, SHOP, &nobody).await, 100);
}

#[tokio::test]
async fn nobody_with_an_identity_shares() {
    for header in
        [("cookie", "a=1"), ("outfitter-session", "ada"), ("shopify-storefront-y", "ada"), ("authorization", "x")]
    {
        assert_eq!(asked(Config::default(), SHOP, &vec![vec![header]; 20]).await, 20, "{header:?}");
        let mut one = vec![vec![]; 20];
        one[10].push(header);
        assert_eq!(asked(Config::default(), SHOP, &one).await, 2, "{header:?}");
    }
    let languages: Vec<_> =
        ["de", "en"].repeat(10).into_iter().map(|tongue| vec![("accept-language", tongue)]).collect();
    assert_eq!(asked(Config::default(), SHOP, &languages).await, 2);
}

#[tokio::test]
async fn carts_customers_and_mutations_are_never_shared() {
    let nobody = vec![vec![]; 5];
    for query in [
        "query K { cart(id: \"gid://shopify/Cart/1\") { id } }",
        "query C { customer(customerAccessToken: \"t\") { id } }",
        "mutation M { cartCreate { cart { id } } }",
        "query B @inContext(buyer: {customerAccessToken: \"t\"}) { shop { name } }",
    ] {
        assert_eq!(asked(Config::default(), query, &nobody).await, 5, "{query}");
    }
}

#[tokio::test]
async fn a_personalized_answer_may_be_kept_by_its_browser_where_the_shop_says_so() {
    let caching =
        |seconds| gateway(move |modules| modules.caching.personalized_get_max_age = Duration::from_secs(seconds));
    let kept = |gateway: Gateway, get: bool| async move {
        let request = if get {
            Request::get("/graphql?query=%7Bpersonalized%7B__typename%7D%7D")
        } else {
            Request::post("/graphql").header("content-type", "application/json")
        };
        let body = json!({"query": "{personalized{__typename}}"}).to_string();
        let body = Bytes::from(if get { String::new() } else { body });
        let response = gateway.execute(request.body(body).unwrap(), [127, 0, 0, 1].into()).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned()
    };
    assert_eq!(kept(caching(30).await.0, true).await, "private, max-age=30");
    assert_eq!(kept(caching(30).await.0, false).await, "private, no-store");
    assert_eq!(kept(caching(0).await.0, true).await, "private, no-store");
}
