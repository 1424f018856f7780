//! What a platform asks to erase, byte for byte: a customer or the whole shop, in Redis and in the files of every replica.

use super::replicas::{TRACK, settings, viewed};
use super::traces::{each_key, everything, secrets, text_of, visit};
use super::world::{World, shopper};
use crate::client::send;
use crate::senders;
use crate::servers::Server;
use crate::told::Stored;
use http::{Method, StatusCode};
use outfitter::domain::ids::CustomerId;
use outfitter::ingest::identity::Hasher;
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Events of a signed-in customer, and a shelf of theirs.
const SIGNED_TRACK: &str = r#"mutation ($e: [PersonalizedEventInput!]!, $token: String!)
    @inContext(buyer: { customerAccessToken: $token }) { personalizedTrack(events: $e) { accepted rejected { code } } }"#;
const SIGNED_SHELF: &str = r#"query ($token: String!) @inContext(buyer: { customerAccessToken: $token }) { personalized {
    recommendations(placement: "home", first: 3) { items { product { id } } decision { id } } } }"#;

/// A replica with a spool, a training log and a decision log of its own, all below a folder of its name.
async fn replica(redis: &Server, folder: &Path, name: &str) -> World {
    let kept = folder.join(name);
    std::fs::write(folder.join("app"), senders::SECRET).unwrap();
    let mut settings = settings(&redis.url(), &folder.join("secret"));
    settings.ingest.webhooks.shopify.secrets = vec![Secret::File(folder.join("app"))];
    settings.ingest.webhooks.shopify.shop = Some("a.myshopify.com".to_owned());
    settings.ingest.webhooks.patience = Duration::from_millis(500);
    settings.ingest.spool.dir = Some(kept.join("spool"));
    settings.ingest.record.log = Some(toml::from_str(&format!("dir = {:?}", kept.join("log"))).unwrap());
    settings.store.decisions.file = Some(kept.join("decisions.db"));
    World::with(settings).await
}

/// A delivery that has to be acknowledged.
async fn deliver(world: &World, topic: &str, id: &str, body: &Value) {
    let body = body.to_string();
    let headers = senders::shopify(topic, id, &body);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{}/webhooks/shopify", world.gateway);
    let (status, _, answer) = send(Method::POST, &url, &headers, body).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
}

/// A customer of the platform, and what is to be found of them.
struct Customer {
    number: u64,
    session: &'static str,
    /// In every event, search and order of theirs.
    mark: &'static str,
}

impl Customer {
    fn gid(&self) -> String {
        format!("gid://shopify/Customer/{}", self.number)
    }

    /// Under which they are stored.
    fn hash(&self, folder: &Path) -> String {
        let hasher = Hasher::open(&[Secret::File(folder.join("secret"))]).unwrap();
        hasher.customer(&CustomerId::new(self.gid())).as_str().to_owned()
    }

    /// Signed in at a replica: looks at a product, searches, and is shown a shelf, which is logged.
    async fn visits(&self, world: &World, at: &str, product: &str) {
        let answer = json!({ "data": { "customer": { "id": self.gid(), "email": self.email() } } });
        *world.proxy.customer.lock().unwrap() = Some([answer.clone(), answer]);
        let token = format!("the token of {}", self.number);
        let events = json!([
            { "id": format!("{}-view-{at}", self.mark), "type": "PRODUCT_VIEWED", "productId": product },
            { "id": format!("{}-search-{at}", self.mark), "type": "SEARCH_SUBMITTED", "query": format!("{} words", self.mark) },
        ]);
        let told = world.ask(shopper(self.session), SIGNED_TRACK, json!({ "e": events, "token": token })).await;
        assert_eq!(told["personalizedTrack"]["accepted"], 2, "{told}");
        let data = world.ask(shopper(self.session), SIGNED_SHELF, json!({ "token": token })).await;
        assert!(data["personalized"]["recommendations"]["decision"]["id"].is_string(), "{data}");
    }

    fn email(&self) -> String {
        format!("{}@example.com", self.mark)
    }

    /// An order as the platform tells it, in the shop's thirteen digits.
    fn order(&self, nth: u64) -> Value {
        json!({ "id": self.order_id(nth), "created_at": jiff::Timestamp::now(), "currency": "EUR", "total_price": "10.00",
            "email": self.email(), "customer": { "id": self.number, "email": self.email() },
            "line_items": [{ "product_id": 1001, "quantity": 1, "price": "10.00" }] })
    }

    fn order_id(&self, nth: u64) -> u64 {
        5_550_000_000_000 + self.number * 1_000 + nth
    }

