//! A backfill that ends in the middle of a file goes on there: each order once and with all its lines, none left out.

use super::{backfill, command, logged, out, settings};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// An order and a line, as a bulk operation writes them; the order takes so many bytes.
fn order(id: u32, bytes: usize) -> String {
    let customer = format!(r#""customer":{{"id":"gid://shopify/Customer/{}"}}"#, 500_000 + id);
    format!(
        "{{\"id\":\"gid://shopify/Order/{id}\",\"createdAt\":\"2024-05-01T10:00:00Z\",{customer},\"note\":\"{}\"}}\n{}",
        "x".repeat(bytes),
        line(id, 3)
    )
}

/// A line of an order.
fn line(order: u32, product: u32) -> String {
    format!(
        "{{\"id\":\"gid://shopify/LineItem/{order}{product}\",\"quantity\":1,\"product\":{{\"id\":\"gid://shopify/Product/{product}\"}},\
         \"__parentId\":\"gid://shopify/Order/{order}\"}}\n"
    )
}

/// How many lines of the training log tell of each shopper, who bought once.
fn counted(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in lines {
        *counted.entry(line["shopper"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counted
}

fn noted(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(folder.join("orders.jsonl.taken")).ok()?).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_middle_of_an_order_goes_on_at_the_row_that_opened_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let whole = order(1, 10) + &order(2, 10);
    let broken = 5 << 20;
    let text = |between: String| whole.clone() + &order(3, 10) + &between + &line(3, 4) + &order(4, 10);
    std::fs::write(folder.join("orders.jsonl"), text(" ".repeat(broken - 1) + "\n")).unwrap();
    let arguments = ["--upstream", "http://127.0.0.1:9/graphql", "orders.jsonl"];
    let output = backfill(folder, &arguments).await;
    assert!(!output.status.success() && out(&output).contains("line 7 is longer than 4 MiB"), "{}", out(&output));
    assert!(out(&output).contains("call the same again to go on"), "{}", out(&output));
    let note = noted(folder).unwrap();
    assert_eq!((note["bytes"].as_u64(), note["lines"].as_u64()), (Some(whole.len() as u64), Some(4)));
    assert_eq!(logged(folder).len(), 2);
    // The same length, so the same file, mended.
    std::fs::write(folder.join("orders.jsonl"), text((" ".repeat(1023) + "\n").repeat(broken / 1024))).unwrap();
    let output = backfill(folder, &arguments).await;
    assert!(out(&output).contains("orders.jsonl: 2 taken, 0 known before"), "{}", out(&output));
    let lines = logged(folder);
    assert_eq!(lines.len(), 4, "nothing twice, nothing lost");
    let whole = lines.iter().filter(|line| line["lines"].as_array().is_some_and(|lines| lines.len() == 2));
    assert_eq!(whole.count(), 1, "with all its lines: {lines:?}");
    let output = backfill(folder, &arguments).await;
    assert!(out(&output).contains("0 taken, 0 known before"), "{}", out(&output));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_the_middle_of_a_file_loses_nothing_and_takes_nothing_twice() {
    const ORDERS: u32 = 4_000;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let text: String = (1..=ORDERS).map(|id| order(id, 4_000)).collect();
    std::fs::write(folder.join("orders.jsonl"), &text).unwrap();
    let arguments = ["--upstream", "http://127.0.0.1:9/graphql", "orders.jsonl"];
    let mut command = command(folder, &arguments);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // How far it came is noted on the way.
    while noted(folder).is_none_or(|note| note["bytes"] == 0) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let killed = std::process::Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = tokio::task::spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", out(&output));
    assert!(out(&output).contains("stopped as asked") && out(&output).contains("call the same again"));
    let note = noted(folder).unwrap();
    let (bytes, before) = (usize::try_from(note["bytes"].as_u64().unwrap()).unwrap(), logged(folder).len());
    assert!(bytes >= 1 << 20 && bytes < text.len(), "{note}");
    assert!(text[bytes..].starts_with("{\"id\":\"gid://shopify/Order/"), "it goes on where an order begins");
    assert_eq!(text[..bytes].lines().count(), 2 * before, "what is noted is what is in the log");
    let output = backfill(folder, &arguments).await;
    let left = ORDERS as usize - before;
    assert!(out(&output).contains(&format!("{left} taken, 0 known before")), "{}", out(&output));
    let counted = counted(&logged(folder));
    assert_eq!(counted.len(), ORDERS as usize, "nothing lost");
    assert!(counted.values().all(|times| *times == 1), "nothing twice");
}
