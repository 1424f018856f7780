//! Against a real `redis-server`, each test with one of its own on a free port.

use super::servers::{PORT, Server};
use super::*;
use crate::domain::audit::InputRead;
use crate::domain::event::{EventType, Line, MAX_LINES};
use crate::domain::ids::{EventId, ProductKey, VariantKey};
use crate::domain::slate::{ReasonCode, Slate, SlateItem};
use bytesize::ByteSize;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a busy machine needs to answer; the defaults are for a machine that serves.
pub(super) fn patient() -> RedisConfig {
    let patience = Duration::from_secs(5);
    RedisConfig { read_timeout: patience, write_timeout: patience, ..RedisConfig::default() }
}

pub(super) fn open(url: &str, config: RedisConfig) -> RedisStore {
    RedisStore::open(&Address::parse(url).unwrap(), config).unwrap()
}

impl Server {
    pub(super) fn store(&self) -> RedisStore {
        open(&self.url(), patient())
    }
}

pub(super) fn who(text: &str) -> ShopperKey {
    ShopperKey::new(text)
}

pub(super) fn viewed(id: &str, second: i64) -> Event {
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
        open(&server.url(), RedisConfig { prefix: format!("store {nth}"), ..patient() })
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
    let store = open(&server.url(), RedisConfig { decisions_size: ByteSize::mib(1), ..patient() });
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();
    store.set_consent(&who("t"), Consent::NONE).await.unwrap();
    for n in 0..50 {
        store.put(crate::store::contract::decision("s", &format!("d{n}"))).await.unwrap();
    }
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in &keys {
        assert!(key.starts_with("outfitter:{s}:") || key.starts_with("outfitter:{t}:"), "{key}");
        assert!(server.ask::<i64>(&["PTTL", key]).await > 0, "{key}");
    }
    let days = Duration::from_millis(server.ask::<u64>(&["PTTL", "outfitter:{t}:shopper"]).await).as_secs() / 86_400;
    assert!(days > 300, "a withdrawn consent must not be forgotten with the session: {days}");
    assert_eq!(server.ask::<u32>(&["LLEN", "outfitter:{s}:decided"]).await, 20, "the newest stay");
    assert!(store.get(&who("s"), &DecisionId::new("d49")).await.unwrap().is_some());
    assert!(store.get(&who("s"), &DecisionId::new("d0")).await.unwrap().is_none());
}

/// A decision as a storefront's page makes it: four products of twelve candidates, each with a score of its own.
fn decided(shopper: &str, id: &str) -> DecisionRecord {
    let item = |n: usize| SlateItem {
        product: viewed("", i64::try_from(n).unwrap()).product.unwrap(),
        score: rand::random(),
        reason: ReasonCode::ViewedTogether,
        because: viewed("", 3).product,
    };
    let read = |name: &str, value: String| InputRead {
        name: name.into(),
        purpose: Some(Purpose::Preferences),
        value: value.into(),
    };
    let bare = crate::store::contract::decision(shopper, id);
    let candidates = Slate { items: (0..12).map(item).collect(), ..bare.candidates.clone() };
    let viewed: Vec<_> = candidates.items.iter().map(|item| item.product.as_str()).collect();
    let inputs = [read("session.viewed", viewed.join(" ")), read("interests", "Tents, Lamps, Stoves".to_owned())];
    let slate = Slate { items: candidates.items[..4].to_vec(), ..bare.slate.clone() };
    DecisionRecord { candidates, slate, inputs: inputs.into(), ..bare }
}

