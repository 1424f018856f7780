//! Deliveries that name an order by its id alone: the shop is asked for it, later where it does not answer.

use super::doors::borrowed;
use super::{Gateway, hasher, settings, until};
use crate::senders;
use crate::servers::Server;
use crate::upstream::serve;
use axum::Router;
use axum::extract::{Json, Path as Named, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use outfitter::domain::ids::CustomerId;
use outfitter::platform::secret::Secret;
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// The status with which the shop answers.
type Mood = Arc<AtomicU16>;

async fn order(State(mood): State<Mood>, headers: HeaderMap, Named(id): Named<u64>) -> (StatusCode, Json<Value>) {
    let status = StatusCode::from_u16(mood.load(Ordering::Relaxed)).unwrap();
    let known = headers.get("x-auth-token").is_some_and(|token| token == "the token of an account");
    let (customer, state) = (if id == 252 { 0 } else { 7 }, if id == 251 { 5 } else { 11 });
    let told = json!({ "id": id, "customer_id": customer, "status_id": state, "total_inc_tax": "20.0000", "currency_code": "EUR",
        "date_created": "Mon, 02 Mar 2026 11:00:00 +0000", "date_modified": "Tue, 03 Mar 2026 11:00:00 +0000",
        "billing_address": { "email": "anna@example.com" } });
    (if known { status } else { StatusCode::UNAUTHORIZED }, Json(told))
}

async fn products() -> Json<Value> {
    Json(json!([{ "product_id": 205, "variant_id": 31, "quantity": 2, "price_inc_tax": "10.0000" }]))
}

/// Settings of a gateway that may ask this shop.
async fn asking(folder: &Path, redis: &str, mood: &Mood) -> Settings {
    let routes = Router::new().route("/graphql/v2/orders/{id}", get(order)).with_state(Arc::clone(mood));
    let url = serve(routes.route("/graphql/v2/orders/{id}/products", get(products))).await;
    let mut settings = settings(folder, Some(redis));
    let token = folder.join("token");
    std::fs::write(&token, "the token of an account\n").unwrap();
    let bigcommerce = &mut settings.ingest.webhooks.bigcommerce;
    (bigcommerce.api, bigcommerce.token) = (Some(url), Some(Secret::File(token)));
    settings
}

impl Gateway {
    async fn bigcommerce(&self, delivery: &str, scope: &str, id: u64) -> (StatusCode, [u64; 3]) {
        let body = json!({ "scope": scope, "data": { "type": "order", "id": id }, "hash": delivery }).to_string();
        let headers = senders::bigcommerce(delivery, 0, &body);
        let answer = self.post("/webhooks/bigcommerce", &borrowed(&headers), body).await;
        (answer.status, answer.counts())
    }

    /// Orders of customer 7 of BigCommerce's, and what they cost in cents.
    async fn bought(&self) -> (u32, i64) {
        let profile = self.state(&hasher().customer(&CustomerId::new("7"))).await.profile;
        (profile.orders, profile.spent.first().map_or(0, |spent| spent.total.minor))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_a_delivery_names_is_asked_for_and_counts_once_and_later_where_the_shop_is_away() {
    let (folder, redis, mood) = (tempfile::tempdir().unwrap(), Server::start(), Mood::new(200.into()));
    let gateway = Gateway::start(asking(folder.path(), &redis.url(), &mood).await).await;
    assert_eq!(gateway.bigcommerce("a", "store/order/created", 250).await, (StatusCode::OK, [1, 0, 0]));
    assert_eq!(gateway.bigcommerce("b", "store/order/statusUpdated", 250).await, (StatusCode::OK, [0, 1, 0]));
    assert_eq!(gateway.bought().await, (1, 2_000));
    // A guest's, one that is gone, and one that is taken back.
    assert_eq!(gateway.bigcommerce("c", "store/order/created", 252).await, (StatusCode::OK, [0, 0, 0]));
    mood.store(404, Ordering::Relaxed);
    assert_eq!(gateway.bigcommerce("d", "store/order/created", 253).await, (StatusCode::OK, [0, 0, 0]));
    mood.store(200, Ordering::Relaxed);
    assert_eq!(gateway.bigcommerce("e", "store/order/updated", 251).await, (StatusCode::OK, [1, 0, 0]));
    assert_eq!(gateway.bought().await, (1, 2_000));
    // Acknowledged while the shop is away, and learned once it is back.
    mood.store(503, Ordering::Relaxed);
    assert_eq!(gateway.bigcommerce("f", "store/order/created", 254).await, (StatusCode::OK, [1, 0, 0]));
    let spool = folder.path().join("spool");
    let waiting = || std::fs::read_dir(&spool).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    let text: String = waiting().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.contains("254") && !text.contains("example.com"), "{text}");
    mood.store(200, Ordering::Relaxed);
    until(async || gateway.bought().await == (2, 4_000)).await;
    until(async || waiting().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_spool_the_sender_comes_again_and_a_token_that_may_not_read_holds_nothing_up() {
    let (folder, redis, mood) = (tempfile::tempdir().unwrap(), Server::start(), Mood::new(503.into()));
    let mut settings = asking(folder.path(), &redis.url(), &mood).await;
    settings.ingest.spool.dir = None;
    let gateway = Gateway::start(settings).await;
    assert_eq!(gateway.bigcommerce("a", "store/order/created", 250).await.0, StatusCode::SERVICE_UNAVAILABLE);
    mood.store(403, Ordering::Relaxed);
    assert_eq!(gateway.bigcommerce("b", "store/order/created", 250).await, (StatusCode::OK, [0, 0, 0]));
    mood.store(200, Ordering::Relaxed);
    assert_eq!(gateway.bigcommerce("a", "store/order/created", 250).await, (StatusCode::OK, [1, 0, 0]));
    assert_eq!(gateway.bought().await, (1, 2_000));
}
