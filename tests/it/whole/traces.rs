//! What of a shopper stands in Redis, byte for byte, and that nothing is left once they are forgotten.

use super::replicas::{TRACK, VIEWED, settings, viewed};
use super::world::{World, each, shopper};
use crate::servers::Server;
use flate2::read::DeflateDecoder;
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

const SHELF: &str =
    r#"{ personalized { recommendations(placement: "home", first: 3) { items { product { id } } decision { id } } } }"#;

/// Every key and every value of a Redis as text, what is packed in them unpacked.
async fn everything(redis: &Server) -> String {
    each_key(redis).await.into_iter().map(|(key, text)| format!("{key}{text} ")).collect()
}

/// Each key with its values as text.
async fn each_key(redis: &Server) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    for key in keys {
        let kind: String = redis.ask(&["TYPE", &key]).await;
        let values: Vec<Vec<u8>> = match kind.as_str() {
            "string" => vec![redis.ask(&["GET", &key]).await],
            "hash" => redis.ask(&["HGETALL", &key]).await,
            "zset" => redis.ask(&["ZRANGE", &key, "0", "-1"]).await,
            other => panic!("{key} is a {other}"),
        };
        let mut text = String::new();
        for value in values {
            text += &format!(" {}", String::from_utf8_lossy(&value));
            // A record stands behind eight bytes of a token, a decision by itself.
            for packed in [value.get(8..).unwrap_or_default(), &value] {
                let mut unpacked = Vec::new();
                // Most values are packed in one of the two ways; what is none gives an error and what was read before it.
                DeflateDecoder::new(packed).read_to_end(&mut unpacked).ok();
                text += &format!(" {}", String::from_utf8_lossy(&unpacked));
            }
        }
        all.push((key, text));
    }
    all
}

/// Looks at products, searches, and is shown a shelf; waits until the decision is kept.
async fn visit(world: &World, redis: &Server, session: &str, product: &str) {
    let events = json!([
        { "id": "marked-event", "type": "PRODUCT_VIEWED", "productId": product },
        { "id": "marked-search", "type": "SEARCH_SUBMITTED", "query": "marked words" },
    ]);
    let told = world.ask(shopper(session), TRACK, json!({ "e": events })).await;
    assert_eq!(told["personalizedTrack"]["accepted"], 2, "{told}");
    let data = world.ask(shopper(session), SHELF, Value::Null).await;
    let id = data["personalized"]["recommendations"]["decision"]["id"].as_str().unwrap().to_owned();
    while !everything(redis).await.contains(&id) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn world(redis: &Server, folder: &Path, secrets: &[&str]) -> World {
    let mut settings = settings(&redis.url(), &folder.join("secret"));
    settings.ingest.secrets = secrets.iter().map(|name| Secret::File(folder.join(name))).collect();
    World::with(settings).await
}

fn secrets(folder: &Path) {
    for name in ["secret", "next"] {
        std::fs::write(folder.join(name), format!("the {name} one of this shop, long enough")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_holds_no_raw_id_and_after_forgetting_or_withdrawal_no_trace() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    secrets(folder.path());
    let world = world(&redis, folder.path(), &["secret"]).await;
    let before: usize = redis.ask(&["DBSIZE"]).await;
    let product = world.products("US").await[0]["id"].as_str().unwrap().to_owned();
    let ends = [
        "mutation { personalizedForget { erased } }",
        "mutation { personalizedConsent(consent: { analytics: false, preferences: false, marketing: false, saleOfData: false }) \
         { erasedPurposes } }",
    ];
    for (nth, end) in ends.into_iter().enumerate() {
        let session = format!("marked-session-{nth}");
        visit(&world, &redis, &session, &product).await;
        let held = everything(&redis).await;
        // What is to be gone later is there now, and is found by this way of looking.
        for mark in ["marked-event", "marked-search", "marked words"] {
            assert!(held.contains(mark), "{mark}");
        }
        assert!(!held.contains("marked-session"), "a raw session id");

        world.ask(shopper(&session), end, Value::Null).await;
        let left = everything(&redis).await;
        assert!(
            !left.contains("marked"),
            "{end}: {}",
            left.lines().filter(|l| l.contains("marked")).collect::<String>()
        );
        let decisions: Vec<String> = redis.ask(&["KEYS", "*:decisions"]).await;
        assert!(decisions.iter().all(|key| !left.contains("marked") && key.contains('{')), "{decisions:?}");
    }
    // What stays is that a withdrawal was made, and the seeded shoppers of the demo.
    let after: usize = redis.ask(&["DBSIZE"]).await;
    assert!(after <= before + ends.len(), "{before} keys before, {after} after");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_takes_over_the_record_that_was_stored_under_the_one_before() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    secrets(folder.path());
    let old = world(&redis, folder.path(), &["secret"]).await;
    let product = old.products("US").await[0]["id"].as_str().unwrap().to_owned();
    let keys_before: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    visit(&old, &redis, "s", &product).await;
    let keys: Vec<String> = redis.ask(&["KEYS", "*:shopper"]).await;
    let under_old = keys.into_iter().find(|key| !keys_before.contains(key)).unwrap();

    let new = world(&redis, folder.path(), &["next", "secret"]).await;
    assert_eq!(viewed(&new, "s").await[0], product, "found under the new secret");
    let all = each_key(&redis).await;
    let holds = |key: &str, text: &str| key.ends_with(":shopper") && text.contains("marked words");
    let holders: Vec<&String> = all.iter().filter(|(key, text)| holds(key, text)).map(|(key, _)| key).collect();
    assert_eq!(holders.len(), 1);
    assert_ne!(*holders[0], under_old);
    // Without the old secret it is there all the same.
    let later = world(&redis, folder.path(), &["next"]).await;
    let data = later.ask(shopper("s"), VIEWED, Value::Null).await;
    assert_eq!(each(&data["personalized"]["recommendations"], "/product/id")[0], product);
}
