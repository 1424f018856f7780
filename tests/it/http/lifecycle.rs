//! Starting, stopping and being looked at: no request is lost, and operators see what happens.

use super::backend::{Server, config, start};
use super::client::{exchange, post, request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use outfitter::server::Config;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;

const WAIT: &str = r#"{"query":"{ wait }"}"#;

/// Waits until so many requests are within the backend.
async fn until_waiting(server: &Server, requests: usize) {
    while server.backend.waiting.load(Ordering::SeqCst) < requests {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn every_request_in_flight_is_answered_after_the_signal_and_new_ones_are_refused() {
    let server = start(config()).await;
    let address = server.address;
    let requests: Vec<_> = (0..50).map(|_| tokio::spawn(async move { post(address, &[], WAIT).await })).collect();
    until_waiting(&server, 50).await;
    server.stop.send(()).unwrap();
    // The listener is dropped at once; give the task its turn.
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.backend.gate.add_permits(50);
    let mut answered = 0;
    for request in requests {
        let answer = request.await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"data":{"answer":"waited"}}"#));
        answered += 1;
    }
    assert_eq!(answered, 50);
    server.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_grace_is_an_end() {
    let server = start(Config { grace: Duration::from_millis(50), ..config() }).await;
    let address = server.address;
    let stuck = tokio::spawn(async move {
        exchange(address, &request("POST", "/graphql", &["content-type: application/json"], WAIT.as_bytes())).await
    });
    until_waiting(&server, 1).await;
    server.stop.send(()).unwrap();
    server.ended.await.unwrap().unwrap();
    assert!(stuck.await.unwrap().is_none());
}

#[tokio::test]
async fn readiness_follows_the_backend_and_the_signal() {
    let server = start(config()).await;
    let ready = || async {
        let answer = exchange(server.address, &request("GET", "/health/ready", &[], b"")).await.unwrap();
        (answer.status, answer.text())
    };
    assert_eq!(ready().await, (200, "ready\n".to_owned()));
    server.backend.loading.store(true, Ordering::SeqCst);
    assert_eq!(ready().await, (503, "the schema is not loaded\n".to_owned()));
    server.lifecycle.stop();
    assert_eq!(ready().await, (503, "stopping\n".to_owned()));
    let live = exchange(server.address, &request("GET", "/health/live", &[], b"")).await.unwrap();
    assert_eq!(live.status, 200);
}

#[tokio::test]
async fn more_requests_than_configured_are_told_to_come_back() {
    let server = start(Config { requests: 1, ..config() }).await;
    let address = server.address;
    let first = tokio::spawn(async move { post(address, &[], WAIT).await });
    until_waiting(&server, 1).await;
    let second = post(address, &[], r#"{"query":"{ a }"}"#).await;
    assert_eq!((second.status, second.code().as_str()), (503, "OUTFITTER_OVERLOADED"));
    // Operators see it while it lasts.
    let live = exchange(address, &request("GET", "/health/live", &[], b"")).await.unwrap();
    assert_eq!(live.status, 200);
    server.backend.gate.add_permits(1);
    assert_eq!(first.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let server = start(Config { request_timeout: Duration::from_millis(50), ..config() }).await;
    let answer = post(server.address, &[], WAIT).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "OUTFITTER_TIMEOUT"));
}

#[tokio::test]
async fn http_2_is_served_without_tls() {
    let server = start(config()).await;
    let client: Client<_, Full<bytes::Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let request = http::Request::post(format!("http://{}/graphql", server.address))
        .header("content-type", "application/json")
        .body(Full::from(r#"{"query":"{ a }"}"#))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], br#"{"data":{"answer":"ok"}}"#);
}

#[tokio::test]
async fn metrics_count_requests_and_name_no_shopper() {
    let server = start(config()).await;
    post(server.address, &["outfitter-session: very-secret-session", "cookie: _shopify_y=abc"], r#"{"query":0}"#).await;
    let answer = exchange(server.address, &request("GET", "/metrics", &[], b"")).await.unwrap();
    let text = answer.text();
    assert!(text.contains(r#"http_server_request_duration_seconds_count{http_request_method="POST""#), "{text}");
    assert!(text.contains("http_server_active_requests "), "{text}");
    assert!(!text.contains("secret") && !text.contains("_shopify_y"));
}
