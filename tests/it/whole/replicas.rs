//! Two gateways before one shop, with one Redis: what either learns of a shopper, both know.

use super::world::{World, each, refusing, shopper};
use crate::servers::Server;
use outfitter::demo;
use outfitter::platform::secret::Secret;
use outfitter::settings::Settings;
use outfitter::store::RedisConfig;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

pub(super) const VIEWED: &str =
    r#"{ personalized { recommendations(placement: "recently-viewed", first: 3) { items { product { id } } } } }"#;
pub(crate) const TRACK: &str =
    "mutation ($e: [PersonalizedEventInput!]!) { personalizedTrack(events: $e) { accepted rejected { code } } }";

/// Settings of a replica that has the patience of a busy machine.
pub(crate) fn settings(redis: &str, secret: &Path) -> Settings {
    let demo = demo::Config { events: 400, shoppers: 20, ..demo::Config::default() };
    let mut settings = Settings { demo, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    settings.ingest.secrets = vec![Secret::File(secret.to_owned())];
    let patience = Duration::from_secs(5);
    settings.store.url = Some(redis.to_owned());
    settings.store.redis = RedisConfig { read_timeout: patience, write_timeout: patience, ..RedisConfig::default() };
    settings
}

pub(super) async fn viewed(world: &World, session: &str) -> Vec<String> {
    let data = world.ask(shopper(session), VIEWED, Value::Null).await;
    each(&data["personalized"]["recommendations"], "/product/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_accepts_the_other_knows_at_once_and_both_serve_without_redis() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let redis = Server::start();
    let replicas =
        [World::with(settings(&redis.url(), &secret)).await, World::with(settings(&redis.url(), &secret)).await];
    let products = replicas[0].products("US").await;
    let sold: Vec<&str> = products
        .iter()
        .filter(|product| product["availableForSale"] == true)
        .filter_map(|product| product["id"].as_str())
        .collect();

    for (nth, product) in sold[..6].iter().enumerate() {
        let (taker, other) = (&replicas[nth % 2], &replicas[(nth + 1) % 2]);
        let events = json!([{ "id": format!("e{nth}"), "type": "PRODUCT_VIEWED", "productId": product }]);
        let told = taker.ask(shopper("s-1"), TRACK, json!({ "e": events })).await;
        assert_eq!(told["personalizedTrack"]["accepted"], 1);
        assert_eq!(viewed(other, "s-1").await[0], *product);
        assert_eq!(viewed(taker, "s-1").await, viewed(other, "s-1").await);
        let again = other.ask(shopper("s-1"), TRACK, json!({ "e": events })).await;
        assert_eq!(again["personalizedTrack"]["rejected"], json!([{ "code": "DUPLICATE" }]), "sent to both");
    }
    assert!(viewed(&replicas[0], "s-2").await.is_empty(), "another shopper");

    // Forgotten by one, by both.
    let forget = "mutation { personalizedForget { erased } }";
    assert_eq!(replicas[0].ask(shopper("s-1"), forget, Value::Null).await["personalizedForget"]["erased"], true);
    assert!(viewed(&replicas[1], "s-1").await.is_empty());

    drop(redis);
    let query = r#"{ shop { name } personalized { recommendations(placement: "home", first: 3) { items { product { id } } decision { servedBy } } } }"#;
    for who in [shopper("s-3"), refusing("s-3")] {
        let data = replicas[1].ask(who, query, Value::Null).await;
        assert_eq!(data["personalized"]["recommendations"]["items"].as_array().map(Vec::len), Some(3), "{data}");
    }
}
