//! An answer of 600 MB: what passes through is never held, what is planned is refused at the limit.

use super::gateway::Gateway;
use super::shop::{HUGE, Shop};
use http_body_util::BodyExt;

/// Beyond what a process takes for a few requests, and far below the answer.
const FLAT: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_600_mb_takes_no_memory() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, "max_answer = \"16 MiB\"").await;
    gateway.ask("{ ok: shop { name } personalized { id } }").await.unwrap();
    let before = gateway.peak();

    let planned = gateway.ask("{ huge: shop { name } personalized { id } }").await.unwrap();
    assert_eq!((planned.status, planned.code().as_str()), (502, "OUTFITTER_UPSTREAM_INVALID"));

    let response = gateway.begin("{ huge: shop { name } }").await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().into_data().map_or(0, |data| data.len() as u64);
    }
    assert_eq!(length, HUGE);
    let grown = gateway.peak() - before;
    assert!(grown < FLAT, "{} MiB more than before", grown >> 20);
}