    /// What is found of them in a text, by mark, raw ids and address.
    fn traces(&self, text: &str) -> Vec<String> {
        let raw = [self.mark.to_owned(), self.gid(), self.session.to_owned(), self.order_id(0).to_string()];
        raw.into_iter().chain([self.order_id(1).to_string()]).filter(|trace| text.contains(trace.as_str())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_redacted_leaves_no_trace_in_redis_nor_in_the_files_of_any_replica_and_others_stay() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    secrets(folder.path());
    let (told, other) = (replica(&redis, folder.path(), "told").await, replica(&redis, folder.path(), "other").await);
    let product = told.products("US").await[0]["id"].as_str().unwrap().to_owned();
    let gone = Customer { number: 901_777, session: "device-of-the-first", mark: "marked" };
    let stays = Customer { number: 902_888, session: "device-of-the-second", mark: "unharmed" };
    // Before the first signs in on their device.
    let before = json!([{ "id": "before", "type": "SEARCH_SUBMITTED", "query": "searched before the login" }]);
    told.ask(shopper(gone.session), TRACK, json!({ "e": before })).await;
    assert!(everything(&redis).await.contains("searched before"));
    for customer in [&gone, &stays] {
        for (world, at) in [(&told, "told"), (&other, "other")] {
            customer.visits(world, at, &product).await;
        }
        deliver(&other, "orders/create", &format!("w-{}", customer.order_id(0)), &customer.order(0)).await;
    }
    for world in [&told, &other] {
        world.running.state.settle().await;
    }
    // An order that waits in the spool of a replica when the redaction comes to the same one.
    redis.signal("-STOP");
    for customer in [&gone, &stays] {
        deliver(&told, "orders/create", &format!("w-{}", customer.order_id(1)), &customer.order(1)).await;
    }
    let [hash, kept] = [&gone, &stays].map(|customer| customer.hash(folder.path()));
    let files = |name: &str| text_of(&folder.path().join(name));
    assert!(files("told/spool").contains(&hash) && files("told/spool").contains(&kept), "both wait");
    let request = json!({ "shop_id": 954_889, "shop_domain": "a.myshopify.com",
        "customer": { "id": gone.number, "email": gone.email(), "phone": "555-625-1199" },
        "orders_to_redact": [gone.order_id(0), gone.order_id(1)] });
    for name in ["told", "other"] {
        // What is to be gone later is there now, and is found by this way of looking; no raw id is ever.
        let held = files(name);
        assert!(held.contains(&hash) && held.contains("marked words"), "{name}");
        assert!(held.contains(&kept) && held.contains("unharmed words"), "{name}");
        assert!(
            !held.contains(&gone.gid()) && !held.contains(gone.session) && !held.contains("@example.com"),
            "{name}"
        );
    }
    deliver(&told, "customers/redact", "w-redact", &request).await;
    redis.signal("-CONT");

    let waits = || std::fs::read_dir(folder.path().join("told/spool")).unwrap().count() > 0;
    while waits() || files("told").contains(&hash) || files("other").contains(&hash) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        // The training log is written anew by and by, and now where it is asked to.
        for world in [&told, &other] {
            world.running.state.settle().await;
        }
    }
    let spaces: String = redis.ask(&["INFO", "keyspace"]).await;
    assert_eq!(spaces.matches("keys=").count(), 1, "what is looked through is all there is: {spaces}");
    for (name, text) in each_key(&redis).await {
        assert_eq!(gone.traces(&(name.clone() + &text)), Vec::<String>::new(), "{name}");
        assert!(!text.contains("searched before"), "what left for the customer at the login: {name}");
        // An empty record, whose revision only grows, and for a week the note that tells the replicas.
        let may = name == format!("outfitter:{{{hash}}}:shopper") || name == "outfitter:erasures";
        assert!(may || !(name.clone() + &text).contains(&hash), "{name}");
    }
    for name in ["told", "other"] {
        let left = files(name);
        assert_eq!(gone.traces(&left), Vec::<String>::new(), "{name}");
        assert!(!left.contains(&hash), "{name}");
        assert!(left.contains(&kept) && left.contains("unharmed words"), "the other's stay in the files of {name}");
    }
    let stored = Stored::at(&redis.url(), &std::fs::read_to_string(folder.path().join("secret")).unwrap());
    let (nothing, all) = (stored.customer(gone.number).await, stored.customer(stays.number).await);
    assert!(nothing.session.events.is_empty() && nothing.profile.orders == 0 && nothing.profile.bought.is_empty());
    assert_eq!((all.session.events.len(), all.profile.orders), (6, 2), "what waited of the other is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_redacted_leaves_no_shopper_in_redis_nor_in_the_files_of_any_replica() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    secrets(folder.path());
    let (told, other) = (replica(&redis, folder.path(), "told").await, replica(&redis, folder.path(), "other").await);
    let product = told.products("US").await[0]["id"].as_str().unwrap().to_owned();
    visit(&told, &redis, "marked-1", &product).await;
    visit(&other, &redis, "marked-2", &product).await;
    for world in [&told, &other] {
        world.running.state.settle().await;
    }
    let keys: Vec<String> = redis.ask(&["KEYS", "*:shopper"]).await;
    let hashes: Vec<&str> = keys.iter().map(|key| key.split(['{', '}']).nth(1).unwrap()).collect();
    let found = |text: &str| hashes.iter().filter(|hash| text.contains(*hash)).count();
    for name in ["told", "other"] {
        let held = text_of(&folder.path().join(name));
        assert!(found(&held) > 0 && held.contains("marked words"), "{name}");
    }

    let body = json!({ "shop_id": 1, "shop_domain": "a.myshopify.com" });
    deliver(&told, "shop/redact", "w1", &body).await;
    // The other replica finds out by itself.
    let mut left = String::new();
    for _ in 0..1_500 {
        left =
            everything(&redis).await + &text_of(&folder.path().join("told")) + &text_of(&folder.path().join("other"));
        if found(&left) == 0 && !left.contains("marked") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(found(&left) == 0 && !left.contains("marked"), "{} hashes are left", found(&left));
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert!(keys.iter().all(|key| key == "outfitter:redaction" || key.starts_with("outfitter:delivery:")), "{keys:?}");
    for world in [&told, &other] {
        assert!(viewed(world, "marked-1").await.is_empty() && world.running.state.ingest.recent().is_empty());
    }
    // The shop may come back; what comes while a replica still deletes may go, too.
    for n in 0..100 {
        let events = json!([{ "id": format!("n{n}"), "type": "PRODUCT_VIEWED", "productId": product }]);
        other.ask(shopper("new"), TRACK, json!({ "e": events })).await;
        if viewed(&told, "new").await == [product.as_str()] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is kept any more");
}
