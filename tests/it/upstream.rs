//! The client to the shop against servers that behave well, slowly, and badly.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::AppendHeaders;
use axum::routing::{any, post};
use bytes::Bytes;
use bytesize::ByteSize;
use http::{HeaderValue, Method};
use http_body_util::BodyExt;
use outfitter::platform::upstream::{Asked, Config, Repeat, Upstream, UpstreamError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Serves the router on a free port and returns its address.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/graphql")
}

fn client(url: &str, change: impl FnOnce(&mut Config)) -> Upstream {
    let mut config = Config { url: Some(url.to_owned()), ..Config::default() };
    change(&mut config);
    Upstream::new(config, HeaderMap::new()).unwrap()
}

fn asked<'a>(method: Method, query: Option<&'a str>, headers: HeaderMap, body: &'static str) -> Asked<'a> {
    Asked { method, query, headers, body: body.into(), repeat: Repeat::Never }
}

#[tokio::test]
async fn what_is_sent_arrives_as_it_was_and_the_answer_streams_back() {
    let echo = |method: Method, uri: http::Uri, headers: HeaderMap, body: Bytes| async move {
        let seen = format!("{method} {uri} {:?} {}", headers.get("x-sdk-variant"), String::from_utf8_lossy(&body));
        // axum replaces a header given twice in an array.
        (AppendHeaders([(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")]), seen)
    };
    let url = serve(Router::new().route("/graphql", any(echo))).await;
    let mut headers = HeaderMap::new();
    headers.insert("x-sdk-variant", HeaderValue::from_static("portable-wallets"));
    let upstream = client(&url, |_| {});
    let answer = upstream.send(asked(Method::POST, Some("operation=shop"), headers, "{ \"query\": 1 }")).await.unwrap();
    assert_eq!(answer.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "POST /graphql?operation=shop Some(\"portable-wallets\") { \"query\": 1 }");
    let answer = upstream.send(asked(Method::GET, Some("query=%7Bshop%7D"), HeaderMap::new(), "")).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "GET /graphql?query=%7Bshop%7D None ");
}

#[tokio::test]
async fn redirects_are_answers() {
    let away = || async { (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1:1/elsewhere")]) };
    let url = serve(Router::new().route("/graphql", post(away))).await;
    let answer = client(&url, |_| {}).ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_end_in_a_timeout() {
    let silent = || async { std::future::pending::<()>().await };
    let url = serve(Router::new().route("/graphql", post(silent))).await;
    let short = |config: &mut Config| config.timeout = Duration::from_millis(50);
    let error = client(&url, short).ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Timeout(_)), "{error}");

    let stuck = || async {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from("{"))]);
        Body::from_stream(futures::StreamExt::chain(first, futures::stream::pending()))
    };
    let url = serve(Router::new().route("/graphql", post(stuck))).await;
    let error = client(&url, short).ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Timeout(_)), "{error}");
    let quiet = |config: &mut Config| config.read_timeout = Duration::from_millis(50);
    let answer = client(&url, quiet).send(asked(Method::POST, None, HeaderMap::new(), "")).await.unwrap();
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_endless_answer_is_given_up_at_the_limit() {
    let endless = || async {
        let chunk = Bytes::from(vec![b' '; 64 * 1024]);
        Body::from_stream(futures::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone())))
    };
    let url = serve(Router::new().route("/graphql", post(endless))).await;
    let upstream = client(&url, |config| config.max_answer = ByteSize::mib(1));
    let error = upstream.ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TooLarge(_)), "{error}");
}

#[tokio::test]
async fn no_shop_and_a_shop_that_hangs_up_are_told_apart_from_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/graphql", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&gone, |_| {}).ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Connect(_)), "{error}");
    assert!(!error.public().contains("127.0.0.1"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let torn = format!("http://{}/graphql", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = socket.read(&mut request).await.unwrap();
            assert!(read > 0);
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\"").await.unwrap();
        }
    });
    let error = client(&torn, |_| {}).ask(HeaderMap::new(), Bytes::new(), Repeat::Never).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Read(_)), "{error}");
}
