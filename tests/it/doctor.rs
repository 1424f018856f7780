//! `outfitter doctor` against shops that work and shops that do not: each fault has its line, with what to do; and
//! `outfitter schema check` without any shop.

use crate::client::start;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use outfitter::demo::{self, Store};
use outfitter::server::{self, Config, Tls, TlsConfig};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

async fn outfitter(arguments: Vec<String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.args(arguments).env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The findings for these settings, and whether the program said that all is well.
async fn doctor(settings: &str) -> (Vec<Value>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outfitter.toml");
    std::fs::write(&path, settings).unwrap();
    let arguments = ["doctor", "--json", "--config", path.to_str().unwrap()].map(str::to_owned).to_vec();
    let output = outfitter(arguments).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}")), output.status.success())
}

fn settings(url: &str) -> String {
    format!("[upstream]\nurl = {url:?}\n[server]\nlisten = \"127.0.0.1:0\"\norigins = [\"https://shop.example\"]\n")
}

/// The only finding of this name must be a FAIL that says so.
fn assert_fails(findings: &[Value], what: &str, next: &str) {
    let found = findings.iter().find(|finding| finding["what"] == what && finding["verdict"] == "FAIL");
    let found = found.unwrap_or_else(|| panic!("no FAIL of {what} in {findings:#?}"));
    assert!(found["next"].as_str().unwrap().contains(next), "{found}");
}

fn shop(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Router {
    Router::new().route("/graphql", post(move || async move { answer.clone() }))
}

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

#[tokio::test]
async fn the_demo_store_passes() {
    let store = Arc::new(Store::generate(&demo::Config { events: 400, shoppers: 20, ..demo::Config::default() }));
    let url = start(store.router()).await + "/api/2026-04/graphql.json";
    let (findings, well) = doctor(&settings(&url)).await;
    let verdict = |what: &str| findings.iter().find(|one| one["what"] == what).map(|one| one["verdict"].clone());
    assert!(well, "{findings:#?}");
    for what in ["settings", "limits", "CORS from https://shop.example", "GraphQL", "clock", "schema", "type Product"] {
        assert_eq!(verdict(what), Some("PASS".into()), "{what}: {findings:#?}");
    }
    assert!(findings.iter().all(|one| one["verdict"] != "WARN" || one["next"] != ""), "each warning says what to do");
}

#[tokio::test]
async fn each_broken_shop_has_its_line() {
    let (findings, well) = doctor(&settings("http://127.0.0.1:9/graphql")).await;
    assert!(!well);
    assert_fails(&findings, "endpoint", "host and port");

    let html = start(shop(([(header::CONTENT_TYPE, "text/html")], "<html>"))).await + "/graphql";
    assert_fails(&doctor(&settings(&html)).await.0, "GraphQL", "path included");

    let refusing = (StatusCode::UNAUTHORIZED, JSON, r#"{"errors":[{"extensions":{"code":"UNAUTHORIZED"}}]}"#);
    let refusing = start(shop(refusing)).await + "/graphql";
    assert_fails(&doctor(&settings(&refusing)).await.0, "token", "revoked");

    let closed = start(shop((JSON, r#"{"data":{"__typename":"QueryRoot"}}"#))).await + "/graphql";
    assert_fails(&doctor(&settings(&closed)).await.0, "schema", "outfitter schema pull");

    let late = (JSON, [(header::DATE, "Sun, 22 Nov 2020 12:00:00 GMT")], r#"{"data":{"__typename":"QueryRoot"}}"#);
    let late = start(shop(late)).await + "/graphql";
    assert_fails(&doctor(&settings(&late)).await.0, "clock", "NTP");

    let denied = r#"{"data":{"__typename":"QueryRoot"},"errors":[{"message":"Access denied","extensions":{"code":"ACCESS_DENIED"}}]}"#;
    let denied = start(shop((JSON, denied))).await + "/graphql";
    let next = "grant unauthenticated_read_product_listings";
    assert_fails(&doctor(&settings(&denied)).await.0, "access scope unauthenticated_read_product_listings", next);
}

#[tokio::test]
async fn a_schema_without_products_and_wrong_settings_fail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.graphql");
    std::fs::write(&file, "schema { query: QueryRoot }\ntype QueryRoot { shop: String }\n").unwrap();
    let url = start(shop((JSON, r#"{"data":{"__typename":"QueryRoot"}}"#))).await + "/graphql";
    let findings = doctor(&format!("{}[platform]\nschema = {file:?}\n", settings(&url))).await.0;
    let failed = findings
        .iter()
        .any(|one| one["verdict"] == "FAIL" && (one["what"] == "type Product" || one["what"] == "schema"));
    assert!(failed, "{findings:#?}");

    assert_fails(&doctor("[upstream]\nulr = 1\n").await.0, "settings", "mend");
    let missing = format!("{}[platform.shopify]\npublic_token = {{ env = \"NO_SUCH_TOKEN\" }}\n", settings(&url));
    assert_fails(&doctor(&missing).await.0, "shop", "secret");
}

#[tokio::test]
async fn an_expired_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    wanted.not_before = rcgen::date_time_ymd(2019, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(2020, 1, 1);
    std::fs::write(&certificate, wanted.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let tls = TlsConfig { certificate: Some(certificate.clone()), key: Some(key_file), hsts: None };
    let tls = Tls::open(&tls).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let router = shop((JSON, r#"{"data":{"__typename":"QueryRoot"}}"#));
        server::run(listener, router, &Config::default(), tls, std::future::pending()).await
    });
    let settings = format!(
        "[upstream]\nurl = \"https://localhost:{port}/graphql\"\nca = {certificate:?}\n[server]\nlisten = \"127.0.0.1:0\"\n"
    );
    assert_fails(&doctor(&settings).await.0, "TLS of the shop", "renewed");
}

#[tokio::test]
async fn operations_are_checked_without_a_shop() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("card.ts", "export const CARD = `#graphql\nfragment Card on Product { id title }`;");
    put(
        "page.tsx",
        "const PAGE = `#graphql\nquery Page { product(handle: \"a\") { ...Card personalized { affinity } } }\n${CARD}` as const;",
    );
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/shopify.graphql");
    let check = || {
        let words = ["schema", "check", folder.path().to_str().unwrap(), "--schema", schema.to_str().unwrap()];
        outfitter(words.map(str::to_owned).to_vec())
    };
    let output = check().await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.starts_with("rewritten  query Page"), "{said}");
    put("wrong.graphql", "{ product(handle: \"a\") { personalized { nothing } } }");
    let output = check().await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}