#[tokio::test]
async fn the_newest_decisions_stay_within_what_they_may_take() {
    let server = Server::start();
    let store = server.store();
    for n in 0..30 {
        store.put(decided("s", &format!("{n:032x}"))).await.unwrap();
        let list: Vec<Vec<u8>> = server.ask(&["LRANGE", "outfitter:{s}:decided", "0", "-1"]).await;
        assert!(list.iter().map(Vec::len).sum::<usize>() <= 1536, "{n}");
    }
    assert!(server.ask::<u32>(&["LLEN", "outfitter:{s}:decided"]).await >= 3);
    let get = async |n: u32| store.get(&who("s"), &DecisionId::new(format!("{n:032x}"))).await.unwrap();
    assert!(get(29).await.is_some() && get(28).await.is_some() && get(0).await.is_none());
    // Each has its own time to live, also where newer ones keep the list.
    let ttl = Duration::from_millis(200);
    let short = open(&server.url(), RedisConfig { decision_ttl: ttl, ..patient() });
    short.put(decided("u", "old")).await.unwrap();
    tokio::time::sleep(ttl).await;
    short.put(decided("u", "new")).await.unwrap();
    assert_eq!(server.ask::<u32>(&["LLEN", "outfitter:{u}:decided"]).await, 1);
    assert!(short.get(&who("u"), &DecisionId::new("old")).await.unwrap().is_none());
    let least = open(&server.url(), RedisConfig { decisions_size: ByteSize::b(1), ..patient() });
    least.put(decided("t", "one")).await.unwrap();
    assert!(least.get(&who("t"), &DecisionId::new("one")).await.unwrap().is_some(), "the newest stays");
}

