//! What becomes of deliveries: proof first, then consent, counting once, and erasing.

use super::fakes::{Shelf, Stage, headers, request, stage_over, view};
use crate::catalogue::Index;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::EventType;
use crate::domain::ids::{CustomerId, ShopperKey};
use crate::domain::product::CatalogueProduct;
use crate::ingest::{Config, Delivered, Evidence, Refused};
use crate::platform::secret::Secret;
use crate::store::ShopperStore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A file with a secret in it that lives as long as the process: the folder is the test's own.
fn secret(text: &str) -> Secret {
    let path = tempfile::tempdir().unwrap().keep().join("secret");
    std::fs::write(&path, text).unwrap();
    Secret::File(path)
}

/// Ingest that takes Shopify's webhooks, before a catalogue of products 1 to 3.
fn shop(consent: Consent) -> Stage {
    shop_with(Config { default_consent: consent, ..Config::default() }, Arc::default())
}

/// The same with these settings besides, over a store that others share.
fn shop_with(mut config: Config, shelf: Arc<Shelf>) -> Stage {
    config.webhooks.shopify.secrets = vec![secret("one secret"), secret("another secret")];
    let stage = stage_over(config, shelf);
    let product = |n: u32| -> CatalogueProduct {
        let key = format!("gid://shopify/Product/{n}");
        serde_json::from_value(json!({ "key": key, "handle": format!("h{n}"), "title": "", "variants": [] })).unwrap()
    };
    stage.catalogue.replace(Index::build((1..=3).map(product)), Timestamp::now());
    stage
}

impl Stage {
    async fn deliver(&self, topic: &str, id: &str, body: &Value) -> Result<Delivered, Refused> {
        self.send(topic, id, body.to_string().as_bytes(), "one secret").await
    }

    async fn send(&self, topic: &str, id: &str, body: &[u8], secret: &str) -> Result<Delivered, Refused> {
        self.send_at(topic, id, body, secret, None).await
    }

    async fn send_at(
        &self,
        topic: &str,
        id: &str,
        body: &[u8],
        secret: &str,
        triggered: Option<&str>,
    ) -> Result<Delivered, Refused> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let mut all =
            vec![("x-shopify-topic", topic), ("x-shopify-webhook-id", id), ("x-shopify-hmac-sha256", &signature)];
        all.extend(triggered.map(|at| ("x-shopify-triggered-at", at)));
        let headers = headers(&all);
        self.ingest.webhook("shopify", &headers, body).await
    }

    fn customer(&self, id: u64) -> ShopperKey {
        let id = CustomerId::new(format!("gid://shopify/Customer/{id}"));
        self.ingest.identity.hasher.load().customer(&id)
    }

    fn orders(&self, id: u64) -> Vec<(String, Timestamp)> {
        let state = self.shelf.state(&self.customer(id));
        let bought = state.session.events.iter().filter(|event| event.kind == EventType::CheckoutCompleted);
        bought.map(|event| (event.lines[0].product.to_string(), event.at)).collect()
    }
}

fn order(id: u64, customer: u64, product: u64, created: Timestamp) -> Value {
    json!({ "id": id, "created_at": created.to_string(), "currency": "EUR", "customer": { "id": customer, "email": "a@example.com" },
        "line_items": [{ "product_id": product, "quantity": 1, "price": "10.00" }] })
}

fn taken(accepted: usize, duplicates: usize, unused: usize) -> Delivered {
    Delivered { accepted, duplicates, unused, op: None }
}

#[tokio::test]
async fn a_delivery_that_is_not_proven_changes_nothing_and_a_rotated_secret_still_proves() {
    let stage = shop(Consent::ALL);
    let body = order(1, 7, 1, Timestamp::now()).to_string();
    for wrong in ["", "a wrong secret", "one secret "] {
        let refused = stage.send("orders/create", "w1", body.as_bytes(), wrong).await.unwrap_err();
        assert!(matches!(refused, Refused::Unproven(_)), "{wrong}");
    }
    assert_eq!(stage.shelf.everything(), shop(Consent::ALL).shelf.everything());
    // Nothing is parsed before: what is no JSON is unproven just so.
    let refused = stage.send("orders/create", "w1", b"{", "a wrong secret").await.unwrap_err();
    assert!(matches!(refused, Refused::Unproven(_)));
    assert!(matches!(stage.send("orders/create", "w1", b"{", "one secret").await.unwrap_err(), Refused::Unreadable(_)));
    let delivered = stage.send("orders/create", "w1", body.as_bytes(), "another secret").await.unwrap();
    assert_eq!(delivered, taken(1, 0, 0));
    let unknown = stage.ingest.webhook("magento", &headers(&[]), b"{}").await.unwrap_err();
    assert!(matches!(unknown, Refused::NotTaken));
}

