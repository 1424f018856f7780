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
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

async fn outfitter(arguments: Vec<String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.args(arguments).env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The findings for these settings, and whether the program said that all is well.
async fn doctor(settings: &str) -> (Vec<Value>, bool) {
    doctor_with(settings, &[]).await
}

async fn doctor_with(settings: &str, more: &[&str]) -> (Vec<Value>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outfitter.toml");
    std::fs::write(&path, settings).unwrap();
    let arguments = ["doctor", "--json", "--config", path.to_str().unwrap()].into_iter().chain(more.iter().copied());
    let arguments = arguments.map(str::to_owned).collect();
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
    let spoke = findings.iter().find(|one| one["what"] == "GraphQL").unwrap();
    assert!(spoke["found"].as_str().unwrap().ends_with("by HTTP/1.1"), "{spoke}");
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

    // Customers' tags are asked for where a tier wants them, and only there.
    let scope = "access scope unauthenticated_read_customer_tags";
    let tier = format!("{}[[engine.tiers]]\nname = \"trade\"\ntags = [\"b2b\"]\n", settings(&denied));
    let warned = |findings: &[Value]| findings.iter().any(|one| one["what"] == scope && one["verdict"] == "WARN");
    assert!(warned(&doctor(&tier).await.0));
    assert!(!warned(&doctor(&settings(&denied)).await.0));
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
async fn what_is_wrong_on_this_side_has_its_line() {
    let url = start(shop((JSON, r#"{"data":{"__typename":"QueryRoot"}}"#))).await + "/graphql";
    let with = |more: &str| format!("{}{more}", settings(&url));
    let (findings, _) = doctor(&with("[ingest]\nsecrets = [{ env = \"NO_SUCH_SECRET\" }]\n")).await;
    assert_fails(&findings, "secret for shoppers", "openssl");
    assert_fails(&findings, "catalogue of the shop", "access scopes");

    let pair = "[server.tls]\ncertificate = \"/nowhere/cert.pem\"\nkey = \"/nowhere/key.pem\"\n";
    assert_fails(&doctor(&with(pair)).await.0, "TLS of the gateway", "mend the pair");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.jsonl");
    std::fs::write(&file, "this is no product\n").unwrap();
    let (findings, _) = doctor(&with(&format!("[catalogue]\nfile = {file:?}\n"))).await;
    assert_fails(&findings, "catalogue file", "outfitter catalogue crawl");

    let wrong = settings(&url).replace("https://shop.example", "https://shop.example/path");
    assert_fails(&doctor(&wrong).await.0, "[server]", "mend");
    let (findings, _) = doctor_with(&settings(&url), &["--origin", "https://other.example"]).await;
    assert_fails(&findings, "CORS from https://other.example", "server.origins");
}

#[tokio::test]
async fn what_the_gateway_hangs_on_is_missed_by_name() {
    let url = start(shop((JSON, r#"{"data":{"__typename":"QueryRoot"}}"#))).await + "/graphql";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.graphql");
    let with = |sdl: &str| {
        std::fs::write(&file, sdl).unwrap();
        format!("{}[platform]\nschema = {file:?}\n", settings(&url))
    };
    let whole = include_str!("../../schema/shopify.graphql");
    let lost = whole.replace("availableForSale", "availableForNothing");
    assert_ne!(lost, whole);
    assert_fails(&doctor(&with(&lost)).await.0, "type Product", "access scopes");
    let lost = whole.replace("  nodes(", "  nodesOfNothing(");
    assert_ne!(lost, whole);
    assert_fails(&doctor(&with(&lost)).await.0, "look-up of products", "platform.name");
}

/// A shop behind TLS; its address, the file of its certificate and where that is.
async fn behind_tls(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (u16, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut wanted);
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
    (port, certificate, folder)
}

#[tokio::test]
async fn a_certificate_of_the_shop_that_will_not_do_is_named_with_why() {
    let at = |host: &str, port: u16, ca: Option<&PathBuf>| {
        let ca = ca.map(|ca| format!("ca = {ca:?}\n")).unwrap_or_default();
        format!("[upstream]\nurl = \"https://{host}:{port}/graphql\"\n{ca}[server]\nlisten = \"127.0.0.1:0\"\n")
    };
    let (port, expired, _folder) = behind_tls(|wanted| {
        wanted.not_before = rcgen::date_time_ymd(2019, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(2020, 1, 1);
    })
    .await;
    assert_fails(&doctor(&at("localhost", port, Some(&expired))).await.0, "TLS of the shop", "renewed");

    let (port, certificate, _folder) = behind_tls(|_| {}).await;
    assert_fails(&doctor(&at("localhost", port, None)).await.0, "TLS of the shop", "upstream.ca");
    assert_fails(&doctor(&at("127.0.0.1", port, Some(&certificate))).await.0, "TLS of the shop", "another host");
    let (findings, _) = doctor(&at("localhost", port, Some(&certificate))).await;
    let of = |what: &str| findings.iter().find(|one| one["what"] == what).unwrap();
    assert_eq!(of("TLS of the shop")["verdict"], "PASS", "{findings:#?}");
    assert!(of("GraphQL")["found"].as_str().unwrap().ends_with("by HTTP/2.0"), "{findings:#?}");

    let plain = start(shop((JSON, "{}"))).await;
    let port = plain.rsplit(':').next().unwrap().parse().unwrap();
    assert_fails(&doctor(&at("localhost", port, None)).await.0, "TLS of the shop", "speaks TLS");
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
