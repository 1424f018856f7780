//! Pages of other origins: CORS lets the configured ones in, and what needs no asking is blocked from the rest.

use super::backend::{config, start};
use super::client::{Answer, exchange, post, request};
use outfitter::server::Config;
use std::net::SocketAddr;

const QUERY: &str = r#"{"query":"{ a }"}"#;

async fn preflight(address: SocketAddr, origin: &str) -> Answer {
    let lines = [
        format!("origin: {origin}"),
        "access-control-request-method: POST".to_owned(),
        "access-control-request-headers: content-type,outfitter-session,x-shopify-storefront-access-token".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    exchange(address, &request("OPTIONS", "/api/2026-04/graphql.json", &lines, b"")).await.unwrap()
}

#[tokio::test]
async fn a_configured_origin_calls_with_credentials_and_reads_what_is_passed_back() {
    let server = start(config()).await;
    let asked = preflight(server.address, "https://shop.example").await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(asked.header("access-control-allow-credentials"), "true");
    assert!(asked.header("access-control-allow-headers").contains("outfitter-session"));
    assert!(asked.header("access-control-allow-methods").contains("POST"));
    assert!(asked.header("vary").contains("origin"));
    let answer = post(server.address, &["origin: https://shop.example"], QUERY).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert!(answer.header("access-control-expose-headers").contains("server-timing"));
}

#[tokio::test]
async fn what_an_answer_varies_by_is_said_once() {
    let server = start(config()).await;
    let lines = ["origin: https://shop.example", "accept-encoding: gzip"];
    let answer = post(server.address, &lines, r#"{"query":"{ large }"}"#).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let [vary] = answer.headers("vary")[..] else { panic!("{answer:?}") };
    let mut names: Vec<_> = vary.split(", ").collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), vary.split(", ").count(), "{vary}");
    assert!(["accept", "accept-encoding", "origin"].iter().all(|name| names.contains(name)), "{vary}");
}

#[tokio::test]
async fn no_other_origin_is_reflected() {
    let server = start(config()).await;
    for origin in ["https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example"] {
        let asked = preflight(server.address, origin).await;
        assert_eq!(asked.header("access-control-allow-origin"), "", "{origin}");
        let line = format!("origin: {origin}");
        let answer = post(server.address, &[&line], QUERY).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_wildcard_never_carries_credentials() {
    let server = start(Config { origins: vec!["*".to_owned()], ..config() }).await;
    let answer = post(server.address, &["origin: https://any.example"], QUERY).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn what_a_foreign_page_sends_without_asking_is_blocked() {
    let server = start(config()).await;
    let get = |lines: &'static [&'static str]| async move {
        exchange(server.address, &request("GET", "/graphql?query=%7B+a+%7D", lines, b"")).await.unwrap()
    };
    let blocked = get(&["sec-fetch-site: cross-site", "cookie: a=1"]).await;
    assert_eq!((blocked.status, blocked.code().as_str()), (403, "OUTFITTER_CSRF"));
    assert_eq!(get(&["origin: https://evil.example"]).await.status, 403);
    assert_eq!(get(&["origin: https://shop.example", "sec-fetch-site: cross-site"]).await.status, 200);
    assert_eq!(get(&[]).await.status, 200);
    let form =
        request("POST", "/graphql", &["content-type: text/plain", "origin: https://evil.example"], QUERY.as_bytes());
    assert_eq!(exchange(server.address, &form).await.unwrap().status, 403);
    let off = start(Config { csrf: false, ..config() }).await;
    let bytes = request("GET", "/graphql?query=%7B+a+%7D", &["sec-fetch-site: cross-site"], b"");
    assert_eq!(exchange(off.address, &bytes).await.unwrap().status, 200);
}
