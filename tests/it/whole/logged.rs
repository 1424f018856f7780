//! The decision log under the running gateway: restarts, replicas, replaying, erasing.

use super::world::{World, shopper};
use outfitter::demo;
use outfitter::ingest::config::Log;
use outfitter::platform::secret::Secret;
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SHELF: &str = r#"{ personalized { shopper { id } recommendations(placement: "home", first: 5) {
    items { product { id } position score reason { code } } decision { id } } } }"#;
const RECORD: &str = "query ($id: ID!) { personalized { decision(id: $id) { reproduced
    items { product { id } position score reason { code } } inputs { name purpose value } } } }";
const TRACK: &str =
    "mutation ($e: [PersonalizedEventInput!]!) { personalizedTrack(events: $e) { accepted rejected { code } } }";
const WITHDRAW: &str = "mutation { personalizedConsent(consent: { preferences: false }) { erasedPurposes } }";

/// A shop that keeps everything in this folder; its training log is one process's own.
fn settings(folder: &Path, training: bool) -> Settings {
    let secret = folder.join("secret");
    std::fs::write(&secret, "the same after every start of this shop").unwrap();
    let demo = demo::Config { events: 2_000, shoppers: 100, ..demo::Config::default() };
    let mut settings = Settings { demo, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    settings.ingest.secrets = vec![Secret::File(secret)];
    settings.store.decisions.file = Some(folder.join("state/decisions.db"));
    let log: Log = toml::from_str(&format!("dir = {:?}", folder.join("state/events"))).unwrap();
    settings.ingest.record.log = training.then_some(log);
    let text = format!("[store.decisions]\nfile = {:?}\n", folder.join("state/decisions.db"));
    std::fs::write(folder.join("shop.toml"), text).unwrap();
    settings
}

async fn outfitter(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.args(arguments).arg("--config").arg(folder.join("shop.toml")).env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Another order cannot be told of, and what to set is said.
async fn refused_without_chance(folder: &Path, log: &str) {
    let output = outfitter(folder, &["evaluate", "--log", log, "--json"]).await;
    let told = String::from_utf8_lossy(&output.stderr).contains("engine.explore");
    assert_eq!((output.status.code(), told), (Some(1), true), "{log}: {output:?}");
}

async fn shelf(world: &World, session: &str) -> Value {
    world.ask(shopper(session), SHELF, json!({})).await["personalized"].take()
}

async fn record(world: &World, session: &str, id: &Value) -> Value {
    world.ask(shopper(session), RECORD, json!({ "id": id })).await["personalized"]["decision"].take()
}

/// All bytes that lie in a folder and those within it.
fn bytes(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // A file that went since it was listed has nothing.
    let read =
        |path: std::path::PathBuf| if path.is_dir() { bytes(&path) } else { std::fs::read(path).unwrap_or_default() };
    entries.flat_map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_after_a_restart_by_a_replica_and_by_the_program_until_it_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let first = World::with(settings(folder.path(), true)).await;
    let products = first.products("US").await;
    let sold: Vec<&Value> = products.iter().filter(|product| product["availableForSale"] == true).collect();
    let events: Vec<Value> = (0..4)
        .map(|n| json!({ "id": format!("e{n}"), "type": "PRODUCT_VIEWED", "productId": sold[n * 7]["id"] }))
        .chain([json!({ "id": "s", "type": "SEARCH_SUBMITTED", "query": "marked-query-of-the-shopper" })])
        .collect();
    let told = first.ask(shopper("s-1"), TRACK, json!({ "e": events })).await;
    assert_eq!(told["personalizedTrack"]["accepted"], 5);
    let served = shelf(&first, "s-1").await;
    let (slate, who) = (&served["recommendations"], served["shopper"]["id"].as_str().unwrap());
    let id = &slate["decision"]["id"];
    let clicked = json!([{ "id": "c", "type": "RECOMMENDATION_CLICKED", "productId": slate["items"][1]["product"]["id"],
        "decisionId": id, "position": 2 }]);
    first.ask(shopper("s-1"), TRACK, json!({ "e": clicked })).await;
    first.running.state.settle().await;

    // Another process, whose memory holds nothing of it.
    let second = World::with(settings(folder.path(), false)).await;
    let found = record(&second, "s-1", id).await;
    assert_eq!((&found["items"], &found["reproduced"]), (&slate["items"], &json!(true)));
    assert_eq!(record(&second, "s-2", id).await, Value::Null, "another shopper's");
    let id_text = id.as_str().unwrap();
    let output = outfitter(folder.path(), &["replay", id_text]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let clicked = slate["items"][1]["product"]["id"].as_str().unwrap();
    for part in
        ["run again: the same slate", "session.viewed", "preferences", "encoder", "recommendation_clicked", clicked]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = outfitter(folder.path(), &["replay", id_text, "--json"]).await;
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["same"], true);
    assert_eq!(told["decision"]["outcomes"][0]["position"], 2);
    assert_eq!(told["again"].as_array().map(Vec::len), Some(5));

    // Exported, whole and from a moment on.
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let output = outfitter(folder.path(), &["decisions", "export", "--out", &path("all.jsonl")]).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = std::fs::read_to_string(path("all.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["id"] == *id).unwrap();
    assert_eq!(line["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(line["outcomes"][0]["type"], "recommendation_clicked");
    let parquet = ["decisions", "export", "--since", "2000-01-01", "--out", &path("all.parquet")];
    assert!(outfitter(folder.path(), &parquet).await.status.success());
    assert!(std::fs::read(path("all.parquet")).unwrap().starts_with(b"PAR1"));

    // Nothing was left to chance, so nothing can be told of another order; that is said, of the log as of its export.
    for log in ["settings", &path("state/decisions.db"), &path("all.jsonl")] {
        refused_without_chance(folder.path(), log).await;
    }
    let late = ["decisions", "export", "--since", "2999-01-01T00:00:00Z", "--out", &path("late.jsonl")];
    assert!(outfitter(folder.path(), &late).await.status.success());
    assert_eq!(std::fs::metadata(path("late.jsonl")).unwrap().len(), 0);

    // Preferences withdrawn: the decision stays, what it read is gone, and with it the search from every file.
    let has = |text: &str| memchr::memmem::find(&bytes(&folder.path().join("state")), text.as_bytes()).is_some();
    assert!(has(who));
    first.ask(shopper("s-1"), WITHDRAW, json!({})).await;
    first.running.state.settle().await;
    let left = record(&second, "s-1", id).await;
    assert_eq!(left["reproduced"], Value::Null);
    let inputs = left["inputs"].as_array().unwrap();
    assert!(inputs.iter().all(|input| (input["purpose"] == "PREFERENCES") == (input["value"] == "")), "{inputs:?}");
    let output = outfitter(folder.path(), &["replay", id_text]).await;
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("(erased)"));

    // Forgotten: no trace of the shopper in the log, its journal and the training log.
    let told = first.ask(shopper("s-1"), "mutation { personalizedForget { erased } }", json!({})).await;
    assert_eq!(told["personalizedForget"]["erased"], true);
    first.running.state.settle().await;
    // The file is written anew as soon as nobody reads it; the other process may have.
    for _ in 0..100 {
        if !has(who) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(!has(who), "the keyed hash of the shopper lies in {}", folder.path().display());
    assert!(!has("marked-query-of-the-shopper"));
    assert_eq!(record(&second, "s-1", id).await, Value::Null);
    let output = outfitter(folder.path(), &["replay", id_text]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the log has no decision"));
}