#[tokio::test]
async fn a_redis_that_is_stopped_killed_and_back_costs_answers_and_nothing_else() {
    let mut server = Server::start();
    let short = Duration::from_millis(200);
    let config = RedisConfig { read_timeout: short, write_timeout: short, open_for: short, ..RedisConfig::default() };
    let store = open(&server.url(), config);
    let read = async || ShopperStore::read(&store, &who("s")).await.map(|state| state.session.events.len());
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();

    server.signal("-STOP");
    assert!(matches!(read().await, Err(StoreError::Timeout)));
    while !matches!(read().await, Err(StoreError::Unavailable(_))) {}
    server.signal("-CONT");
    while !matches!(read().await, Ok(1)) {
        tokio::time::sleep(short / 4).await;
    }

    server.kill();
    assert!(read().await.is_err());
    assert!(store.append(&who("s"), &[viewed("b", 2)]).await.is_err());
    server.restart();
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
    // A page may ask for many changes at once: that they are refused holds up no read.
    let refused = async |code: &str| {
        for at in 0..20 {
            assert!(store.append(&who("s"), &[viewed("b", at)]).await.unwrap_err().to_string().contains(code));
            assert_eq!(ShopperStore::read(&store, &who("s")).await.unwrap().session.events.len(), 1);
        }
    };
    let _: () = server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    refused("OOM").await;
    let _: () = server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let _: () = server.ask(&["REPLICAOF", "127.0.0.1", "1"]).await;
    refused("READONLY").await;
    let _: () = server.ask(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(store.append(&who("s"), &[viewed("b", 2)]).await.unwrap(), [Appended::Accepted]);
}

#[tokio::test]
async fn a_record_that_nobody_can_read_is_unavailable_and_gives_way_to_what_comes_next() {
    let server = Server::start();
    let store = server.store();
    let _: () = server.ask(&["SET", "outfitter:{s}:shopper", "no record of ours"]).await;
    assert!(matches!(ShopperStore::read(&store, &who("s")).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.append(&who("s"), &[viewed("a", 1)]).await.unwrap(), [Appended::Accepted]);
    assert_eq!(ShopperStore::read(&store, &who("s")).await.unwrap().session.events.len(), 1);
    // What is no value at all was not written by any version of this program, and is left to whoever wrote it.
    let _: i64 = server.ask(&["LPUSH", "outfitter:{t}:shopper", "a list"]).await;
    for _ in 0..20 {
        assert!(matches!(ShopperStore::read(&store, &who("t")).await, Err(StoreError::Unavailable(_))));
        assert!(store.append(&who("t"), &[viewed("a", 1)]).await.is_err());
    }
    assert!(ShopperStore::read(&store, &who("s")).await.is_ok(), "others are served");
}

#[tokio::test]
async fn a_shopper_of_the_longest_carts_that_are_taken_can_be_read_again() {
    let server = Server::start();
    let store = server.store();
    // Each character takes six bytes as it is written.
    let long = |n: usize| format!("{n:04}{}", "\u{1}".repeat(251));
    let line = |n| Line {
        product: ProductKey::new(long(n)),
        variant: Some(VariantKey::new(long(n))),
        quantity: 1,
        price: None,
    };
    for nth in 0..40 {
        let id = EventId::new(format!("{nth} {}", "\u{1}".repeat(120)));
        let bare = Event::bare(id, EventType::CheckoutStarted, viewed("", nth).at);
        let event = Event { lines: (0..MAX_LINES).map(line).collect(), query: Some(long(0).into()), ..bare };
        assert_eq!(store.append(&who("s"), &[event]).await.unwrap(), [Appended::Accepted], "{nth}");
    }
    assert!(!ShopperStore::read(&store, &who("s")).await.unwrap().session.events.is_empty());
}

#[tokio::test]
async fn what_replicas_do_not_have_is_not_acknowledged_and_counts_once_when_it_is_sent_again() {
    let server = Server::start();
    let open_for = Duration::from_millis(50);
    let store = open(&server.url(), RedisConfig { replicas: Some(1), open_for, ..patient() });
    let (append, event) =
        (async |event: Event| store.append_durably(&who("s"), &[event]).await?.durable(), viewed("a", 1));
    assert!(matches!(append(event.clone()).await, Err(StoreError::NotDurable)));
    assert_eq!(ShopperStore::read(&store, &who("s")).await.unwrap().session.events.len(), 1, "stored all the same");
    // While they are late nobody waits, and nothing is acknowledged.
    assert!(matches!(append(event.clone()).await, Err(StoreError::NotDurable)));
    // Nor is what a shopper said of consent, or had erased.
    assert!(matches!(store.set_consent(&who("t"), Consent::NONE).await, Err(StoreError::NotDurable)));
    assert!(matches!(ShopperStore::erase(&store, &who("t")).await, Err(StoreError::NotDurable)));

    let mut replica = Server::replica_of(&server).await;
    let acknowledged = loop {
        match append(event.clone()).await {
            Err(StoreError::NotDurable) => tokio::time::sleep(open_for).await,
            answer => break answer.unwrap(),
        }
    };
    assert_eq!(acknowledged, [Appended::Duplicate], "it is on the replica now");
    assert_eq!(append(viewed("b", 2)).await.unwrap(), [Appended::Accepted]);
    assert!(replica.ask::<u64>(&["EXISTS", "outfitter:{s}:shopper"]).await > 0);
    replica.kill();
    assert!(matches!(append(viewed("c", 3)).await, Err(StoreError::NotDurable)));
}

#[tokio::test]
async fn redis_is_asked_over_tls_by_the_authority_of_the_settings_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["own", "other"] {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(file(&format!("{name}.pem")), made.cert.pem()).unwrap();
        std::fs::write(file(&format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    let (certificate, key) = (file("own.pem"), file("own.key"));
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &certificate];
    let listens = ["--port", "0", "--tls-port", PORT, "--tls-auth-clients", "no", "--requirepass", "secret"];
    let server = Server::with(&[&files[..], &listens[..]].concat());
    let url = format!("rediss://localhost:{}/", server.port);
    let append = async |ca: &str| {
        let address = Address::parse(&url).unwrap().with_password("secret");
        let store = RedisStore::open(&address, RedisConfig { ca: Some(file(ca).into()), ..patient() }).unwrap();
        store.append(&who("s"), &[viewed("a", 1)]).await
    };
    assert!(append("other.pem").await.is_err());
    assert_eq!(append("own.pem").await.unwrap(), [Appended::Accepted]);
    let missing = RedisConfig { ca: Some(file("missing.pem").into()), ..patient() };
    let error = RedisStore::open(&Address::parse(&url).unwrap(), missing).unwrap_err().to_string();
    assert!(error.contains("missing.pem") && error.contains("store.redis.ca"), "{error}");
}
