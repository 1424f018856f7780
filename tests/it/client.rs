//! A small HTTP client for tests, and the way to start something on a free port.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use outfitter::server::{self, Config, Live};
use serde_json::Value;
use std::future::pending;

/// Serves the routes on a free port of the loopback; gives `http://127.0.0.1:port`.
pub(crate) async fn start(routes: impl Into<Live>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let live = routes.into();
    tokio::spawn(async move { server::run(listener, live, &Config::default(), None, pending()).await.unwrap() });
    format!("http://{address}")
}

/// Sends a request with these headers.
pub(crate) async fn send(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> (StatusCode, HeaderMap, Bytes) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

/// Posts JSON and reads JSON; what is no JSON is read as null.
pub(crate) async fn post(url: &str, json: &Value) -> (StatusCode, HeaderMap, Value) {
    post_with(url, json, &[]).await
}

/// Posts JSON with further headers.
pub(crate) async fn post_with(url: &str, json: &Value, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Value) {
    let headers: Vec<_> = [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
    let (status, headers, body) = send(Method::POST, url, &headers, json.to_string()).await;
    (status, headers, serde_json::from_slice(&body).unwrap_or_default())
}