#[tokio::test]
async fn an_order_counts_once_whatever_topics_tell_it_and_at_its_own_time() {
    let stage = shop(Consent::ALL);
    let (late, later) = (Timestamp::now() - 26.hours(), Timestamp::now() - 2.hours());
    assert_eq!(stage.deliver("orders/create", "w1", &order(2, 7, 2, later)).await.unwrap(), taken(1, 0, 0));
    // A day late, after a younger one.
    assert_eq!(stage.deliver("orders/create", "w2", &order(1, 7, 1, late)).await.unwrap(), taken(1, 0, 0));
    // The same delivery again, then the same order by another topic.
    assert_eq!(stage.deliver("orders/create", "w2", &order(1, 7, 1, late)).await.unwrap(), taken(0, 1, 0));
    assert_eq!(stage.deliver("orders/paid", "w3", &order(1, 7, 1, late)).await.unwrap(), taken(0, 1, 0));
    let told = |n: u32, at: Timestamp| {
        (format!("gid://shopify/Product/{n}"), Timestamp::from_nanosecond(at.as_nanosecond()).unwrap())
    };
    assert_eq!(stage.orders(7), [told(1, late), told(2, later)]);
    assert_eq!(stage.shelf.learned.lock().unwrap().len(), 2);
    assert_eq!(stage.orders(8), []);
}

#[tokio::test]
async fn consent_comes_from_the_payload_from_file_and_else_from_the_shop_and_what_was_withdrawn_stays_so() {
    let stage = shop(Consent::NONE);
    let now = Timestamp::now();
    assert_eq!(stage.deliver("orders/create", "w1", &order(1, 7, 1, now)).await.unwrap(), taken(0, 0, 1));
    let mut with = order(2, 7, 1, now);
    with["note_attributes"] = json!([{ "name": "_outfitter_consent", "value": "preferences" }]);
    assert_eq!(stage.deliver("orders/create", "w2", &with).await.unwrap(), taken(1, 0, 0));
    assert!(stage.shelf.learned.lock().unwrap().is_empty(), "analytics was not among it");
    let only_analytics = Consent::NONE.with(Purpose::Analytics, true);
    stage.shelf.set_consent(&stage.customer(8), only_analytics).await.unwrap();
    assert_eq!(stage.deliver("orders/create", "w3", &order(3, 8, 1, now)).await.unwrap(), taken(1, 0, 0));
    assert_eq!((stage.orders(8).len(), stage.shelf.learned.lock().unwrap().len()), (0, 1));
    with["id"] = json!(4);
    with["customer"]["id"] = json!(8);
    let delivered = stage.deliver("orders/create", "w4", &with).await.unwrap();
    assert_eq!((delivered, stage.orders(8).len()), (taken(0, 0, 1), 0), "what is on file is stronger than an old cart");
}

#[tokio::test]
async fn a_delivery_that_comes_again_does_nothing_again_also_where_it_is_no_event() {
    let stage = shop(Consent::NONE);
    let who = stage.customer(7);
    stage.shelf.set_consent(&who, Consent::ALL).await.unwrap();
    let left = json!({ "id": 7, "email_marketing_consent": { "state": "unsubscribed" } });
    assert_eq!(stage.deliver("customers/update", "w1", &left).await.unwrap(), Delivered::default());
    assert!(!stage.shelf.state(&who).consent.unwrap().allows(Purpose::Marketing));
    // The shopper changes their mind, and then the platform sends the same delivery once more.
    stage.shelf.set_consent(&who, Consent::ALL).await.unwrap();
    assert_eq!(stage.deliver("customers/update", "w1", &left).await.unwrap(), taken(0, 1, 0));
    assert_eq!(stage.shelf.state(&who).consent, Some(Consent::ALL));
}

