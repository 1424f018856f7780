//! The circuit breaker before the shop, as clients see it.

use super::gateway::Gateway;
use super::shop::Shop;
use crate::client::send;
use bytes::Bytes;
use http::Method;
use std::time::Duration;

const SETTINGS: &str = r#"
timeout = "2s"
[upstream.retry]
enabled = false
[upstream.breaker]
failures = 5
window = "1m"
open_for = "2s"
"#;

async fn status(gateway: &Gateway, document: &str) -> (u16, String) {
    let answer = gateway.ask(document).await.unwrap();
    (answer.status, answer.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_broken_is_left_alone_until_a_probe_succeeds() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, SETTINGS).await;
    let broken = "{ server_error: shop { name } }";
    // The catalogue's crawl may have brought answers: failures are to outnumber them.
    let mut sent = 0;
    while status(&gateway, broken).await.0 == 500 {
        sent += 1;
        assert!(sent < 50, "it never opens");
    }
    assert!(sent >= 5, "{sent}");
    let asked = shop.count("server_error");
    for document in ["{ ok: shop { name } }", "{ ok: shop { name } personalized { id } }", "mutation { ok: x }", broken]
    {
        let answer = gateway.ask(document).await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (502, "OUTFITTER_UPSTREAM_UNAVAILABLE"), "{document}");
        let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3).contains(&after), "{after}");
    }
    assert_eq!(shop.count("server_error"), asked, "nothing is sent");
    // What needs nothing of the shop is served.
    let own = gateway.ask("{ personalized { id } }").await.unwrap();
    assert_eq!((own.status, own.json()["errors"].is_null()), (200, true), "{}", own.text());
    let url = format!("{}/metrics", gateway.url);
    let (_, _, metrics) = send(Method::GET, &url, &[], Bytes::new()).await;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    assert!(metrics.contains("outfitter_circuit_open 1"), "{metrics}");
    assert!(metrics.contains(r#"outfitter_circuit_changes_total{state="open"} 1"#), "{metrics}");
    // In time a probe goes, and where it brings an answer all is well.
    let mut waited = 0;
    while status(&gateway, "{ ok: shop { name } }").await.0 != 200 {
        waited += 1;
        assert!(waited < 300, "it never closes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..5 {
        assert_eq!(status(&gateway, "{ ok: shop { name } }").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_do_wrong_does_not_break_the_circuit() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, SETTINGS).await;
    // Clients who leave before the shop has answered.
    for _ in 0..20 {
        let before = shop.count("mute");
        let left = async {
            while shop.count("mute") == before {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            answer = gateway.ask("{ mute: shop { name } }") => panic!("answered: {answer:?}"),
            () = left => {}
        }
    }
    // Had they been waited for, each would be a failure by now, and nothing else was answered.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(status(&gateway, "{ ok: shop { name } }").await.0, 200);
    for document in ["{ client_error: shop { name } }", "{ page_429: shop { name } }", "{ throttled: shop { name } }"] {
        for _ in 0..20 {
            gateway.ask(document).await.unwrap();
        }
    }
    for _ in 0..20 {
        gateway.ask("{ personalized { nothing } }").await.unwrap();
    }
    assert_eq!(status(&gateway, "{ ok: shop { name } }").await.0, 200);
    let asked = shop.count("ok");
    assert_eq!(status(&gateway, "{ ok: shop { name } }").await.0, 200);
    assert!(shop.count("ok") > asked);
}
