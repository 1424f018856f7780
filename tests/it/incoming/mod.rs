//! Webhooks and events over HTTP, as platforms and pages send them, into gateways with a Redis between them.

mod doors;
mod export;
mod named;
mod stored;

use crate::client::{send, start};
use crate::senders;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use outfitter::cli::assemble::Running;
use outfitter::domain::ids::{CustomerId, SessionId, ShopperKey};
use outfitter::domain::profile::Purchase;
use outfitter::ingest::identity::Hasher;
use outfitter::settings::Settings;
use outfitter::store::{ShopperState, ShopperStore};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Under which shoppers are stored.
const KEY: &str = "a secret of more than sixteen bytes";

/// A gateway that listens; its shop is away, which nothing here needs.
struct Gateway {
    url: String,
    running: Arc<Running>,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.json["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }

    /// Accepted, duplicates, unused.
    fn counts(&self) -> [u64; 3] {
        ["accepted", "duplicates", "unused"].map(|name| self.json[name].as_u64().unwrap_or(99))
    }
}

/// Settings with every platform's webhooks, a spool and a Redis, where one is named; the folder is this gateway's own.
fn settings(folder: &Path, redis: Option<&str>) -> Settings {
    std::fs::create_dir_all(folder).unwrap();
    let key = folder.join("key");
    std::fs::write(&key, KEY).unwrap();
    let store = redis.map_or(String::new(), |url| {
        format!("[store]\nurl = {url:?}\n[store.redis]\nread_timeout = \"5s\"\nwrite_timeout = \"5s\"\nopen_for = \"100ms\"\n")
    });
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:9/graphql\"\n[ingest]\ndefault_consent = \"all\"\nsecrets = [{{ file = {key:?} }}]\n\
         [ingest.events]\nmax_age = \"36500days\"\n[ingest.spool]\ndir = {:?}\n{}{store}",
        folder.join("spool"),
        senders::settings(folder),
    );
    std::fs::write(folder.join("outfitter.toml"), &text).unwrap();
    let mut settings = Settings::read(&folder.join("outfitter.toml"), &text, []).unwrap();
    // A busy machine's.
    (settings.ingest.webhooks.patience, settings.ingest.beacons.patience) =
        (Duration::from_secs(60), Duration::from_secs(60));
    settings
}

impl Gateway {
    async fn start(settings: Settings) -> Self {
        let running = Arc::new(Running::new(&settings, false).unwrap());
        Self { url: start(running.live.routes()).await, running }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let (status, headers, body) = send(Method::POST, &format!("{}{path}", self.url), headers, body).await;
        Answer { status, headers, json: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// A delivery of Shopify's.
    async fn shopify(&self, topic: &str, id: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let headers = senders::shopify(topic, id, &body);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post("/webhooks/shopify", &headers, body).await
    }

    /// A view of a product by a session.
    async fn viewed(&self, session: &str, id: &str, second: i64) -> Answer {
        let at = jiff::Timestamp::from_second(1_732_700_000 + second).unwrap();
        let event =
            json!({ "id": id, "type": "PRODUCT_VIEWED", "productId": format!("gid://shopify/Product/{id}"), "at": at });
        let body = json!({ "session": session, "consent": "all", "events": [event] });
        self.post("/events", &[("content-type", "text/plain")], body.to_string()).await
    }

    async fn state(&self, key: &ShopperKey) -> ShopperState {
        ShopperStore::read(&*self.running.state.store, key).await.unwrap_or_default()
    }

    /// The session's products, oldest first.
    async fn session(&self, id: &str) -> Vec<String> {
        let state = self.state(&hasher().session(&SessionId::parse(id).unwrap())).await;
        let product = |event: &outfitter::domain::event::Event| event.product.as_ref().map(ToString::to_string);
        state.session.events.iter().filter_map(product).collect()
    }

    /// The customer's orders, and what they bought, oldest first.
    async fn customer(&self, id: u64) -> (u32, Vec<Purchase>) {
        let key = hasher().customer(&CustomerId::new(format!("gid://shopify/Customer/{id}")));
        let profile = self.state(&key).await.profile;
        (profile.orders, profile.bought.to_vec())
    }
}

fn hasher() -> Hasher {
    Hasher::of(&[KEY]).unwrap()
}

fn order(id: u64, customer: u64, product: u64, created: &str) -> Value {
    json!({ "id": id, "created_at": created, "currency": "EUR", "customer": { "id": customer, "email": "anna@example.com" },
        "line_items": [{ "product_id": product, "quantity": 1, "price": "10.00" }] })
}

/// Until it holds; a test that never ends is ended by its runner.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
