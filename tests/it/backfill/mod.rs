//! `outfitter backfill` as a shop runs it: files, and the platform's own export from a server that throttles and takes time.

mod customers;
mod exported;
mod interrupted;
mod shop;

use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::event::EventType;
use outfitter::domain::ids::{DecisionId, ShopperKey};
use outfitter::domain::market::Market;
use outfitter::domain::slate::{Decision, ServedBy, Slate};
use outfitter::store::{DecisionLog, LogConfig};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const ORDERS: &str = r#"{"id":"gid://shopify/Order/1","createdAt":"2024-05-01T10:00:00Z","currencyCode":"EUR","customer":{"id":"gid://shopify/Customer/777001"}}
{"id":"gid://shopify/LineItem/11","quantity":2,"product":{"id":"gid://shopify/Product/3"},"__parentId":"gid://shopify/Order/1"}
no JSON
{"id":"gid://shopify/Order/2","createdAt":"2024-06-01T10:00:00Z","customer":{"id":"gid://shopify/Customer/777002"}}
{"id":"gid://shopify/LineItem/21","quantity":1,"product":{"id":"gid://shopify/Product/4"},"__parentId":"gid://shopify/Order/2"}
{"id":"gid://shopify/Order/3","createdAt":"2024-06-02T10:00:00Z","customer":null}
{"id":"gid://shopify/LineItem/31","quantity":1,"product":{"id":"gid://shopify/Product/4"},"__parentId":"gid://shopify/Order/3"}
"#;

const TABLE: &str = "order_id,customer_id,created_at,product_id,quantity\n9,777003,2024-07-01T10:00:00Z,3,1\n9,777003,2024-07-01T10:00:00Z,4,1\n";

/// Settings that write a training log into the folder.
fn settings(folder: &Path, consent: &str) {
    let log = folder.join("log");
    let text = format!(
        "[ingest]\ndefault_consent = \"{consent}\"\nsecrets = [{{ env = \"BACKFILL_KEY\" }}]\n[ingest.record.log]\ndir = {log:?}\n"
    );
    std::fs::write(folder.join("outfitter.toml"), text).unwrap();
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.current_dir(folder).args(["backfill", "--config", "outfitter.toml"]).args(arguments);
    command.env("BACKFILL_KEY", "a key of thirty-two characters!!").env("SHOPIFY_ADMIN_TOKEN", "shpat_marked");
    command.env_remove("RUST_LOG");
    command
}

async fn backfill(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The lines of the training log.
fn logged(folder: &Path) -> Vec<Value> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder.join("log")).unwrap() {
        let path = entry.unwrap().path();
        // Beside the lines stands what keeps the folder's own accounts.
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        lines.extend(text.lines().map(|line| serde_json::from_str(line).unwrap()));
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_files_are_in_the_training_log_once_and_under_keyed_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    std::fs::write(folder.join("orders.jsonl"), ORDERS).unwrap();
    std::fs::write(folder.join("more.csv"), TABLE).unwrap();
    let files = ["--upstream", "http://127.0.0.1:9/graphql", "orders.jsonl", "more.csv"];
    let output = backfill(folder, &files).await;
    let said = out(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("orders.jsonl: 2 taken, 0 known before, 1 of no use"), "{said}");
    assert!(
        said.contains("1 lines could not be read") && said.contains("line 3 is left out: it is no JSON object"),
        "{said}"
    );
    assert!(said.contains("in all: 3 taken"), "{said}");
    let lines = logged(folder);
    assert_eq!(lines.len(), 3);
    let text = serde_json::to_string(&lines).unwrap();
    assert!(text.contains("gid://shopify/Product/3") && text.contains("2024-05-01T10:00:00Z"), "{text}");
    assert!(!text.contains("77700"), "no customer's id stands in the log: {text}");

    let output = backfill(folder, &files).await;
    assert!(out(&output).contains("in all: 0 taken"), "{}", out(&output));
    assert_eq!(logged(folder).len(), 3, "what was taken is not taken again");
    // A file that has grown is another one.
    std::fs::write(folder.join("more.csv"), format!("{TABLE}10,777004,2024-07-02T10:00:00Z,3,1\n")).unwrap();
    let output = backfill(folder, &files).await;
    assert!(out(&output).contains("more.csv: 2 taken"), "{}", out(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_nothing_is_kept_and_without_a_place_nothing_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "none");
    std::fs::write(folder.join("orders.jsonl"), ORDERS).unwrap();
    let files = ["--upstream", "http://127.0.0.1:9/graphql", "orders.jsonl"];
    let output = backfill(folder, &files).await;
    assert!(out(&output).contains("0 taken") && out(&output).contains("ingest.default_consent"), "{}", out(&output));
    assert_eq!(logged(folder), [] as [Value; 0]);
    std::fs::write(folder.join("outfitter.toml"), "").unwrap();
    let output = backfill(folder, &files).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("store.url"), "{}", out(&output));
    settings(folder, "all");
    let output = backfill(folder, &["--upstream", "http://127.0.0.1:9/graphql", "orders.txt"]).await;
    assert!(!output.status.success());
    std::fs::write(folder.join("wrong.csv"), "a,b\n").unwrap();
    let output = backfill(folder, &["--upstream", "http://127.0.0.1:9/graphql", "wrong.csv"]).await;
    assert!(out(&output).contains("names no column order_id"), "{}", out(&output));
}

