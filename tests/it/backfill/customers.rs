//! Everything that a shop exports, one operation after the other: customers first, whose word counts for what they bought.

use super::shop::{Ill, Running, Shop};
use super::{backfill, logged, out, settings};
use crate::servers::Server;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// One allows everything, one nothing, and one has said nothing.
const CUSTOMERS: &str = r#"{"id":"gid://shopify/Customer/777001","updatedAt":"2024-05-01T10:00:00Z","tags":["VIP","born-1990"],"metafield":{"namespace":"custom","key":"consent","value":"all"},"defaultEmailAddress":{"marketingState":"SUBSCRIBED","marketingUpdatedAt":null},"defaultPhoneNumber":null}
{"id":"gid://shopify/Customer/777002","updatedAt":"2024-05-01T10:00:00Z","tags":["VIP"],"metafield":{"namespace":"custom","key":"consent","value":"none"},"defaultEmailAddress":null,"defaultPhoneNumber":null}
{"id":"gid://shopify/Customer/777003","updatedAt":"2024-05-01T10:00:00Z","tags":[],"metafield":null,"defaultEmailAddress":null,"defaultPhoneNumber":null}
"#;

/// One of each customer, of this kind, of this product.
fn of_each(kind: &str, product: u32) -> String {
    let of = |customer: u32| {
        let id = format!("gid://shopify/{kind}/{customer}");
        format!(
            r#"{{"id":"{id}","createdAt":"2024-05-01T10:00:00Z","customer":{{"id":"gid://shopify/Customer/{customer}"}},"customAttributes":[]}}
{{"id":"gid://shopify/{kind}LineItem/{customer}","quantity":1,"product":{{"id":"gid://shopify/Product/{product}"}},"__parentId":"{id}"}}
"#
        )
    };
    [777_001, 777_002, 777_003].map(of).concat()
}

fn shop() -> Shop {
    let files = [
        ("{ customers ", CUSTOMERS.to_owned()),
        ("{ orders(", of_each("Order", 3)),
        ("{ draftOrders(", of_each("DraftOrder", 4)),
        ("{ abandonedCheckouts(", of_each("AbandonedCheckout", 5)),
    ];
    Shop { files: files.into(), ..Shop::default() }
}

/// Settings by which consent is kept in a metafield, and a tier has a tag.
fn asking(folder: &Path, consent: &str, store: &str) {
    settings(folder, consent);
    let file = folder.join("outfitter.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let more = "[ingest.customer]\nconsent = \"custom.consent\"\n[[engine.tiers]]\nname = \"gold\"\ntags = [\"vip\"]\n";
    std::fs::write(file, text + more + store).unwrap();
}

async fn export(folder: &Path, shop: &Running, more: &[&str]) -> Output {
    let arguments = ["--upstream", shop.url.as_str(), "--platform", "shopify", "--since", "2024-01-01"];
    backfill(folder, &[&arguments, more].concat()).await
}

/// Kinds and products of the training log.
fn told(folder: &Path) -> Vec<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let product = |line: &Value| line["lines"][0]["product"].as_str().unwrap_or_default().to_owned();
    let mut told: Vec<_> = logged(folder).iter().map(|line| (text(line, "kind"), product(line))).collect();
    told.sort_unstable();
    told
}

