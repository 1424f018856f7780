//! A gateway whose Redis is full and evicts nothing: it is read as before, and what it does not take waits in the spool.

use super::replicas::{TRACK, VIEWED, settings, viewed};
use super::world::{World, each, shopper};
use crate::client::{post_with, send};
use crate::servers::Server;
use crate::told::{APP, Stored, beacon, order};
use bytes::Bytes;
use http::{Method, StatusCode};
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const SECRET: &str = "the same in every replica of this shop";
/// All of one moment, so that events are kept in the order in which they come.
const AT: &str = "2026-03-01T10:00:00Z";
const PAGE: &str = r#"{ shop { name } personalized { recommendations(placement: "home", first: 3) { items { product { id } }
    decision { servedBy } } } }"#;
/// Nothing here may wait for it.
const NEVER: Duration = Duration::from_secs(3_600);

async fn gateway(redis: &Server, folder: &Path) -> World {
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    std::fs::write(folder.join("app"), APP).unwrap();
    let mut settings = settings(&redis.url(), &folder.join("secret"));
    settings.store.redis.write_timeout = NEVER;
    settings.ingest.events.max_age = Duration::from_secs(3_650 * 86_400);
    settings.ingest.spool.dir = Some(folder.join("spool"));
    settings.ingest.webhooks.shopify.secrets = vec![Secret::File(folder.join("app"))];
    (settings.ingest.webhooks.patience, settings.ingest.beacons.patience) = (NEVER, NEVER);
    World::with(settings).await
}

/// Somebody else's data take all that it may have, and more, so that what connections take is no matter.
async fn fill(redis: &Server) {
    let _: u64 = redis.ask(&["SETRANGE", "of somebody else", "8000000", "x"]).await;
    let told: String = redis.ask(&["INFO", "memory"]).await;
    let used = told.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let most = (used.trim().parse::<u64>().unwrap() - 4_000_000).to_string();
    let _: () = redis.ask(&["CONFIG", "SET", "maxmemory", &most, "maxmemory-policy", "noeviction"]).await;
    let refused = redis.try_ask::<String>(&["SET", "more", "x"]).await.unwrap_err();
    assert_eq!(refused.code(), Some("OOM"));
}

/// Pages of every kind, each answered by what the shopper did before it was full.
async fn is_served(world: &World, product: &str) {
    let all = [("outfitter-session", "s"), ("outfitter-consent", "all")];
    let silent = [("outfitter-session", "s")];
    let unknown = [("outfitter-session", "somebody-new"), ("outfitter-consent", "all")];
    for (headers, query) in
        [(&all[..], PAGE), (&silent[..], PAGE), (&unknown[..], PAGE), (&all[..], VIEWED), (&[], "{ shop { name } }")]
    {
        let asked =
            async { post_with(&format!("{}/graphql", world.gateway), &json!({ "query": query }), headers).await };
        let (status, _, answer) = tokio::time::timeout(Duration::from_secs(120), asked).await.unwrap();
        assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{query}: {answer}");
        let slate = &answer["data"]["personalized"]["recommendations"];
        match query {
            PAGE => {
                assert_eq!(each(slate, "/product/id").len(), 3, "{answer}");
                assert_ne!(slate["decision"]["servedBy"], "FALLBACK", "{answer}");
            }
            VIEWED => assert_eq!(each(slate, "/product/id"), [product]),
            _ => assert!(answer["data"]["shop"]["name"].is_string()),
        }
    }
}

fn waiting(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("spool")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_costs_no_page_and_nothing_acknowledged_which_lands_once_there_is_room() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let world = gateway(&redis, folder.path()).await;
    let stored = Stored::at(&redis.url(), SECRET);
    let products = world.products("US").await;
    let sold = products.iter().find(|product| product["availableForSale"] == true).unwrap();
    let product = sold["id"].as_str().unwrap();
    let before = json!([{ "id": "before", "type": "PRODUCT_VIEWED", "productId": product, "at": AT }]);
    assert!(beacon(&world.gateway, "s", before).await);
    assert!(order(&world.gateway, "delivery 0", 1_000, 7, AT).await);
    assert_eq!((viewed(&world, "s").await, waiting(folder.path())), (vec![product.to_owned()], 0));

    fill(&redis).await;
    let mut expected = vec!["before".to_owned()];
    for n in 0..10 {
        is_served(&world, product).await;
        let id = format!("while {n}");
        assert!(beacon(&world.gateway, "s", json!([{ "id": id, "type": "PAGE_VIEWED", "at": AT }])).await, "{id}");
        expected.push(id);
        assert!(order(&world.gateway, &format!("delivery {}", n + 1), 1_001 + n, 7, AT).await, "{n}");
    }
    assert!(waiting(folder.path()) > 0);
    let (session, customer) = (stored.session("s").await, stored.customer(7).await);
    assert_eq!((session.session.events.len(), customer.profile.orders), (1, 1), "none of it is in Redis");
    // A shopper's own mutation is told so, and may come again.
    let event = json!([{ "id": "told", "type": "PRODUCT_VIEWED", "productId": product }]);
    let told = world.ask(shopper("t"), TRACK, json!({ "e": event })).await;
    assert_eq!(told["personalizedTrack"], json!({ "accepted": 0, "rejected": [{ "code": "RATE_LIMITED" }] }));
    // It answers, so it is not left alone.
    let (_, _, metrics) = send(Method::GET, &format!("{}/metrics", world.gateway), &[], Bytes::new()).await;
    assert!(String::from_utf8_lossy(&metrics).lines().any(|line| line == "outfitter_store_available 1"));

    let _: u64 = redis.ask(&["DEL", "of somebody else"]).await;
    while waiting(folder.path()) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let kept = stored.session("s").await.session.events;
    assert_eq!(kept.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), expected);
    let profile = stored.customer(7).await.profile;
    assert_eq!((profile.orders, profile.spent[0].total.amount()), (11, "110.00".to_owned()));
    assert_eq!(world.ask(shopper("t"), TRACK, json!({ "e": event })).await["personalizedTrack"]["accepted"], 1);
}
