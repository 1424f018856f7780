//! A gateway whose Redis answers over a network that damages what it says: every storefront request is answered with its own
//! shopper's things, and whatever was acknowledged is stored, once.

use super::replicas::{VIEWED, settings};
use super::world::{World, each};
use crate::client::post_with;
use crate::proxy::{Fault, Proxy};
use crate::servers::Server;
use crate::told::{APP, Stored, beacon, order};
use http::StatusCode;
use outfitter::domain::event::Event;
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const SECRET: &str = "the same in every replica of this shop";
const SHOPPERS: usize = 4;
const AT: &str = "2026-03-01T10:00:00Z";

const FAULTS: [Fault; 6] = [
    Fault::Corrupt(3),
    Fault::Lose(3),
    Fault::Swallow(4),
    Fault::Truncate(4),
    Fault::HalfClose(4),
    Fault::Delay(Duration::from_millis(400)),
];

const SHELF: &str =
    r#"{ shop { name } personalized { recommendations(placement: "home", first: 3) { items { product { id } } } } }"#;

/// Storefront requests of one shopper, who has only ever looked at one product. Gives how many there were.
async fn pages(gateway: String, session: String, product: String, stop: Arc<AtomicBool>) -> usize {
    let all = [("outfitter-session", &*session), ("outfitter-consent", "all")];
    // Consent that is on file has to be read of the store.
    let silent = [("outfitter-session", &*session)];
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        for (headers, query) in [(&all[..], SHELF), (&silent[..], SHELF), (&all[..], VIEWED)] {
            let body = json!({ "query": query });
            let (status, _, answer) = post_with(&format!("{gateway}/graphql"), &body, headers).await;
            assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
            let slate = &answer["data"]["personalized"]["recommendations"];
            let shown = each(slate, "/product/id");
            if query == VIEWED {
                assert!(shown.iter().all(|shown| *shown == product), "{session} was shown {shown:?}");
            } else {
                assert_eq!(shown.len(), 3, "{answer}");
            }
            asked += 1;
        }
    }
    asked
}

/// What was acknowledged to one shopper.
#[derive(Default)]
struct Acknowledged {
    events: Vec<String>,
    orders: Vec<u64>,
}

/// Events and orders of one shopper.
async fn tells(gateway: String, shopper: usize, product: String, stop: Arc<AtomicBool>) -> Acknowledged {
    let (mut acknowledged, session, customer) = (Acknowledged::default(), session(shopper), customer(shopper));
    for n in 0..100 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("event {n}");
        let event = json!([{ "id": id, "type": "PRODUCT_VIEWED", "productId": product, "at": AT }]);
        if beacon(&gateway, &session, event).await {
            acknowledged.events.push(id);
        }
        let number = customer * 1_000 + n;
        // As the platform does: until it is acknowledged, or there was enough of it.
        if order(&gateway, &format!("delivery {number}"), number, customer, AT).await {
            acknowledged.orders.push(number);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    acknowledged
}

fn session(shopper: usize) -> String {
    format!("shopper-of-{shopper}")
}

fn customer(shopper: usize) -> u64 {
    900 + shopper as u64
}

async fn gateway(redis: &str, folder: &Path) -> World {
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    std::fs::write(folder.join("app"), APP).unwrap();
    let mut settings = settings(redis, &folder.join("secret"));
    // Short beside how long answers may be delayed; on a machine that is not busy they come within a millisecond.
    settings.store.redis.read_timeout = Duration::from_millis(100);
    settings.store.redis.write_timeout = Duration::from_millis(300);
    settings.store.redis.open_for = Duration::from_millis(50);
    settings.ingest.events.max_age = Duration::from_secs(3_650 * 86_400);
    settings.ingest.spool.dir = Some(folder.join("spool"));
    settings.ingest.webhooks.shopify.secrets = vec![Secret::File(folder.join("app"))];
    World::with(settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_network_does_to_what_redis_says_costs_no_answer_no_acknowledged_event_and_shows_nobody_anothers() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let proxy = Proxy::before(redis.port).await;
    let world = gateway(&proxy.url(), folder.path()).await;
    let products = world.products("US").await;
    let sold = products.iter().filter(|product| product["availableForSale"] == true);
    let sold: Vec<String> = sold.map(|product| product["id"].as_str().unwrap().to_owned()).collect();

    let stop = Arc::new(AtomicBool::new(false));
    let (mut readers, mut writers) = (JoinSet::new(), JoinSet::new());
    for (shopper, product) in sold.into_iter().enumerate().take(SHOPPERS) {
        let (gateway, stop) = (world.gateway.clone(), stop.clone());
        readers.spawn(pages(gateway.clone(), session(shopper), product.clone(), stop.clone()));
        writers.spawn(async move { (shopper, tells(gateway, shopper, product, stop).await) });
    }
    for fault in FAULTS {
        let before = proxy.done();
        proxy.set(fault);
        // Delays follow one another on a connection.
        let enough = if matches!(fault, Fault::Delay(_)) { 5 } else { 20 };
        while proxy.done() < before + enough {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy.set(Fault::None);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(readers.join_all().await.into_iter().all(|asked| asked > 10));
    let acknowledged = writers.join_all().await;
    // What could not be stored at once is stored by and by.
    while std::fs::read_dir(folder.path().join("spool")).unwrap().count() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stored = Stored::at(&redis.url(), SECRET);
    for (shopper, Acknowledged { events, orders }) in acknowledged {
        assert!(!events.is_empty() && !orders.is_empty());
        let state = stored.session(&session(shopper)).await;
        let kept: Vec<&str> = state.session.events.iter().map(|event| event.id.as_str()).collect();
        for id in events {
            assert_eq!(kept.iter().filter(|kept| **kept == id).count(), 1, "{id} of shopper {shopper}");
        }
        let state = stored.customer(customer(shopper)).await;
        for number in &orders {
            let id = format!("gid://shopify/Order/{number}");
            let is_of = |event: &&Event| event.order.as_ref().is_some_and(|order| order.as_str() == id);
            assert_eq!(state.session.events.iter().filter(is_of).count(), 1, "{id}");
        }
        // One that was not acknowledged may be stored all the same, and none of them twice.
        let profile = state.profile;
        let (counted, spent) = (profile.orders, profile.spent[0]);
        assert_eq!((spent.orders, spent.total.minor), (counted, i64::from(counted) * 1_000));
        assert_eq!(counted as usize, state.session.events.len());
    }
}
