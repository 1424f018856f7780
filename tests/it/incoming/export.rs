//! `outfitter customer export`: what is stored of one shopper, all of it, and of nobody else.

use super::{Gateway, hasher, order, settings};
use crate::servers::Server;
use http::StatusCode;
use outfitter::domain::ids::{CustomerId, SessionId};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

async fn export(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.args(["customer", "export", "--config"]).arg(folder.join("outfitter.toml")).args(arguments);
    command.env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn exported(folder: &Path, arguments: &[&str]) -> Value {
    let output = export(folder, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_given_everything_of_theirs_by_id_or_key_and_nothing_of_anybody_elses() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let folder = folder.path();
    let more = format!(
        "[ingest.record]\nlog = {{ dir = {:?} }}\n[store.decisions]\nfile = {:?}\n",
        folder.join("log"),
        folder.join("decisions.db")
    );
    settings(folder, Some(&redis.url()));
    let file = folder.join("outfitter.toml");
    let text = std::fs::read_to_string(&file).unwrap() + &more;
    std::fs::write(&file, &text).unwrap();
    let gateway = Gateway::start(outfitter::settings::Settings::read(&file, &text, []).unwrap()).await;
    for (id, customer) in [(1, 7), (2, 7), (3, 8)] {
        gateway.shopify("orders/create", &format!("w{id}"), &order(id, customer, id, "2024-11-27T10:00:00Z")).await;
    }
    gateway.viewed("a-session", "9", 0).await;
    let query =
        json!({ "query": "{ personalized { recommendations(placement: \"home\", first: 1) { decision { id } } } }" });
    let session = [("content-type", "application/json"), ("outfitter-session", "a-session")];
    // The shop is away and its schema with it: what is decided is none of this test.
    gateway.post("/graphql", &session, query.to_string()).await;
    gateway.running.state.settle().await;

    let asked = json!({ "shop_domain": "a.myshopify.com", "customer": { "id": 7, "email": "anna@example.com" } });
    assert_eq!(gateway.shopify("customers/data_request", "w9", &asked).await.status, StatusCode::OK);
    let by_id = exported(folder, &["7"]).await;
    let stored = by_id["stored"].as_array().unwrap();
    assert_eq!(stored.len(), 1, "{by_id}");
    let key = hasher().customer(&CustomerId::new("gid://shopify/Customer/7"));
    assert_eq!(stored[0]["key"], key.as_str());
    assert_eq!(stored[0]["profile"]["orders"], 2);
    assert_eq!(
        (stored[0]["events"].as_array().map(Vec::len), stored[0]["training_log"].as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
    let text = by_id.to_string();
    assert!(
        text.contains("gid://shopify/Product/1")
            && !text.contains("gid://shopify/Product/3")
            && !text.contains("Product/9")
    );
    for same in [["gid://shopify/Customer/7"].as_slice(), &["--key", key.as_str()]] {
        assert_eq!(exported(folder, same).await["stored"], by_id["stored"], "{same:?}");
    }
    let of_session = exported(folder, &["--session", "a-session"]).await;
    assert_eq!(of_session["stored"][0]["key"], hasher().session(&SessionId::parse("a-session").unwrap()).as_str());
    assert!(of_session.to_string().contains("Product/9"));
    assert_eq!(exported(folder, &["12"]).await["stored"], json!([]));

    // Into a file that others cannot read, and never over one that is there.
    let out = folder.join("answer.json");
    let into = ["7", "--out", out.to_str().unwrap()];
    assert!(export(folder, &into).await.status.success());
    let written: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(written["stored"], by_id["stored"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&out).unwrap().permissions());
    assert_eq!(mode & 0o077, 0);
    assert!(!export(folder, &into).await.status.success());
    for wrong in [&["--key", "short"][..], &[], &["7", "--session", "s"]] {
        assert!(!export(folder, wrong).await.status.success(), "{wrong:?}");
    }
}
