//! A process that dies in the middle of a login: a future that is dropped at each place where it waits, in turn. Whatever
//! was on its way is taken up by the next login, and belongs to the customer who came first.

use super::servers::Server;
use super::tests::{viewed, who};
use super::*;
use crate::domain::event::{EventType, Line};
use crate::domain::ids::{EventId, OrderKey, ProductKey};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

fn ordered(id: &str, second: i64) -> Event {
    let line = Line { product: ProductKey::new("p"), variant: None, quantity: 1, price: None };
    let order = Some(OrderKey::new(format!("order of {id}")));
    Event { order, lines: vec![line], kind: EventType::CheckoutCompleted, ..viewed(id, second) }
}

/// Runs until it has been woken so often, and then no more. Whether it came to its end.
async fn until_killed<T>(wakes: usize, work: impl Future<Output = T>) -> bool {
    let (mut work, mut woken) = (pin!(work), 0);
    let ended = poll_fn(|context| {
        woken += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if woken > wakes => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    });
    ended.await
}

/// Ids of the events, and orders.
async fn known(store: &RedisStore, shopper: &str) -> (Vec<EventId>, u32) {
    let state = ShopperStore::read(store, &who(shopper)).await.unwrap();
    (state.session.events.iter().map(|event| event.id.clone()).collect(), state.profile.orders)
}

/// What `next` finds after a process has died at each step of Anna's login in turn, each time on an empty server. `next`
/// is given the store of another process.
async fn after_each_death(next: impl AsyncFn(RedisStore)) {
    for wakes in 0.. {
        let server = Server::start();
        let dying = server.store();
        dying.append(&who("session"), &[viewed("a", 1), ordered("o", 2)]).await.unwrap();
        let ended = until_killed(wakes, dying.stitch(&who("session"), &who("anna"), &[])).await;
        // What was sent by then arrives.
        let _: String = server.ask(&["PING"]).await;
        drop(dying);
        next(server.store()).await;
        if ended {
            assert!(wakes >= 3, "a login waits for several answers");
            return;
        }
    }
}

#[tokio::test]
async fn events_of_a_session_survive_a_death_at_any_step_of_the_login_and_count_once() {
    after_each_death(async |store| {
        store.stitch(&who("session"), &who("anna"), &[]).await.unwrap();
        assert_eq!(known(&store, "anna").await, (vec![EventId::new("a"), EventId::new("o")], 1));
        assert_eq!(known(&store, "session").await, (vec![], 0));
        // Once more changes nothing.
        store.stitch(&who("session"), &who("anna"), &[]).await.unwrap();
        assert_eq!(known(&store, "anna").await.1, 1);
    })
    .await;
}

#[tokio::test]
async fn what_left_for_one_customer_never_reaches_the_next_on_the_same_device() {
    after_each_death(async |store| {
        let left = known(&store, "session").await.0.is_empty();
        store.append(&who("session"), &[viewed("b", 3)]).await.unwrap();
        store.stitch(&who("session"), &who("bert"), &[]).await.unwrap();
        let (annas, berts) = (known(&store, "anna").await, known(&store, "bert").await);
        if left {
            assert_eq!((annas.0.len(), annas.1), (2, 1));
            assert_eq!(berts, (vec![], 0), "the session is Anna's");
        } else {
            // Anna's login had not begun: the first to come has the session.
            assert_eq!((annas.0.len(), berts.0.len(), berts.1), (0, 3, 1));
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_of_the_customer_does_not_come_back_with_a_login_on_its_way() {
    after_each_death(async |store| {
        let left = known(&store, "session").await.0.is_empty();
        store.append(&who("anna"), &[viewed("elsewhere", 5)]).await.unwrap();
        assert!(ShopperStore::erase(&store, &who("anna")).await.unwrap());
        store.stitch(&who("session"), &who("anna"), &[]).await.unwrap();
        let expected = if left { (vec![], 0) } else { (vec![EventId::new("a"), EventId::new("o")], 1) };
        assert_eq!(known(&store, "anna").await, expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_on_its_way_is_erased_with_the_session() {
    after_each_death(async |store| {
        let gone = !known(&store, "anna").await.0.is_empty();
        assert!(ShopperStore::erase(&store, &who("session")).await.unwrap() || gone);
        store.stitch(&who("session"), &who("anna"), &[]).await.unwrap();
        assert_eq!(known(&store, "anna").await.0.is_empty(), !gone);
    })
    .await;
}