/// A process that keeps shoppers under these secrets, current first, and their training log in this folder.
fn rotated(secrets: &[&str], folder: &Path, shelf: &Arc<Shelf>) -> Stage {
    let mut config = Config { default_consent: Consent::ALL, ..Config::default() };
    config.secrets = secrets.iter().map(|name| secret(&format!("the {name} secret of this shop"))).collect();
    config.record.log = Some(toml::from_str(&format!("dir = {folder:?}")).unwrap());
    shop_with(config, Arc::clone(shelf))
}

/// The lines of a training log as they lie on the disk.
fn lines(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[tokio::test]
async fn a_redacted_customer_is_erased_everywhere_under_every_secret() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), Arc::<Shelf>::default());
    let now = Timestamp::now();
    let decided = |who: &ShopperKey| shelf.decisions.lock().unwrap().insert(who.clone());
    // Two customers under the first secret, with orders, a decision and lines each.
    let keys: Vec<ShopperKey> = {
        let first = rotated(&["first"], folder.path(), &shelf);
        for (n, customer) in [(1, 7), (2, 9)] {
            first.deliver("orders/create", &format!("w{n}"), &order(n, customer, 1, now)).await.unwrap();
            decided(&first.customer(customer));
        }
        first.ingest.settle().await;
        vec![first.customer(7), first.customer(9)]
    };
    // Then the second came before it, and more was stored under that.
    let stage = rotated(&["second", "first"], folder.path(), &shelf);
    stage.deliver("orders/create", "w3", &order(3, 7, 2, now)).await.unwrap();
    let (young, old, other) = (stage.customer(7), keys[0].clone(), keys[1].clone());
    decided(&young);
    // Somebody at a replica that has not heard of the second yet.
    let late = rotated(&["first"], &folder.path().join("late"), &shelf);
    late.deliver("orders/create", "w4", &order(4, 7, 3, now)).await.unwrap();
    for stage in [&stage, &late] {
        stage.ingest.settle().await;
    }
    assert_ne!(young, old);
    for key in [&young, &old, &other] {
        assert!(shelf.everything().contains(key.as_str()) && shelf.decisions.lock().unwrap().contains(key), "{key}");
        assert!(lines(folder.path()).contains(key.as_str()), "{key}");
    }

    let request = json!({ "shop_id": 1, "customer": { "id": 7, "email": "a@example.com" }, "orders_to_redact": [1] });
    stage.deliver("customers/redact", "w5", &request).await.unwrap();
    stage.ingest.settle().await;
    for key in [&young, &old] {
        assert!(!shelf.everything().contains(key.as_str()) && !shelf.decisions.lock().unwrap().contains(key), "{key}");
        assert!(!lines(folder.path()).contains(key.as_str()), "{key}");
        assert!(stage.ingest.recent().iter().all(|recorded| recorded.shopper != *key));
        // Replicas are told of each.
        assert!(shelf.erasures.lock().unwrap().iter().any(|erasure| erasure.who == *key));
    }
    // Another's are untouched, under whichever secret.
    assert!(shelf.everything().contains(other.as_str()) && shelf.decisions.lock().unwrap().contains(&other));
    assert!(lines(folder.path()).contains(other.as_str()));
}

