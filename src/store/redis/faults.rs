//! A Redis behind a network that damages its answers: no shopper is ever given another's, nothing acknowledged is lost, and
//! the store is there again as soon as the network is.

use super::proxy::{Fault, Proxy};
use super::servers::Server;
use super::tests::{open, viewed, who};
use super::*;
use crate::domain::ids::{EventId, ProductKey};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

const SHOPPERS: usize = 8;
/// Events of one shopper while one thing is done to answers, at most.
const APPENDED: i64 = 30;

/// What is done to answers, each often enough to hit many of them.
const FAULTS: [Fault; 6] = [
    Fault::Corrupt(4),
    Fault::Lose(4),
    Fault::Swallow(6),
    Fault::Truncate(6),
    Fault::HalfClose(6),
    Fault::Delay(Duration::from_millis(300)),
];

/// Long enough for a busy machine, short enough that a lost answer does not hold the test up.
fn serving() -> RedisConfig {
    let short = Duration::from_millis(250);
    RedisConfig {
        read_timeout: short,
        write_timeout: short,
        open_for: Duration::from_millis(20),
        ..RedisConfig::default()
    }
}

fn name(shopper: usize) -> String {
    format!("shopper-{shopper}")
}

/// An event that says whose it is.
fn own(shopper: usize, nth: i64) -> Event {
    let product = ProductKey::new(format!("product of {}", name(shopper)));
    Event { product: Some(product), id: EventId::new(format!("{shopper} {nth}")), ..viewed("", nth) }
}

/// What became of one shopper's questions.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<EventId>,
    answered: usize,
    failed: usize,
}

/// Appends and reads as one shopper until it is told to stop. Whatever is read is that shopper's own.
async fn shop(store: Arc<RedisStore>, shopper: usize, round: i64, stop: Arc<AtomicBool>) -> Seen {
    let (key, mut seen) = (who(&name(shopper)), Seen::default());
    for nth in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Never more than a session keeps.
        if nth < APPENDED {
            let event = own(shopper, round * APPENDED + nth);
            match store.append_durably(&key, std::slice::from_ref(&event)).await.and_then(Stored::durable) {
                Ok(_) => seen.acknowledged.push(event.id),
                Err(_) => seen.failed += 1,
            }
        }
        match ShopperStore::read(&*store, &key).await {
            Ok(state) => {
                seen.answered += 1;
                let is_own = |event: &Event| event.product == own(shopper, 0).product;
                assert!(state.session.events.iter().all(is_own), "{} was given {state:?}", name(shopper));
            }
            Err(_) => seen.failed += 1,
        }
        let decision = crate::store::contract::decision(&name(shopper), &format!("decision {round} {nth}"));
        let id = decision.slate.decision.id.clone();
        // Where a put fails there is none to get; and where it does not, an answer may be lost.
        if store.put(decision.clone()).await.is_ok()
            && let Ok(Some(found)) = store.get(&key, &id).await
        {
            assert_eq!(found, decision, "{} was given another's decision", name(shopper));
        }
        // While nothing is sent, everything fails at once.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_damaged_or_fall_to_the_wrong_question_are_nobodys_and_nothing_acknowledged_is_lost() {
    let server = Server::start();
    let proxy = Proxy::before(server.port).await;
    let store = Arc::new(open(&proxy.url(), serving()));
    let mut acknowledged: Vec<Vec<EventId>> = vec![Vec::new(); SHOPPERS];
    for (round, fault) in (0..).zip(FAULTS) {
        let (before, stop) = (proxy.done(), Arc::new(AtomicBool::new(false)));
        proxy.set(fault);
        let mut shoppers = JoinSet::new();
        for shopper in 0..SHOPPERS {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            shoppers.spawn(async move { (shopper, shop(store, shopper, round, stop).await) });
        }
        // Delays follow one another on a connection.
        let enough = if matches!(fault, Fault::Delay(_)) { 4 } else { 20 };
        while proxy.done() < before + enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.store(true, Ordering::Relaxed);
        let (mut answered, mut failed) = (0, 0);
        for (shopper, seen) in shoppers.join_all().await {
            acknowledged[shopper].extend(seen.acknowledged);
            answered += seen.answered;
            failed += seen.failed;
        }
        eprintln!("{fault:?}: {answered} reads answered, {failed} questions failed");
        assert!(failed > 0, "{fault:?} did nothing");
        // And the store is there again without anybody's doing.
        proxy.set(Fault::None);
        while ShopperStore::read(&*store, &who(&name(0))).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let appended = async || store.append(&who("afterwards"), &[viewed(&format!("{round}"), round)]).await;
        while appended().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // Asked of the server itself, past the proxy: everything acknowledged, once and in order.
    let direct = server.store();
    for (shopper, ids) in acknowledged.iter().enumerate() {
        let state = ShopperStore::read(&direct, &who(&name(shopper))).await.unwrap();
        let kept: Vec<&EventId> = state.session.events.iter().map(|event| &event.id).collect();
        for id in ids {
            assert_eq!(kept.iter().filter(|kept| **kept == id).count(), 1, "{id} of {}", name(shopper));
        }
        assert!(state.session.events.is_sorted_by_key(|event| event.at));
    }
    assert!(acknowledged.iter().map(Vec::len).sum::<usize>() > 50);
}

#[tokio::test]
async fn an_answer_that_is_lost_holds_up_one_connection_and_not_the_store() {
    let server = Server::start();
    let proxy = Proxy::before(server.port).await;
    let store = open(&proxy.url(), RedisConfig { read_timeout: Duration::from_millis(50), ..serving() });
    store.append(&who("s"), &[viewed("a", 1)]).await.unwrap();
    // An answer is lost, and the connection goes on: each that comes then is that of the question before.
    proxy.set(Fault::Swallow(1));
    assert!(matches!(ShopperStore::read(&store, &who("s")).await, Err(StoreError::Timeout)));
    proxy.set(Fault::None);
    loop {
        match ShopperStore::read(&store, &who("s")).await {
            Ok(state) => break assert_eq!(state.session.events[0].id, EventId::new("a")),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
