//! The record of customer data: every call that fetches any has one line, and no line says whose.

use super::process::{Process, TOKEN};
use crate::client::{post_with, send};
use crate::http::client::request;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn records(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "outfitter::customer_data").collect()
}

async fn ask_all(process: &Process) {
    let session = [
        ("outfitter-session", "secret-session"),
        ("outfitter-consent", "preferences"),
        ("x-shopify-storefront-access-token", "secret-public"),
    ];
    let ask = |query: &str, variables: Value| {
        let (url, body) = (process.url(), json!({ "query": query, "variables": variables }));
        async move { post_with(&url, &body, &session).await }
    };
    // Nothing of a customer: no line.
    ask("{ shop { name } }", json!({})).await;
    ask("query ($b: BuyerInput) @inContext(buyer: $b) { shop { name } }", json!({ "b": null })).await;
    // The shopper's own, by field, by token in the context, and by a fragment.
    ask("query ($t: String!) { customer(customerAccessToken: $t) { id email } }", json!({ "t": TOKEN })).await;
    let buyer = json!({ "b": { "customerAccessToken": TOKEN } });
    ask("query ($b: BuyerInput) @inContext(buyer: $b) { shop { name } }", buyer.clone()).await;
    ask("{ cart(id: \"secret-cart\") { ...F } } fragment F on Cart { buyerIdentity { email } }", json!({})).await;
    // Ours: whose token is it? The question is asked once, the shopper's request is a line each time.
    let personal = "query ($b: BuyerInput) @inContext(buyer: $b) { shop { name } personalized { shopper { id } } }";
    ask(personal, buyer.clone()).await;
    ask(personal, buyer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_fetches_customer_data_is_written_once_and_names_nobody() {
    let process = Process::start("").await;
    ask_all(&process).await;
    let asked = process.shop.asked.lock().unwrap().len();
    let written = process.stop().await;
    let records = records(&written);
    let of = |purpose: &str| records.iter().filter(|line| line["purpose"] == purpose).collect::<Vec<_>>();
    assert!(asked >= 7);
    assert_eq!((of("STOREFRONT").len(), of("PREFERENCES").len()), (5, 1), "{records:#?}");
    for line in &records {
        assert_eq!(line["session"].as_str().map(str::len), Some(16), "{line}");
        assert_eq!((&line["credential"], &line["operation"]), (&json!("public_token"), &json!("query")), "{line}");
    }
    assert_eq!(of("PREFERENCES")[0]["outcome"], "confirmed");
    assert!(of("STOREFRONT").iter().all(|line| line["outcome"] == "200"));
    let tokens: Vec<bool> = of("STOREFRONT").iter().map(|line| line["customer_token"].as_bool().unwrap()).collect();
    assert_eq!(tokens, [true, true, false, true, true]);
    assert!(!written.contains("secret-"), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_goes_to_a_file_of_its_own_or_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customer-data.jsonl");
    let process = Process::start(&format!("[telemetry.customer_data]\nfile = {file:?}\n")).await;
    ask_all(&process).await;
    assert_eq!(records(&process.stop().await).len(), 0);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!((records(&kept).len(), kept.lines().count()), (6, 6), "{kept}");

    let process = Process::start("[telemetry.customer_data]\nenabled = false\n").await;
    ask_all(&process).await;
    assert_eq!(records(&process.stop().await).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_client_leaves_is_written_too() {
    let process = Process::start("").await;
    let query = json!({ "query": "query Never { customer(customerAccessToken: \"t\") { id } }" }).to_string();
    let mut stream = tokio::net::TcpStream::connect(process.gateway.trim_start_matches("http://")).await.unwrap();
    stream
        .write_all(&request("POST", "/graphql", &["content-type: application/json"], query.as_bytes()))
        .await
        .unwrap();
    while process.shop.asked.lock().unwrap().iter().all(|(_, document)| !document.contains("query Never")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    let abandoned = r#"outfitter_customer_data_total{purpose="STOREFRONT"} 1"#;
    while !metrics(&process).await.contains(abandoned) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let records = records(&process.stop().await);
    assert_eq!((records.len(), &records[0]["outcome"]), (1, &json!("abandoned")), "{records:#?}");
}

async fn metrics(process: &Process) -> String {
    let (_, _, text) = send(Method::GET, &format!("{}/metrics", process.gateway), &[], "").await;
    String::from_utf8(text.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_filter_of_the_log_takes_the_record_away() {
    for log in ["off", "error", "outfitter=error", "outfitter::customer_data=off"] {
        let process = Process::logging("", log).await;
        ask_all(&process).await;
        let written = process.stop().await;
        assert_eq!(records(&written).len(), 6, "{log}: {written}");
        assert_eq!(written.lines().filter(|line| line.starts_with('{')).count(), 6, "{log}: {written}");
    }
}