#[tokio::test]
async fn what_a_redacted_customer_did_before_logging_in_goes_with_them() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), Arc::<Shelf>::default());
    let stage = rotated(&["first"], folder.path(), &shelf);
    let product = "gid://shopify/Product/1";
    let as_customer =
        |session: &str| Evidence { token: Some("token-gid://shopify/Customer/7".into()), ..request(session, "all") };
    let mut devices = Vec::new();
    for session in ["phone", "desk", "others"] {
        let before = stage.caller(session, "all").await;
        assert_eq!(stage.codes(&before, vec![view(&format!("before {session}"), product)]).await, ["OK"]);
        let device = before.shopper.unwrap();
        shelf.decisions.lock().unwrap().insert(device.clone());
        devices.push(device);
    }
    for session in ["phone", "desk"] {
        let signed_in = stage.ingest.identify(&as_customer(session)).await.unwrap();
        assert_eq!(signed_in.shopper, Some(stage.customer(7)));
    }
    stage.ingest.settle().await;
    assert!(devices.iter().all(|device| lines(folder.path()).contains(device.as_str())));
    let request = json!({ "shop_id": 1, "customer": { "id": 7 }, "orders_to_redact": [] });
    stage.deliver("customers/redact", "w1", &request).await.unwrap();
    stage.ingest.settle().await;
    for (device, is_others) in devices.iter().zip([false, false, true]) {
        assert_eq!(lines(folder.path()).contains(device.as_str()), is_others);
        assert_eq!(shelf.decisions.lock().unwrap().contains(device), is_others);
        assert_eq!(stage.ingest.recent().iter().any(|recorded| recorded.shopper == *device), is_others);
        assert_eq!(shelf.erasures.lock().unwrap().iter().any(|erasure| erasure.who == *device), !is_others);
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_told_to_the_platform_and_the_next_try_counts() {
    let stage = shop(Consent::ALL);
    let body = order(1, 7, 1, Timestamp::now());
    *stage.shelf.down.lock().unwrap() = true;
    assert!(matches!(stage.deliver("orders/create", "w1", &body).await, Err(Refused::Later)));
    *stage.shelf.down.lock().unwrap() = false;
    assert_eq!(stage.deliver("orders/create", "w1", &body).await.unwrap(), taken(1, 0, 0));
    assert_eq!(stage.orders(7).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_are_told_are_in_the_catalogue_a_moment_later() {
    let stage = shop(Consent::NONE);
    let told = json!({ "id": 9, "handle": "nine", "title": "Nine", "status": "active", "variants": [{ "id": 91, "price": "1.00" }] });
    assert_eq!(stage.deliver("products/create", "w1", &told).await.unwrap(), taken(1, 0, 0));
    stage.deliver("products/delete", "w2", &json!({ "id": 1 })).await.unwrap();
    for _ in 0..200 {
        let index = stage.catalogue.current();
        if index.by_variant("gid://shopify/ProductVariant/91").is_some()
            && index.ordinal("gid://shopify/Product/1").is_none()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", stage.catalogue.current().products());
}

#[tokio::test]
async fn topics_that_are_of_no_use_are_taken_and_left() {
    let stage = shop(Consent::ALL);
    for topic in ["fulfillments/create", "", "orders/edited", "customers/data_request"] {
        let body = json!({ "id": 1, "customer": { "id": 7 } });
        assert_eq!(stage.deliver(topic, topic, &body).await.unwrap(), Delivered::default(), "{topic}");
    }
    assert_eq!(
        stage
            .deliver(
                "orders/create",
                "guest",
                &json!({ "id": 5, "customer": null,
        "line_items": [{ "product_id": 1 }] })
            )
            .await
            .unwrap(),
        Delivered::default(),
        "of nobody"
    );
}

#[tokio::test]
async fn an_old_state_of_a_customer_that_is_told_again_leaves_what_the_shopper_granted_since() {
    let stage = shop(Consent::NONE);
    let who = stage.customer(7);
    let left = |at: Timestamp| {
        json!({ "id": 7, "updated_at": Timestamp::now().to_string(),
            "email_marketing_consent": { "state": "unsubscribed", "consent_updated_at": at.to_string() } })
    };
    let allowed = || stage.shelf.state(&who).consent.unwrap().allows(Purpose::Marketing);
    stage.shelf.set_consent(&who, Consent::ALL).await.unwrap();
    // Something else of the customer was changed.
    stage.deliver("customers/update", "w1", &left(Timestamp::now() - 24.hours())).await.unwrap();
    assert!(allowed());
    let now = Timestamp::now() + 1.second();
    let body = left(now);
    let topic = "customers_email_marketing_consent/update";
    let triggered = (now + 1.second()).to_string();
    stage.send_at(topic, "w2", body.to_string().as_bytes(), "one secret", Some(&triggered)).await.unwrap();
    assert!(!allowed());
}
