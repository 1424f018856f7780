//! Redis as a fleet runs it: behind sentinels and as a cluster of six. Slow, so run by `scripts/test slow` and not by every
//! `cargo nextest run` (`.config/nextest.toml`).

use super::servers::{Cluster, Server, sentinels};
use super::tests::{open, patient, viewed, who};
use super::*;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Settings of a machine that is not as busy as one that runs tests, but for patience with what is acknowledged.
fn serving() -> RedisConfig {
    let patience = Duration::from_secs(1);
    RedisConfig { read_timeout: patience, write_timeout: patience, replica_timeout: patience, ..RedisConfig::default() }
}

async fn passes_the_contract(url: &str) {
    let stores = AtomicU32::new(0);
    let make = || {
        let nth = stores.fetch_add(1, Ordering::Relaxed);
        open(url, RedisConfig { prefix: format!("store {nth}"), ..patient() })
    };
    crate::store::contract::check(make).await;
}

/// Two replicas of the gateway that append until they are told to stop. Gives the ids that were acknowledged, by shopper.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: tokio::task::JoinSet<HashMap<String, Vec<String>>>,
}

impl Load {
    fn start(url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let (store, stop) = (open(url, serving()), stop.clone());
            tasks.spawn(async move {
                let mut kept: HashMap<String, Vec<String>> = HashMap::new();
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    // Ten shoppers a writer, over all slots; never more events than a session keeps.
                    let (shopper, id) = (format!("shopper {writer} {}", n % 10), format!("event {n}"));
                    let event = viewed(&id, n);
                    if store.append_durably(&who(&shopper), &[event]).await.is_ok_and(|stored| stored.is_durable) {
                        kept.entry(shopper).or_default().push(id);
                    }
                    if n >= 1_900 {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                kept
            });
        }
        Self { stop, tasks }
    }

    async fn end(self) -> HashMap<String, Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

/// Everything acknowledged is there. Returns how much that is.
async fn nothing_is_lost(url: &str, kept: &HashMap<String, Vec<String>>) -> usize {
    let store = open(url, patient());
    for (shopper, ids) in kept {
        let state = ShopperStore::read(&store, &who(shopper)).await.unwrap();
        let there: Vec<&str> = state.session.events.iter().map(|event| event.id.as_str()).collect();
        for id in ids {
            assert!(there.contains(&id.as_str()), "{id} of {shopper} was acknowledged and is lost");
        }
    }
    kept.values().map(Vec::len).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_dies_is_found_again_through_its_sentinels_and_nothing_acknowledged_is_lost() {
    let mut master = Server::start();
    let replica = Server::replica_of(&master).await;
    let sentinels = sentinels(&master).await;
    let hosts: Vec<String> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    let url = format!("redis+sentinel://{}/shop", hosts.join(","));
    passes_the_contract(&url).await;

    let load = Load::start(&url);
    tokio::time::sleep(Duration::from_secs(1)).await;
    master.kill();
    let store = open(&url, RedisConfig { replicas: Some(0), ..serving() });
    while store.append(&who("after"), &[viewed("after", 1)]).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = load.end().await;
    assert!(nothing_is_lost(&url, &kept).await > 100);
    assert_eq!(replica.ask::<Vec<redis::Value>>(&["ROLE"]).await[0], redis::Value::BulkString(b"master".to_vec()));
    // The replica has none of its own now, so nothing can be acknowledged; it is stored all the same.
    let durable = open(&url, serving());
    assert!(matches!(
        durable.append_durably(&who("later"), &[viewed("l", 1)]).await,
        Ok(Stored { is_durable: false, .. })
    ));
    assert_eq!(ShopperStore::read(&durable, &who("later")).await.unwrap().session.events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_hangs_is_left_once_sentinels_name_another() {
    let master = Server::start();
    let _replica = Server::replica_of(&master).await;
    let sentinels = sentinels(&master).await;
    let url = format!("redis+sentinel://127.0.0.1:{}/shop", sentinels[0].port);
    let short = Duration::from_millis(200);
    let store = open(&url, RedisConfig { read_timeout: short, open_for: short, replicas: Some(0), ..serving() });
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();
    master.signal("-STOP");
    while !matches!(ShopperStore::read(&store, &who("s")).await, Ok(state) if state.session.events.len() == 1) {
        tokio::time::sleep(short / 4).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_passes_the_contract() {
    let cluster = Cluster::start().await;
    passes_the_contract(&cluster.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_a_master_under_load_loses_nothing_acknowledged() {
    let mut cluster = Cluster::start().await;
    let url = cluster.url();
    let load = Load::start(&url);
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.nodes[0].kill();
    cluster.until_taken_over(0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Another hangs, and comes back as a replica of the one that took its place.
    cluster.nodes[1].signal("-STOP");
    cluster.until_taken_over(1).await;
    cluster.nodes[1].signal("-CONT");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let kept = load.end().await;
    assert!(nothing_is_lost(&url, &kept).await > 1_000);
}
