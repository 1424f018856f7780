//! Two gateways on a cluster of six that loses a master under load: every storefront request is answered, and every event
//! that was accepted is there. Slow, so run by `scripts/test slow` (`.config/nextest.toml`).

use crate::client::post_with;
use crate::servers::Cluster;
use crate::whole::replicas::{TRACK, settings};
use crate::whole::world::World;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const PAGE: &str = r#"{ shop { name } products(first: 3) { nodes { id personalized { affinity } } }
    personalized { recommendations(placement: "home", first: 3) { items { product { id } } } } }"#;

/// An event, and whose it is.
type Sent = (String, Value);

async fn post(gateway: &str, session: &str, query: &str, variables: Value) -> (StatusCode, Value) {
    let headers = [("outfitter-session", session), ("outfitter-consent", "all")];
    let body = json!({ "query": query, "variables": variables });
    let (status, _, answer) = post_with(&format!("{gateway}/graphql"), &body, &headers).await;
    (status, answer)
}

/// Pages until it is told to stop, each for another shopper and at the other gateway. Gives what was not a whole answer.
async fn pages(gateways: [String; 2], stop: Arc<AtomicBool>, asked: Arc<AtomicUsize>) -> Vec<String> {
    let mut failed = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (status, answer) = post(&gateways[n % 2], &format!("page-{}", n % 50), PAGE, Value::Null).await;
        let items = answer["data"]["personalized"]["recommendations"]["items"].as_array().map(Vec::len);
        if status != StatusCode::OK || !answer["errors"].is_null() || items != Some(3) {
            failed.push(format!("{status} {answer}"));
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
    failed
}

/// Events until it is told to stop, at either gateway. Gives those that were accepted.
async fn events(writer: usize, gateways: [String; 2], product: Value, stop: Arc<AtomicBool>) -> Vec<Sent> {
    let mut accepted = Vec::new();
    for n in 0..1_000 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let session = format!("shopper-{writer}-{}", n % 8);
        let event = json!([{ "id": format!("event {n}"), "type": "PRODUCT_VIEWED", "productId": product }]);
        let (_, answer) = post(&gateways[n % 2], &session, TRACK, json!({ "e": event })).await;
        if answer["data"]["personalizedTrack"]["accepted"] == 1 {
            accepted.push((session, event));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_a_master_under_load_costs_no_answer_and_no_accepted_event() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let mut cluster = Cluster::start().await;
    let replica = async || {
        let mut settings = settings(&cluster.url(), &secret);
        // As a machine that serves has it, not with the patience of other tests.
        settings.store.redis.read_timeout = Duration::from_millis(100);
        settings.store.redis.write_timeout = Duration::from_secs(1);
        World::with(settings).await
    };
    let worlds = [replica().await, replica().await];
    let gateways = [worlds[0].gateway.clone(), worlds[1].gateway.clone()];
    let product = worlds[0].products("US").await[0]["id"].clone();

    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (mut readers, mut writers) = (JoinSet::new(), JoinSet::new());
    for writer in 0..4 {
        readers.spawn(pages(gateways.clone(), stop.clone(), asked.clone()));
        writers.spawn(events(writer, gateways.clone(), product.clone(), stop.clone()));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.nodes[0].kill();
    cluster.until_taken_over(0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);

    let failed: Vec<String> = readers.join_all().await.into_iter().flatten().collect();
    assert_eq!(failed, Vec::<String>::new());
    assert!(asked.load(Ordering::Relaxed) > 50, "{asked:?}");
    let accepted: Vec<Sent> = writers.join_all().await.into_iter().flatten().collect();
    assert!(accepted.len() > 100, "{}", accepted.len());
    // What is there is a duplicate when it comes again. A master without its replica acknowledges nothing, and a shopper's
    // rate is limited: the gateway that is asked here wants no replica and has not heard of these shoppers.
    let mut asking = settings(&cluster.url(), &secret);
    asking.store.redis.replicas = Some(0);
    let asking = World::with(asking).await;
    for (session, event) in &accepted {
        let (_, answer) = post(&asking.gateway, session, TRACK, json!({ "e": event })).await;
        let code = &answer["data"]["personalizedTrack"]["rejected"][0]["code"];
        assert_eq!(code, "DUPLICATE", "{event} of {session} was accepted and is lost");
    }
}
