//! What of a shopper stands in Redis, byte for byte, and that nothing is left once they are forgotten.

use super::replicas::{TRACK, VIEWED, settings, viewed};
use super::world::{World, each, shopper};
use crate::servers::Server;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::LazyLock;

/// The text that packed values refer to.
const KNOWN: &[u8] = include_bytes!("../../../src/store/redis/known.txt");

const SHELF: &str =
    r#"{ personalized { recommendations(placement: "home", first: 3) { items { product { id } } decision { id } } } }"#;

/// Every key and every value of a Redis as text, what is packed in them unpacked.
pub(super) async fn everything(redis: &Server) -> String {
    each_key(redis).await.into_iter().map(|(key, text)| format!("{key}{text} ")).collect()
}

/// What was packed behind the text that all values refer to. Most bytes are none; of those it is what was read before the error.
fn unpacked(packed: &[u8]) -> String {
    static BEGUN: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut begun = DeflateEncoder::new(Vec::new(), Compression::fast());
        begun.write_all(KNOWN).unwrap();
        begun.flush().unwrap();
        begun.get_ref().clone()
    });
    let mut all = Vec::new();
    DeflateDecoder::new(BEGUN.chain(packed)).read_to_end(&mut all).ok();
    String::from_utf8_lossy(all.get(KNOWN.len()..).unwrap_or_default()).into_owned()
}

/// Each key with its values as text.
pub(super) async fn each_key(redis: &Server) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    for key in keys {
        let kind: String = redis.ask(&["TYPE", &key]).await;
        let values: Vec<Vec<u8>> = match kind.as_str() {
            "string" => vec![redis.ask(&["GET", &key]).await],
            "hash" => redis.ask(&["HGETALL", &key]).await,
            "list" => redis.ask(&["LRANGE", &key, "0", "-1"]).await,
            "stream" => vec![redis.ask(&["DUMP", &key]).await],
            // It went since.
            "none" => Vec::new(),
            other => panic!("{key} is a {other}"),
        };
        let mut text = String::new();
        for value in values {
            text += &format!(" {}", String::from_utf8_lossy(&value));
            // A record stands behind a token and a checksum, a decision behind its name, one, and its moment.
            for packed in [value.get(16..), value.get(24..)].into_iter().flatten() {
                text += &format!(" {}", unpacked(packed));
            }
        }
        all.push((key, text));
    }
    all
}

/// Looks at products, searches, and is shown a shelf; waits until the decision is kept.
pub(super) async fn visit(world: &World, redis: &Server, session: &str, product: &str) {
    let events = json!([
        { "id": "mark-event", "type": "PRODUCT_VIEWED", "productId": product },
        { "id": "mark-search", "type": "SEARCH_SUBMITTED", "query": "marked words" },
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

pub(super) fn secrets(folder: &Path) {
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
        for mark in ["mark-event", "mark-search", "marked words"] {
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
    }
    // What stays is that a withdrawal was made, that somebody was erased, and the seeded shoppers of the demo.
    let after: usize = redis.ask(&["DBSIZE"]).await;
    assert!(after <= before + ends.len() + 1, "{before} keys before, {after} after, one of them tells of erasures");
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

/// All bytes below a folder as text.
pub(super) fn text_of(folder: &Path) -> String {
    if folder.is_file() {
        return String::from_utf8_lossy(&std::fs::read(folder).unwrap()).into_owned();
    }
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // A file that went since it was listed has nothing.
    let read = |path: std::path::PathBuf| {
        if path.is_dir() {
            text_of(&path)
        } else {
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
        }
    };
    entries.map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_whom_one_replica_forgets_leaves_no_trace_in_redis_nor_in_the_files_of_any() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    secrets(folder.path());
    let replica = async |name: &str| {
        let kept = folder.path().join(name);
        let mut settings = settings(&redis.url(), &folder.path().join("secret"));
        settings.ingest.spool.dir = Some(kept.join("spool"));
        settings.ingest.record.log = Some(toml::from_str(&format!("dir = {:?}", kept.join("log"))).unwrap());
        settings.store.decisions.file = Some(kept.join("decisions.db"));
        World::with(settings).await
    };
    let (told, other) = (replica("told").await, replica("other").await);
    let product = told.products("US").await[0]["id"].as_str().unwrap().to_owned();
    let keys_before: Vec<String> = redis.ask(&["KEYS", "*:shopper"]).await;
    visit(&told, &redis, "marked-1", &product).await;
    let events = json!([{ "id": "marked-too", "type": "SEARCH_SUBMITTED", "query": "marked words at the other" }]);
    other.ask(shopper("marked-1"), TRACK, json!({ "e": events })).await;
    other.ask(shopper("marked-1"), SHELF, Value::Null).await;
    for world in [&told, &other] {
        world.running.state.settle().await;
    }
    let keys: Vec<String> = redis.ask(&["KEYS", "*:shopper"]).await;
    let key = keys.iter().find(|key| !keys_before.contains(key)).unwrap();
    let hash = key.split(['{', '}']).nth(1).unwrap();
    let files = |name: &str| text_of(&folder.path().join(name));
    for name in ["told", "other"] {
        assert!(files(name).contains(hash) && files(name).contains("marked words"), "{name}");
    }

    told.ask(shopper("marked-1"), "mutation { personalizedForget { erased } }", Value::Null).await;
    // The other replica finds out by itself.
    for _ in 0..1_000 {
        if other.running.state.ingest.recent().is_empty() && !files("other/decisions.db").contains(hash) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for world in [&told, &other] {
        world.running.state.settle().await;
    }
    for (name, text) in each_key(&redis).await {
        // Of the shopper stays an empty record, whose revision only grows, and for a week the note that tells the replicas.
        assert!(!text.contains("marked"), "{name}");
        assert!(name == *key || name == "outfitter:erasures" || !(name + &text).contains(hash));
    }
    for name in ["told", "other"] {
        assert!(!files(name).contains(hash) && !files(name).contains("marked"), "{name}");
    }
    assert!(viewed(&other, "marked-1").await.is_empty());
}