/// A decision of this shopper in a log at this path.
async fn decided(path: &Path, shopper: &str, id: &str) {
    let decision = Decision {
        id: DecisionId::new(id),
        served_by: ServedBy::Statistics,
        fallback: None,
        model: None,
        experiment: None,
        decided_at: jiff::Timestamp::now(),
        max_age: 30,
        explore: 0.0,
    };
    let slate = Slate { decision, placement: "home".into(), items: Vec::new(), wanted: 4 };
    let record = DecisionRecord {
        shopper: ShopperKey::new(shopper),
        market: Market::default(),
        candidates: slate.clone(),
        slate,
        inputs: [].into(),
        dropped: Vec::new(),
        made: None,
        erased: Vec::new(),
    };
    let log = DecisionLog::open(&LogConfig { file: Some(path.to_owned()), ..LogConfig::default() }).unwrap();
    log.put(record);
    log.flush().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_by_decision_id_are_in_the_decision_log_once_and_those_of_others_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let file = folder.join("decisions.db");
    let text = std::fs::read_to_string(folder.join("outfitter.toml")).unwrap();
    let with_log = format!("{text}[store.decisions]\nfile = {file:?}\n");
    decided(&file, "anna", "d-1").await;
    let table = "decision_id,type,product_id,at,order_id,position,quantity,price,currency\n\
        d-1,order,3,2026-05-01T10:00:00Z,1001,2,2,9.50,EUR\n\
        d-1,click,3,2026-05-01T09:59:00Z,,2,,,\n\
        d-2,order,3,2026-05-01T10:00:00Z,1002,,,,\n\
        d-1,danced,3,2026-05-01T10:00:00Z,,,,,\n";
    std::fs::write(folder.join("outcomes.csv"), table).unwrap();
    let arguments = ["--upstream", "http://127.0.0.1:9/graphql", "outcomes.csv"];
    let output = backfill(folder, &arguments).await;
    assert!(!output.status.success() && out(&output).contains("decision log"), "{}", out(&output));
    std::fs::write(folder.join("outfitter.toml"), with_log).unwrap();
    for _ in 0..2 {
        let output = backfill(folder, &arguments).await;
        assert!(output.status.success(), "{}", out(&output));
        let said = out(&output);
        assert!(
            said.contains("2 outcomes given to the decision log, 1 of decisions that it does not have, 1 rows"),
            "{said}"
        );
        assert!(said.contains("line 5 is left out"), "{said}");
    }
    let log = DecisionLog::open(&LogConfig { file: Some(file), ..LogConfig::default() }).unwrap();
    let came = log.came_of(&DecisionId::new("d-1")).await.unwrap();
    let told: Vec<_> =
        came.iter().map(|it| (it.kind, it.position, it.quantity, it.value.map(|value| value.minor))).collect();
    let click = (EventType::RecommendationClicked, Some(2), None, None);
    assert_eq!(told, [click, (EventType::CheckoutCompleted, Some(2), Some(2), Some(1900))], "taken twice, there once");
    assert_eq!(came[0].product.as_ref().unwrap().as_str(), "gid://shopify/Product/3");
    assert_eq!(log.came_of(&DecisionId::new("d-2")).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wishlist_is_looks_of_its_customers_at_their_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let table = "customer_id,product_id,added_at\n777001,3,2024-05-01T10:00:00Z\n777002,3,2024-05-01T10:00:00Z\n777001,3,2024-05-01T10:00:00Z\n";
    std::fs::write(folder.join("wishes.csv"), table).unwrap();
    let output = backfill(folder, &["--upstream", "http://127.0.0.1:9/graphql", "wishes.csv"]).await;
    assert!(out(&output).contains("2 taken, 1 known before"), "{}", out(&output));
    let lines = logged(folder);
    assert_eq!(lines.len(), 2);
    assert!(
        lines.iter().all(|line| line["kind"] == "product_viewed" && line["at"] == "2024-05-01T10:00:00Z"),
        "{lines:?}"
    );
    assert!(!serde_json::to_string(&lines).unwrap().contains("77700"));
}
