//! The platform's own exports of orders, from a shop that throttles, takes time, fails, and breaks off.

use super::shop::{Ill, Running, Shop, status};
use super::{ORDERS, backfill, command, logged, out, settings};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn shop() -> Shop {
    Shop { files: vec![("orders(", ORDERS.to_owned())], ..Shop::default() }
}

async fn export(folder: &Path, shop: &Running) -> Output {
    backfill(folder, &["--upstream", &shop.url, "--since", "2024-01-01", "--what", "orders"]).await
}

fn runs() -> Ill {
    Ill::Told(json!({ "node": { "status": "RUNNING", "objectCount": "2", "rootObjectCount": "1" } }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_export_is_waited_for_fetched_and_taken_and_not_asked_for_twice() {
    let shop = Running::start(Shop { begins: [Ill::Throttled].into(), looks: [runs()].into(), ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let output = export(folder, &shop).await;
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("2 taken"), "{}", out(&output));
    assert!(!out(&output).contains("shpat_marked"));
    assert_eq!(shop.counts(), (1, 2, 1));
    assert!(shop.begun()[0].contains("created_at:>=2024-01-01") && shop.begun()[0].contains("lineItems"));
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("0 taken"), "{}", out(&output));
    assert_eq!(shop.counts(), (1, 2, 1), "what was exported is there");
    let wrong = backfill(
        folder,
        &["--upstream", &shop.url.replace("2026-04", "2025-01"), "--since", "2024-02-01", "--what", "orders"],
    )
    .await;
    assert!(!wrong.status.success() && out(&wrong).contains("HTTP status 404"), "{}", out(&wrong));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_not_begun_again_because_it_could_not_be_asked_for() {
    let looks = [Ill::Broken(3), Ill::Throttled, runs(), Ill::Status(503), Ill::Status(401)].into();
    let shop = Running::start(Shop { looks, ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let output = export(folder, &shop).await;
    assert!(!output.status.success() && out(&output).contains("HTTP status 401"), "{}", out(&output));
    assert_eq!(shop.counts(), (1, 5, 0));
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
    assert_eq!(shop.counts(), (1, 6, 1), "the same operation");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_an_operation_runs_leaves_it_to_the_next_call() {
    let looks = std::iter::repeat_with(runs).take(1_000).collect();
    let shop = Running::start(Shop { looks, ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let mut command = command(folder, &["--upstream", &shop.url, "--since", "2024-01-01", "--what", "orders"]);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while shop.counts().1 == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let killed = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = tokio::task::spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", out(&output));
    shop.ill(VecDeque::new());
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
    assert_eq!(shop.begun().len(), 1, "the same operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_failed_or_is_gone_is_begun_again_by_the_next_call() {
    let gone = || Ill::Told(json!({ "node": null }));
    let looks = [status("FAILED", Some("TIMEOUT")), status("EXPIRED", None), gone(), status("COMPLETED", None)].into();
    let shop = Running::start(Shop { looks, ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    for said in ["FAILED (TIMEOUT)", "EXPIRED", "does not know the export any more", "seven days"] {
        let output = export(folder, &shop).await;
        assert!(!output.status.success(), "{}", out(&output));
        assert!(out(&output).contains(said) && out(&output).contains("begin another"), "{}", out(&output));
    }
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
    assert_eq!(shop.counts(), (5, 5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_cut_off_is_not_taken_and_fetched_again() {
    // In the middle of the file at the end of a line, so that each line of it can be read.
    let middle = ORDERS.lines().take(2).map(|line| line.len() + 1).sum();
    let shop = Running::start(Shop { fetches: [Ill::Cut(middle), Ill::Broken(middle)].into(), ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    for said in ["the export of orders came cut off, 2 of 7 objects", "the export broke off"] {
        let output = export(folder, &shop).await;
        assert!(!output.status.success() && out(&output).contains(said), "{}", out(&output));
        assert!(!folder.join("log").exists() || logged(folder) == [] as [Value; 0]);
        assert!(!folder.join("backfill/orders.jsonl").exists());
    }
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
    assert_eq!(shop.counts(), (1, 3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_shop_exported_is_not_taken_for_anothers() {
    let other = ORDERS.replace("Customer/777", "Customer/888");
    let one = Running::start(shop()).await;
    let two = Running::start(Shop { files: vec![("orders(", other)], ..Shop::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    for shop in [&one, &two] {
        let output = export(folder, shop).await;
        assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
        assert_eq!(shop.begun().len(), 1);
    }
    // Of the same length, so that how far the first was taken would do for the second.
    let lines = logged(folder);
    let mut shoppers: Vec<_> = lines.iter().map(|line| line["shopper"].to_string()).collect();
    shoppers.sort_unstable();
    shoppers.dedup();
    assert_eq!((lines.len(), shoppers.len()), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_the_same_app_that_runs_already_is_waited_for() {
    let busy = || {
        let errors = json!([{ "code": "OPERATION_IN_PROGRESS", "message": "A bulk query operation is in progress." }]);
        Ill::Told(json!({ "bulkOperationRunQuery": { "bulkOperation": null, "userErrors": errors } }))
    };
    let shop = Running::start(Shop { begins: [busy(), busy()].into(), ..shop() }).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let output = export(folder, &shop).await;
    assert!(output.status.success() && out(&output).contains("2 taken"), "{}", out(&output));
    assert_eq!(out(&output).matches("runs another export of this app").count(), 1, "said once: {}", out(&output));
    assert_eq!(shop.begun().len(), 1);
}