fn expected() -> Vec<(String, String)> {
    [("checkout_completed", 3), ("checkout_started", 4), ("checkout_started", 5)]
        .map(|(kind, product)| (kind.to_owned(), format!("gid://shopify/Product/{product}")))
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_orders_drafts_and_abandoned_checkouts_come_one_after_the_other_and_by_what_customers_allow() {
    let shop = Running::start(shop()).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    asking(folder, "none", "");
    let output = export(folder, &shop, &[]).await;
    let said = out(&output);
    assert!(output.status.success(), "{said}");
    let begun = shop.begun();
    let connections = ["{ customers ", "{ orders(", "{ draftOrders(", "{ abandonedCheckouts("];
    assert_eq!(begun.len(), 4);
    assert!(begun.iter().zip(connections).all(|(query, connection)| query.starts_with(connection)), "{begun:?}");
    assert!(begun[1..].iter().all(|query| query.contains("created_at:>=2024-01-01")), "{begun:?}");
    assert!(said.contains("customers.jsonl: 3 taken") && said.contains("in all: 6 taken"), "{said}");
    assert!(!said.contains("another export of this app"), "one at a time: {said}");
    assert_eq!(told(folder), expected(), "of the one who allows it");
    assert!(!serde_json::to_string(&logged(folder)).unwrap().contains("77700"));
    let output = export(folder, &shop, &[]).await;
    assert!(output.status.success() && out(&output).contains("orders.jsonl: 0 taken"), "{}", out(&output));
    assert_eq!((shop.counts(), told(folder)), ((4, 4, 4), expected()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_does_not_allow_holds_also_where_a_call_goes_on_with_their_orders() {
    let shop = Running::start(shop()).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    asking(folder, "all", "");
    let output = export(folder, &shop, &["--what", "customers"]).await;
    assert!(output.status.success(), "{}", out(&output));
    // The next look is one at the export of orders.
    shop.ill([Ill::Status(401)].into());
    let output = export(folder, &shop, &[]).await;
    assert!(!output.status.success() && out(&output).contains("HTTP status 401"), "{}", out(&output));
    let output = export(folder, &shop, &[]).await;
    assert!(output.status.success(), "{}", out(&output));
    assert_eq!(shop.begun().len(), 4);
    let mut twice: Vec<_> = expected().into_iter().flat_map(|one| [one.clone(), one]).collect();
    twice.sort_unstable();
    assert_eq!(told(folder), twice, "of the two who do not forbid it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_token_may_not_read_is_left_out_unless_consent_stands_there() {
    let denied = |more: Shop| Shop { begins: [Ill::Denied].into(), ..more };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    settings(folder, "all");
    let running = Running::start(denied(shop())).await;
    let output = export(folder, &running, &[]).await;
    let said = out(&output);
    assert!(!output.status.success() && said.contains("customers are left out"), "{said}");
    assert!(said.contains("scope read_customers") && said.contains("--what"), "{said}");
    assert!(said.contains("in all: 9 taken"), "the others are taken: {said}");
    let output = export(folder, &running, &["--what", "orders,draft-orders"]).await;
    assert!(output.status.success() && out(&output).contains("in all: 0 taken"), "{}", out(&output));
    // What an operation may not read is told at its end, too.
    let folder = folder.join("other");
    std::fs::create_dir(&folder).unwrap();
    asking(&folder, "all", "");
    let failed = [super::shop::status("FAILED", Some("ACCESS_DENIED"))].into();
    let running = Running::start(Shop { looks: failed, ..shop() }).await;
    let output = export(&folder, &running, &[]).await;
    assert!(!output.status.success() && out(&output).contains("ingest.customer.consent"), "{}", out(&output));
    assert_eq!(running.begun().len(), 1, "nothing is taken against it");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_customers_are_in_the_shared_store_where_preferences_are_allowed() {
    let redis = Server::start();
    let shop = Running::start(shop()).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let patience = "[store.redis]\nread_timeout = \"5s\"\nwrite_timeout = \"5s\"\n";
    asking(folder, "none", &format!("[store]\nurl = {:?}\n{patience}", redis.url()));
    let output = export(folder, &shop, &[]).await;
    assert!(output.status.success(), "{}", out(&output));
    let mut stored = Vec::new();
    for customer in ["777001", "777002", "777003"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
        command.current_dir(folder).args(["customer", "export", "--config", "outfitter.toml", "--upstream", &shop.url]);
        command.arg(customer).env("BACKFILL_KEY", "a key of thirty-two characters!!").env_remove("RUST_LOG");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", out(&output));
        stored.push(String::from_utf8(output.stdout).unwrap());
    }
    assert!(stored[0].contains("\"vip\"") && !stored[0].contains("born"), "{}", stored[0]);
    assert!(stored[0].contains("gid://shopify/Product/3"), "{}", stored[0]);
    assert!(stored[1..].iter().all(|stored| !stored.contains("vip") && !stored.contains("Product/3")), "{stored:?}");
}
