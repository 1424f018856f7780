//! Products that are kept between requests, against a shop that writes into each of them what it was asked with.

use crate::client::start;
use crate::oracle::modules_to;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use outfitter::domain::ids::ProductKey;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::products::{Config, Products};
use outfitter::gateway::{Gateway, Modules};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the shop was asked: the ids and headers of each look-up.
#[derive(Default)]
struct Shop {
    asked: Mutex<Vec<(Vec<String>, HeaderMap)>>,
    /// How many look-ups there were.
    times: AtomicUsize,
    /// Products that cannot be sold.
    sold_out: Mutex<Vec<String>>,
    /// Whether look-ups report an error beside their data.
    errs: Mutex<bool>,
}

async fn look_up(State(shop): State<Arc<Shop>>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    let ids: Vec<String> = serde_json::from_value(body["variables"]["_gw_i0"].clone()).unwrap();
    shop.asked.lock().unwrap().push((ids.clone(), headers.clone()));
    let time = shop.times.fetch_add(1, Ordering::SeqCst);
    let header = |name: &str| headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let sold_out = shop.sold_out.lock().unwrap();
    let product = |id: &String| {
        let told = [header("x-shopify-storefront-access-token"), header("cookie"), body["variables"]["c"].to_string()];
        let title = format!("{} by look-up {time} of {id}", told.join(" "));
        json!({ "title": title, "_gw_key": id, "_gw_live": !sold_out.contains(id) })
    };
    let data = json!({ "_gw_s0": ids.iter().map(product).collect::<Vec<_>>() });
    let errors = if *shop.errs.lock().unwrap() { json!([{ "message": "busy" }]) } else { json!([]) };
    Json(json!({ "data": data, "errors": errors }))
}

/// A gateway before such a shop, and where it keeps products.
struct World {
    gateway: Gateway,
    shop: Arc<Shop>,
    products: Products,
}

const SLATE: &str = "query Shelf($c: CountryCode) @inContext(country: $c) {
    personalized { recommendations(placement: \"home\", first: 4) { items { product { title } } } } }";

impl World {
    async fn start(config: Config) -> Self {
        let shop = Arc::new(Shop::default());
        let url = start(Router::new().route("/graphql", post(look_up)).with_state(shop.clone())).await;
        let limits = Limits::default();
        let (modules, composed) = modules_to(format!("{url}/graphql"), &limits);
        let products = Products::new(&config);
        let modules = Modules { products: products.clone(), ..modules };
        Self { gateway: Gateway::new(modules, Arc::new(composed), limits), shop, products }
    }

    /// The titles of a shelf.
    async fn shelf(&self, country: &str, headers: &[(&str, &str)]) -> Vec<String> {
        self.ask(SLATE, country, headers).await
    }

    async fn ask(&self, query: &str, country: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = json!({ "query": query, "variables": { "c": country } }).to_string();
        let response = self.gateway.execute(request.body(Bytes::from(body)).unwrap(), [127, 0, 0, 1].into()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let items = answer["data"]["personalized"]["recommendations"]["items"].as_array();
        let items = items.unwrap_or_else(|| panic!("{answer}"));
        items.iter().map(|item| item["product"]["title"].as_str().unwrap().to_owned()).collect()
    }

    /// The look-ups since the last time: how many ids, and the headers.
    fn asked(&self) -> Vec<(Vec<String>, HeaderMap)> {
        std::mem::take(&mut *self.shop.asked.lock().unwrap())
    }
}

/// Long enough for a slow machine.
fn lasting() -> Config {
    Config { fresh: Duration::from_secs(500), missing: Duration::from_secs(500), ..Config::default() }
}

#[tokio::test]
async fn visitors_in_one_context_show_what_was_looked_up_once_and_the_shop_is_not_told_who_they_are() {
    let world = World::start(lasting()).await;
    let visitor = |name: &'static str| {
        [("shopify-storefront-y", name), ("user-agent", name), ("x-request-id", name), ("outfitter-session", name)]
    };
    let first = world.shelf("DE", &visitor("ada")).await;
    assert_eq!(first.len(), 4);
    assert_eq!(world.shelf("DE", &visitor("bob")).await, first);
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    for name in ["shopify-storefront-y", "user-agent", "outfitter-session"] {
        assert!(!asked[0].1.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn another_market_token_or_cookie_never_shows_what_was_looked_up_for_this_one() {
    let world = World::start(lasting()).await;
    let token = |token| [("x-shopify-storefront-access-token", token)];
    let shown = |who: &str, titles: &[String]| {
        assert_eq!(titles.len(), 4);
        assert!(titles.iter().all(|title| title.starts_with(who)), "{who}: {titles:?}");
    };
    for _ in 0..2 {
        shown("one - \"DE\"", &world.shelf("DE", &token("one")).await);
        shown("two - \"DE\"", &world.shelf("DE", &token("two")).await);
        shown("two - \"US\"", &world.shelf("US", &token("two")).await);
        shown("- a=1 \"US\"", &world.shelf("US", &[("cookie", "a=1")]).await);
        shown("- a=2 \"US\"", &world.shelf("US", &[("cookie", "a=2")]).await);
        let buyer = SLATE.replace("country: $c", "country: $c, buyer: {customerAccessToken: \"t\"}");
        shown("- - \"US\"", &world.ask(&buyer, "US", &[]).await);
    }
    // Three contexts once, and three shoppers each time.
    assert_eq!(world.asked().len(), 3 + 2 * 3);
}

#[tokio::test]
async fn only_the_product_that_changed_is_asked_for_again() {
    let world = World::start(lasting()).await;
    let before = world.shelf("DE", &[]).await;
    let ids = world.asked().remove(0).0;
    world.products.invalidate(&ProductKey::new(ids[1].as_str()));
    let after = world.shelf("DE", &[]).await;
    let asked = world.asked();
    assert_eq!(asked.iter().map(|(ids, _)| ids.clone()).collect::<Vec<_>>(), [vec![ids[1].clone()]]);
    let differ: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before != after).collect();
    assert_eq!(differ, [false, true, false, false]);
    // And one that is sold out by then drops out of the slate.
    *world.shop.sold_out.lock().unwrap() = vec![ids[2].clone()];
    world.products.invalidate(&ProductKey::new(ids[2].as_str()));
    let without = world.shelf("DE", &[]).await;
    assert_eq!(without.len(), 4);
    assert!(!without.contains(&before[2]));
}

#[tokio::test]
async fn what_is_stale_is_shown_once_more_and_looked_up_again_beside_the_request() {
    let world = World::start(Config { fresh: Duration::from_millis(1), ..lasting() }).await;
    let first = world.shelf("DE", &[]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(world.shelf("DE", &[]).await, first, "nobody waits for the platform");
    for _ in 0..400 {
        if world.shop.asked.lock().unwrap().len() > 1 && world.shelf("DE", &[]).await != first {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nothing was looked up again");
}

#[tokio::test]
async fn an_answer_with_an_error_is_shown_and_not_kept() {
    let world = World::start(lasting()).await;
    *world.shop.errs.lock().unwrap() = true;
    assert_eq!(world.shelf("DE", &[]).await.len(), 4);
    *world.shop.errs.lock().unwrap() = false;
    assert_eq!(world.shelf("DE", &[]).await.len(), 4);
    world.shelf("DE", &[]).await;
    assert_eq!(world.asked().len(), 2);
    world.products.configure(&Config { fresh: Duration::ZERO, ..Config::default() });
    world.shelf("DE", &[]).await;
    assert_eq!(world.asked().len(), 1, "products are not kept any more");
}
