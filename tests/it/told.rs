//! What platforms and pages send to a gateway, and what the shared store has of it: read past the gateway.

use crate::client::send;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use outfitter::domain::ids::ShopperKey;
use outfitter::store::{Address, RedisConfig, RedisStore, ShopperState, ShopperStore};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

/// The secret under which webhooks are signed.
pub(crate) const APP: &str = "the client secret of an app";

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Sends events of a session as a page does. Whether all of them were acknowledged.
pub(crate) async fn beacon(gateway: &str, session: &str, events: Value) -> bool {
    let headers = [("outfitter-session", session), ("outfitter-consent", "all")];
    let many = events.as_array().map(Vec::len);
    let body = json!({ "events": events }).to_string();
    let (status, _, answer) = send(Method::POST, &format!("{gateway}/events"), &headers, body).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    status == StatusCode::OK && answer["accepted"].as_u64() == many.map(|many| many as u64)
}

/// Delivers an order of 10 euros as Shopify does, under an id of the delivery's own. Whether it was acknowledged.
pub(crate) async fn order(gateway: &str, delivery: &str, order: u64, customer: u64, at: &str) -> bool {
    let body = json!({
        "id": order, "created_at": at, "currency": "EUR", "total_price": "10.00", "customer": { "id": customer },
        "line_items": [{ "product_id": 1001, "quantity": 1, "price": "10.00" }],
    });
    webhook(gateway, "orders/create", delivery, &body).await
}

/// Delivers a body of that topic as Shopify does, under an id of the delivery's own. Whether it was acknowledged.
pub(crate) async fn webhook(gateway: &str, topic: &str, delivery: &str, body: &Value) -> bool {
    let body = body.to_string();
    let signature = STANDARD.encode(mac(APP, &body));
    let headers = [
        ("content-type", "application/json"),
        ("x-shopify-topic", topic),
        ("x-shopify-webhook-id", delivery),
        ("x-shopify-hmac-sha256", &signature),
    ];
    send(Method::POST, &format!("{gateway}/webhooks/shopify"), &headers, body).await.0 == StatusCode::OK
}

/// The store, asked by its own code and not by a gateway, under the secret of the shop.
pub(crate) struct Stored {
    store: RedisStore,
    secret: String,
}

impl Stored {
    pub(crate) fn at(redis: &str, secret: &str) -> Self {
        let patience = Duration::from_secs(10);
        let config = RedisConfig { read_timeout: patience, write_timeout: patience, ..RedisConfig::default() };
        let store = RedisStore::open(&Address::parse(redis).unwrap(), config).unwrap();
        Self { store, secret: secret.to_owned() }
    }

    async fn of(&self, kind: &str, id: &str) -> ShopperState {
        let key = hex::encode(mac(&self.secret, &format!("{kind}:{id}")));
        self.store.read(&ShopperKey::new(key)).await.unwrap()
    }

    /// What is known of a session.
    pub(crate) async fn session(&self, id: &str) -> ShopperState {
        self.of("session", id).await
    }

    /// What is known of a customer.
    pub(crate) async fn customer(&self, id: u64) -> ShopperState {
        self.of("customer", &format!("gid://shopify/Customer/{id}")).await
    }
}
