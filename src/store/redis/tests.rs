//! Against a real `redis-server`, each test with one of its own on a free port.

use super::*;
use crate::domain::event::EventType;
use crate::domain::ids::{EventId, ProductKey};
use jiff::Timestamp;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A Redis that ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port)
    }

    fn start_at(port: u16) -> Self {
        let arguments = ["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
        let child = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn();
        let child = child.expect("redis-server is missing; install it (Debian: sudo apt-get install -y redis-server)");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    fn store(&self) -> RedisStore {
        self.store_with(RedisConfig { read_timeout: Duration::from_secs(5), ..self.config() })
    }

    /// What a busy machine needs to answer; the defaults are for a machine that serves.
    fn config(&self) -> RedisConfig {
        RedisConfig { write_timeout: Duration::from_secs(5), ..RedisConfig::default() }
    }

    fn store_with(&self, config: RedisConfig) -> RedisStore {
        RedisStore::open(&format!("redis://127.0.0.1:{}/", self.port), config).unwrap()
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
    }

    /// Asks the server itself.
    async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is stopped does not hear anything else.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn who(text: &str) -> ShopperKey {
    ShopperKey::new(text)
}

fn viewed(id: &str, second: i64) -> Event {
    let at = Timestamp::from_second(1_767_268_800 + second).unwrap();
    let product = ProductKey::new(format!("gid://shopify/Product/{}", 7_000_000_000_000_i64 + second));
    Event::of_product(EventId::new(id), EventType::ProductViewed, at, product)
}

#[tokio::test]
async fn redis_passes_the_contract() {
    let server = Server::start();
    let stores = AtomicU32::new(0);
    // Each an empty store: keys of its own.
    let make = || {
        let nth = stores.fetch_add(1, Ordering::Relaxed);
        let read_timeout = Duration::from_secs(5);
        server.store_with(RedisConfig { prefix: format!("store {nth}"), read_timeout, ..server.config() })
    };
    crate::store::contract::check(make).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_lose_none_of_each_others_events() {
    let server = Server::start();
    let replicas = [Arc::new(server.store()), Arc::new(server.store())];
    let mut tasks = tokio::task::JoinSet::new();
    for (nth, replica) in replicas.iter().enumerate() {
        let replica = replica.clone();
        tasks.spawn(async move {
            for n in 0..20 {
                replica.append(&who("s"), &[viewed(&format!("{nth} {n}"), n)]).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for replica in &replicas {
        assert_eq!(ShopperStore::read(&**replica, &who("s")).await.unwrap().session.events.len(), 40);
    }
}

#[tokio::test]
async fn every_key_has_a_time_to_live_and_the_shoppers_tag() {
    let server = Server::start();
    let store = server.store();
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();
    store.set_consent(&who("t"), Consent::NONE).await.unwrap();
    for n in 0..50 {
        store.put(crate::store::contract::decision("s", &format!("d{n}"))).await.unwrap();
    }
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in &keys {
        assert!(key.starts_with("outfitter:{s}:") || key.starts_with("outfitter:{t}:"), "{key}");
        assert!(server.ask::<i64>(&["PTTL", key]).await > 0, "{key}");
    }
    let days = Duration::from_millis(server.ask::<u64>(&["PTTL", "outfitter:{t}:shopper"]).await).as_secs() / 86_400;
    assert!(days > 300, "a withdrawn consent must not be forgotten with the session: {days}");
    assert_eq!(server.ask::<u32>(&["HLEN", "outfitter:{s}:decisions"]).await, 20, "the newest stay");
    assert!(store.get(&who("s"), &DecisionId::new("d49")).await.unwrap().is_some());
    assert!(store.get(&who("s"), &DecisionId::new("d0")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_shopper_takes_little_memory() {
    let server = Server::start();
    let store = server.store();
    // Ids as browsers make them: nothing in them repeats.
    let id = |n: i64| format!("{:032x}", rand::random::<u128>() ^ u128::from(n.unsigned_abs()));
    let quiet: Vec<Event> = (0..3).map(|n| viewed(&id(n), n * 40)).collect();
    let active: Vec<Event> = (0..50).map(|n| viewed(&id(n), n * 40)).collect();
    store.append(&who("quiet"), &quiet).await.unwrap();
    store.append(&who("active"), &active).await.unwrap();
    let usage =
        async |who: &str| server.ask::<u64>(&["MEMORY", "USAGE", &format!("outfitter:{{{who}}}:shopper")]).await;
    let (quiet, active) = (usage("quiet").await, usage("active").await);
    assert!(quiet <= 500, "three events take {quiet} bytes");
    assert!(active <= 4096, "fifty events take {active} bytes");
}

#[tokio::test]
async fn a_redis_that_is_stopped_killed_and_back_costs_answers_and_nothing_else() {
    let mut server = Server::start();
    let short = Duration::from_millis(200);
    let config = RedisConfig { read_timeout: short, write_timeout: short, open_for: short, ..server.config() };
    let store = server.store_with(config);
    let read = async || ShopperStore::read(&store, &who("s")).await.map(|state| state.session.events.len());
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();

    server.signal("-STOP");
    assert!(matches!(read().await, Err(StoreError::Timeout)));
    while !matches!(read().await, Err(StoreError::Unavailable(_))) {}
    server.signal("-CONT");
    while !matches!(read().await, Ok(1)) {
        tokio::time::sleep(short / 4).await;
    }

    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(read().await.is_err());
    assert!(store.append(&who("s"), &[viewed("b", 2)]).await.is_err());
    let port = server.port;
    drop(server);
    let _server = Server::start_at(port);
    // It was kept in memory only.
    while !matches!(read().await, Ok(0)) {
        tokio::time::sleep(short / 4).await;
    }
}

#[tokio::test]
async fn a_redis_that_is_full_or_only_reads_refuses_changes_and_is_still_read() {
    let server = Server::start();
    let store = server.store();
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();
    for setting in [["maxmemory", "1"], ["maxmemory", "0"]] {
        let _: () = server.ask(&["CONFIG", "SET", setting[0], setting[1]]).await;
        let appended = store.append(&who("s"), &[viewed("b", 2)]).await;
        match setting[1] {
            "1" => assert!(appended.unwrap_err().to_string().contains("OOM")),
            _ => assert_eq!(appended.unwrap(), [Appended::Accepted]),
        }
        assert!(ShopperStore::read(&store, &who("s")).await.is_ok());
    }
    let _: () = server.ask(&["REPLICAOF", "127.0.0.1", "1"]).await;
    assert!(store.append(&who("s"), &[viewed("c", 3)]).await.unwrap_err().to_string().contains("READONLY"));
    assert_eq!(ShopperStore::read(&store, &who("s")).await.unwrap().session.events.len(), 2);
}

#[tokio::test]
async fn what_is_stored_by_somebody_else_is_unavailable() {
    let server = Server::start();
    let store = server.store();
    let _: () = server.ask(&["SET", "outfitter:{s}:shopper", "no record of ours"]).await;
    let _: i64 = server.ask(&["LPUSH", "outfitter:{t}:shopper", "a list"]).await;
    for shopper in ["s", "t"] {
        assert!(matches!(ShopperStore::read(&store, &who(shopper)).await, Err(StoreError::Unavailable(_))));
        assert!(store.append(&who(shopper), &[viewed("a", 1)]).await.is_err());
    }
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    let refused = [
        "http://user:secret@host",
        "redis://user:secret@host:port/0",
        "redis://user:secret@host/database",
        "redis://user:secret@/ ",
        "user:secret@host:6379",
        "redis://a, http://user:secret@host",
        "redis://user:secret@a:port,redis://b",
    ];
    for url in refused {
        let error = RedisStore::open(url, RedisConfig::default()).unwrap_err().to_string();
        assert!(error.contains("redis://host:6379") && !error.contains("secret"), "{url}: {error}");
    }
}
