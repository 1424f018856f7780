//! A query that brought nothing is sent once more, within a budget; a mutation never is.

use super::shop::{GOOD, PLANNED, Shop, read, whole};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use outfitter::platform::upstream::{Asked, Config, Repeat, Upstream, UpstreamError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

fn asked(alias: &str, repeat: Repeat) -> Asked<'static> {
    let body = format!("{{\"query\":\"{{ {alias}: shop {{ name }} }}\"}}");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Asked { method: Method::POST, query: None, headers, body: body.into(), repeat }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_sent_once_more_where_that_helps_and_what_may_be_a_mutation_never() {
    let shop = Shop::start().await;
    for (fault, sent) in [
        ("throttled_once", 2),
        ("busy_once", 2),
        ("reset_once", 2),
        ("throttled", 2),
        ("json_503", 2),
        ("reset", 2),
        // It asks for a minute, which is longer than anybody waits.
        ("page_429", 1),
        ("client_error", 1),
        ("server_error", 1),
        ("no_http", 1),
    ] {
        let upstream = client(shop.url.clone());
        upstream.send(asked(fault, Repeat::Once)).await.ok();
        assert_eq!(shop.count(fault), sent, "{fault}");
        let whole = format!("{fault}{PLANNED}");
        let Asked { headers, body, .. } = asked(&whole, Repeat::Once);
        upstream.ask(headers, body, Repeat::Once).await.ok();
        assert_eq!(shop.count(&whole), sent, "{whole}");
        upstream.send(asked(fault, Repeat::Never)).await.ok();
        assert_eq!(shop.count(fault), sent + 1, "{fault}");
        let Asked { headers, body, .. } = asked(&whole, Repeat::Never);
        upstream.ask(headers, body, Repeat::Never).await.ok();
        assert_eq!(shop.count(&whole), sent + 1, "{whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_are_a_small_share_of_what_is_sent() {
    let shop = Shop::start().await;
    let mut config = Config { url: Some(shop.url.clone()), ..Config::default() };
    (config.retry.reserve, config.retry.pause) = (3, Duration::from_millis(1));
    let upstream = Upstream::new(config, HeaderMap::new()).unwrap();
    for _ in 0..100 {
        upstream.send(asked("throttled", Repeat::Once)).await.unwrap();
    }
    let retries = shop.count("throttled") - 100;
    assert!((3..=13).contains(&retries), "{retries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_broken_shop_until_a_probe_succeeds() {
    let shop = Shop::start().await;
    let mut config = Config { url: Some(shop.url.clone()), ..Config::default() };
    (config.breaker.failures, config.breaker.open_for) = (5, Duration::from_secs(1));
    let upstream = Upstream::new(config, HeaderMap::new()).unwrap();
    for _ in 0..20 {
        upstream.send(asked("client_error", Repeat::Never)).await.unwrap();
    }
    // As many failures as answers, whatever they were sent for.
    for _ in 0..20 {
        upstream.asking_for("lookup").send(asked("server_error", Repeat::Once)).await.unwrap();
    }
    assert!(matches!(upstream.send(asked("ok", Repeat::Never)).await, Err(UpstreamError::Open(_))));
    let Asked { headers, body, .. } = asked("ok", Repeat::Once);
    assert!(matches!(upstream.ask(headers, body, Repeat::Once).await, Err(UpstreamError::Open(_))));
    assert_eq!(shop.count("ok"), 0);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for _ in 0..3 {
        upstream.send(asked("ok", Repeat::Never)).await.unwrap();
    }
    assert_eq!(shop.count("ok"), 3);
}

/// A shop that answers the first request of a connection and then reads each next one and resets. Counts requests.
async fn resets_after_reading(first: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let requests = Arc::clone(&counted);
            tokio::spawn(async move {
                for n in 0.. {
                    if read(&mut socket).await.is_none() {
                        return;
                    }
                    requests.fetch_add(1, Ordering::SeqCst);
                    if n >= first {
                        socket.set_zero_linger().unwrap();
                        return;
                    }
                    socket.write_all(&whole("200 OK", "", GOOD.as_bytes())).await.unwrap();
                }
            });
        }
    });
    (url, requests)
}

async fn send(upstream: &Upstream, repeat: Repeat) -> Result<Bytes, UpstreamError> {
    let asked = Asked { method: Method::POST, query: None, headers: HeaderMap::new(), body: "{}".into(), repeat };
    let answer = upstream.send(asked).await?;
    Ok(answer.into_body().collect().await.unwrap().to_bytes())
}

fn client(url: String) -> Upstream {
    Upstream::new(Config { url: Some(url), ..Config::default() }, HeaderMap::new()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shop_may_have_read_is_not_sent_again_by_the_pool_either() {
    for kept_alive in [0, 1, 3] {
        let (url, requests) = resets_after_reading(kept_alive).await;
        let upstream = client(url);
        for _ in 0..kept_alive {
            send(&upstream, Repeat::Never).await.unwrap();
            // Until the connection is back in the pool.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(matches!(send(&upstream, Repeat::Never).await, Err(UpstreamError::Send(_))));
        assert!(upstream.ask(HeaderMap::new(), "{}".into(), Repeat::Never).await.is_ok() == (kept_alive > 0));
        // Nothing comes later, on its own.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(requests.load(Ordering::SeqCst), kept_alive + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_shop_closed_while_idle_costs_nobody_an_error() {
    let (url, requests) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                if read(&mut socket).await.is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                    // It promises to stay, and goes.
                    socket.write_all(&whole("200 OK", "", GOOD.as_bytes())).await.unwrap();
                }
            }
        });
        (url, requests)
    };
    let upstream = client(url);
    for n in 1..=5 {
        assert_eq!(send(&upstream, Repeat::Never).await.unwrap(), GOOD);
        assert_eq!(requests.load(Ordering::SeqCst), n);
        // Long enough that the close was seen here.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
