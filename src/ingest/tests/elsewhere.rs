//! Erasing a shopper whom other replicas keep something of.

use super::fakes::Shelf;
use super::redaction::{lines, process};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;
use crate::ingest::erasures::Erasures;
use crate::ingest::task::{Did, Task};
use crate::store::{Erasure, Place};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_another_replica_keeps_of_an_erased_shopper_goes_and_what_it_had_waiting_does_not_come_back() {
    let folders = tempfile::tempdir().unwrap();
    let folder = |name: &str| folders.path().join(name);
    let shelf = Arc::new(Shelf::default());
    let (told, other, down) = (process(&folder("told"), &shelf), process(&folder("other"), &shelf), folder("down"));
    {
        let down = process(&down, &shelf);
        down.visit("erased").await;
        down.ingest.settle().await;
        *shelf.down.lock().unwrap() = true;
        for session in ["erased", "stays"] {
            assert_eq!(down.beacon_of(session).await, 1);
        }
    }
    assert_eq!(lines(&down), 3);
    *shelf.down.lock().unwrap() = false;
    for session in ["erased", "stays"] {
        other.visit(&format!("{session}-too")).await;
    }
    let too = other.caller("erased-too", "all").await;
    other.ingest.settle().await;
    assert_eq!(lines(&folder("other")), 2);
    // Under way at the other replica when it is erased.
    let (erased, stays) = (told.caller("erased", "all").await, told.caller("stays", "all").await);
    for caller in [&erased, &too] {
        told.ingest.forget(caller).await.unwrap();
    }
    other.until(|stage| stage.ingest.recent().len() == 1).await;
    other.ingest.settle().await;
    assert_eq!(lines(&folder("other")), 1);
    let late = other.codes(&too, vec![super::fakes::view("late", "p1")]).await;
    assert_eq!(late, ["NO_CONSENT"], "it was weighed before");

    let up = process(&down, &shelf);
    up.until(|_| std::fs::read_dir(down.join("spool")).unwrap().all(|file| file.unwrap().path().extension().is_none()))
        .await;
    up.ingest.hear_erasures().await.unwrap();
    up.ingest.settle().await;
    let kept = |caller: &crate::ingest::Caller| shelf.products(caller.shopper.as_ref().unwrap()).len();
    assert_eq!((kept(&erased), kept(&stays)), (0, 1), "what waited of whoever was erased is not stored");
    assert_eq!(lines(&down), 1, "what waited of whoever stays");
}

#[test]
fn a_purpose_is_gone_for_what_came_before_its_erasure_and_what_was_done_is_no_news() {
    let erasures = Erasures::new(&crate::ingest::Config::default());
    let (now, second) = (Timestamp::now(), Duration::from_secs(1));
    let told =
        |n: u64, who: &str, purpose| (Place(n, 0), Erasure { who: ShopperKey::new(who), purpose, at: now, by: 1 });
    let all = vec![told(1, "a", Some(Purpose::Preferences)), told(200_000, "b", None)];
    assert_eq!((erasures.hear(all.clone()).len(), erasures.behind()), (2, Place(0, 0)));
    erasures.done(all.iter().map(|(place, _)| *place));
    // A little before the last one is asked for again: a store that took over may have a clock that is late.
    assert_eq!((erasures.hear(all[1..].to_vec()), erasures.behind()), (vec![], Place(140_000, 0)));
    let gone = |who: &str, since| erasures.gone([ShopperKey::new(who)].iter(), since);
    let preferences = Consent::NONE.with(Purpose::Preferences, true);
    assert_eq!((gone("a", Some(now - second)), gone("a", Some(now + second))), (preferences, Consent::NONE));
    assert_eq!((gone("b", None), gone("b", Some(now)), gone("c", None)), (Consent::ALL, Consent::ALL, Consent::NONE));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_longer_than_erasures_are_told_is_not_stored_and_a_spool_that_is_done_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let stage = process(folder.path(), &Arc::default());
    let did = |session: &str, days: i64| Did {
        customer: None,
        session: Some(ShopperKey::new(session)),
        older: Vec::new(),
        said: Some(Consent::ALL),
        market: Market::default(),
        events: vec![super::fakes::view(session, "p1")],
        at: Some(Timestamp::now() - SignedDuration::from_hours(24 * days)),
    };
    for (session, days) in [("long-ago", 8), ("lately", 6)] {
        stage.ingest.keep(Task::Events(Box::new(did(session, days)))).await.unwrap();
    }
    stage.until(|_| std::fs::read_dir(folder.path().join("spool")).unwrap().count() == 0).await;
    let kept = |session: &str| stage.shelf.products(&ShopperKey::new(session)).len();
    assert_eq!((kept("long-ago"), kept("lately")), (0, 1));
    stage.until(|_| folder.path().join("log/heard").exists()).await;
}
