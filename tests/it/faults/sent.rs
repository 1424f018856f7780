//! A query that brought nothing is sent once more, within a budget; a mutation never is. By the program itself.

use super::gateway::Gateway;
use super::shop::{PLANNED, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_sent_once_more_and_a_mutation_never() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, "").await;
    for fault in ["throttled_once", "busy_once", "reset_once"] {
        for (ours, planned) in [("", ""), (" personalized { id }", PLANNED)] {
            let alias = format!("{fault}{planned}");
            let answer = gateway.ask(&format!("{{ {alias}: shop {{ name }}{ours} }}")).await.unwrap();
            assert_eq!(answer.json()["data"]["ok"]["name"], "good", "{alias}: {}", answer.text());
            assert_eq!(shop.count(&alias), 2, "{alias}");
        }
    }
    for fault in ["throttled", "json_503", "reset", "page_429"] {
        let mutation = format!("mutation {{ {fault}: cartCreate(input: {{}}) {{ cart {{ id }} }} }}");
        gateway.ask(&mutation).await.unwrap();
        assert_eq!(shop.count(fault), 1, "{fault}");
        // Which of the two would run, the gateway cannot tell; nor what a document says that it cannot read.
        gateway.ask(&format!("query A {{ {fault}: shop {{ name }} }} mutation B {{ b: x }}")).await.unwrap();
        assert_eq!(shop.count(fault), 2, "{fault}");
        gateway.ask(&format!("query A {{ {fault}: shop {{ name }} ")).await.unwrap();
        assert_eq!(shop.count(fault), 3, "{fault}");
    }
    // The second try is the last, and what it brings is passed on.
    let answer = gateway.ask("{ throttled: shop { name } }").await.unwrap();
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(shop.count("throttled"), 5);
    // A shop that asks for a minute is not asked again meanwhile.
    gateway.ask("{ page_429: shop { name } }").await.unwrap();
    assert_eq!(shop.count("page_429"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_are_a_small_share_of_what_is_sent() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, "[upstream.retry]\nreserve = 3\nshare = 0.1\npause = \"1ms\"").await;
    for _ in 0..100 {
        gateway.ask("{ throttled: shop { name } }").await.unwrap();
    }
    let retries = shop.count("throttled") - 100;
    assert!((3..=13).contains(&retries), "{retries}");
}
