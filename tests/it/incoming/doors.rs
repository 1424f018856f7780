//! What is answered: to good deliveries, wrong ones, too large ones, and to more than are taken at once.

use super::{Gateway, order, settings};
use crate::client::send;
use crate::http::client::request;
use crate::senders;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platforms_own_proof_is_taken_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(settings(folder.path(), None)).await;
    for (name, line, body) in senders::samples("webhook") {
        let (path, headers) = senders::signed(&line, &name, &body);
        let answer = gateway.post(&path, &borrowed(&headers), body.clone()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, "none"), "{name} {}", answer.json);
        // Commerce itself waits for a word of its own.
        assert_eq!(answer.json.get("op").and_then(Value::as_str), (name == "adobe-own").then_some("success"), "{name}");
        // One byte more, or another platform's proof.
        let changed = gateway.post(&path, &borrowed(&headers), format!("{body} ")).await;
        assert_eq!(
            (changed.status, changed.code()),
            (StatusCode::UNAUTHORIZED, "OUTFITTER_WEBHOOK_UNPROVEN"),
            "{name}"
        );
        for other in
            ["/webhooks/shopify", "/webhooks/bigcommerce", "/webhooks/adobe"].iter().filter(|other| **other != path)
        {
            let foreign = gateway.post(other, &borrowed(&headers), body.clone()).await;
            assert_eq!(foreign.status, StatusCode::UNAUTHORIZED, "{name} at {other}");
        }
    }
    // Heard by somebody and sent again ten minutes later.
    let body = r#"{"scope":"store/product/deleted","data":{"id":205}}"#;
    let stale = gateway.post("/webhooks/bigcommerce", &borrowed(&senders::bigcommerce("m", 600, body)), body).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::UNAUTHORIZED, "OUTFITTER_WEBHOOK_UNPROVEN"));
    let asked = async |platform: &str, query: &str| {
        let url = format!("{}/webhooks/{platform}?{query}", gateway.url);
        let (status, headers, body) = send(Method::GET, &url, &[], "").await;
        (status, headers["content-type"].to_str().unwrap().to_owned(), String::from_utf8_lossy(&body).into_owned())
    };
    let challenge = "8ec8d794-e0ab-42df-9017-e3dada8e84f7";
    let (status, kind, text) = asked("adobe", &format!("challenge={challenge}")).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, challenge));
    assert!(kind.starts_with("text/plain"), "{kind}");
    for (platform, query) in
        [("adobe", "challenge=%3Cscript%3E"), ("adobe", ""), ("shopify", "challenge=a"), ("none", "challenge=a")]
    {
        let (status, _, text) = asked(platform, query).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{platform} {query}");
        assert!(!text.contains("script"), "{text}");
    }
}

/// Sends the head of a request and half of its body; the other half comes when it is asked for.
struct Half {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Half {
    async fn send(url: &str, path: &str, headers: &[(&'static str, String)], body: &str) -> Self {
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let whole = request("POST", path, &lines, body.as_bytes());
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
        let (now, later) = whole.split_at(whole.len() - body.len() / 2);
        stream.write_all(now).await.unwrap();
        Self { stream, rest: later.to_vec() }
    }

    async fn end(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = self.stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_are_taken_at_once_are_told_when_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), None);
    (settings.ingest.webhooks.in_flight, settings.ingest.beacons.in_flight) = (1, 1);
    let gateway = Gateway::start(settings).await;
    let told = order(1, 7, 1, "2024-11-27T10:00:00Z");
    let half = Half::send(
        &gateway.url,
        "/webhooks/shopify",
        &senders::shopify("orders/create", "w1", &told.to_string()),
        &told.to_string(),
    )
    .await;
    let beacon =
        json!({ "session": "s", "consent": "all", "events": [{ "id": "1", "type": "PAGE_VIEWED" }] }).to_string();
    let other = Half::send(&gateway.url, "/events", &[("content-type", "text/plain".to_owned())], &beacon).await;
    // Each holds its door; the other door is its own.
    let mut refused = gateway.shopify("orders/create", "w2", &told).await;
    while refused.status == StatusCode::OK {
        refused = gateway.shopify("orders/create", "w2", &told).await;
    }
    let mut paged = gateway.viewed("s", "2", 1).await;
    while paged.status == StatusCode::OK {
        paged = gateway.viewed("s", "2", 1).await;
    }
    for answer in [refused, paged] {
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::TOO_MANY_REQUESTS, "OUTFITTER_TOO_MANY"),
            "{}",
            answer.json
        );
        assert_eq!(answer.headers["retry-after"], "1");
    }
    // Others are served meanwhile, and both are taken to their end.
    assert_eq!(send(Method::GET, &format!("{}/health/live", gateway.url), &[], "").await.0, StatusCode::OK);
    assert!(half.end().await.starts_with("HTTP/1.1 200"));
    assert!(other.end().await.starts_with("HTTP/1.1 200"));
    assert_eq!(gateway.shopify("orders/create", "w2", &told).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shopper_who_sends_too_much_is_told_to_wait_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), None);
    (settings.ingest.events.burst, settings.ingest.events.per_minute) = (2, 1);
    let gateway = Gateway::start(settings).await;
    for (nth, status) in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS].into_iter().enumerate() {
        let answer = gateway.viewed("s", &nth.to_string(), 1).await;
        assert_eq!(answer.status, status, "{nth}");
        assert_eq!(answer.headers.get("retry-after").is_some(), status != StatusCode::OK);
    }
    assert_eq!(gateway.viewed("t", "1", 1).await.status, StatusCode::OK);
    // The platform is no shopper: its deliveries have no rate.
    for id in 0..5 {
        let answer = gateway.shopify("orders/create", &id.to_string(), &order(id, 7, id, "2024-11-27T10:00:00Z")).await;
        assert_eq!(answer.counts(), [1, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_limit_is_read_and_a_byte_more_is_not_however_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), None);
    settings.ingest.webhooks.body = bytesize::ByteSize::kib(8);
    settings.ingest.beacons.body = bytesize::ByteSize::kib(4);
    let gateway = Gateway::start(settings).await;
    for (path, most) in [("/webhooks/shopify", 8192), ("/events", 4096)] {
        let body = |bytes: usize| format!("{{\"id\":1{}}}", " ".repeat(bytes - 8));
        for (bytes, fits) in [(most, true), (most + 1, false), (20 * most, false)] {
            let body = body(bytes);
            assert_eq!(body.len(), bytes);
            let headers = senders::shopify("orders/create", "", &body);
            let answer = gateway.post(path, &borrowed(&headers), body.clone()).await;
            assert_eq!(answer.status == StatusCode::PAYLOAD_TOO_LARGE, !fits, "{path} {bytes} {}", answer.status);
            assert_eq!(answer.code() == "OUTFITTER_BODY_TOO_LARGE", !fits, "{path} {bytes}");
            // In chunks, without an announced length.
            let mut stream = TcpStream::connect(gateway.url.trim_start_matches("http://")).await.unwrap();
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n{lines}\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            for chunk in body.as_bytes().chunks(1000) {
                // The door may be closed in the middle.
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.ok();
                stream.write_all(chunk).await.ok();
                stream.write_all(b"\r\n").await.ok();
            }
            stream.write_all(b"0\r\n\r\n").await.ok();
            let mut told = Vec::new();
            stream.read_to_end(&mut told).await.ok();
            let told = String::from_utf8_lossy(&told).into_owned();
            assert_eq!(told.starts_with("HTTP/1.1 413"), !fits, "{path} {bytes} {told}");
        }
    }
}
