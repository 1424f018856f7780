//! What is kept of the whole shop: its redaction, and deliveries.

use super::*;
use crate::store::shop::{Erasure, MOST_NEWS, Place, ProductNote, ProductsTold, Redaction};

pub(super) async fn a_redacted_shop_is_empty_and_takes_what_comes_then<S: ShopperStore + DecisionStore + ShopStore>(
    store: &S,
) {
    assert_eq!(store.redaction().await.unwrap(), None);
    for who in ["s", "t", "u"] {
        add(store, who, &[viewed("a", 1, "p"), ordered("o", 2, Some("1"), &["q"])]).await;
        store.put(decision(who, &format!("d-{who}"))).await.unwrap();
    }
    store.set_consent(&key("s"), Consent::NONE).await.unwrap();
    super::logins::login(store, "t", "u").await;
    for second in [0, 1] {
        ShopStore::note_redaction(store, at(second)).await.unwrap();
        assert_eq!(store.redaction().await.unwrap(), Some(Redaction { at: at(second), done: false }));
        // A second time, as after a crash; what was noted since is not done with it.
        for _ in 0..2 {
            ShopStore::redact(store, at(second)).await.unwrap();
            assert_eq!(store.redaction().await.unwrap(), Some(Redaction { at: at(second), done: true }));
        }
        for who in ["s", "t", "u"] {
            assert_eq!(read(store, who).await, ShopperState::default(), "{who}");
            assert!(store.of(&key(who)).await.unwrap().is_empty(), "{who}");
            assert_eq!(store.get(&key(who), &DecisionId::new(format!("d-{who}"))).await.unwrap(), None);
        }
        add(store, "s", &[viewed("a", 1, "p")]).await;
        store.put(decision("s", "later")).await.unwrap();
        assert_eq!((ids(&read(store, "s").await), store.of(&key("s")).await.unwrap().len()), (vec!["a"], 1));
    }
    ShopStore::note_redaction(store, at(0)).await.unwrap();
    assert_eq!(store.redaction().await.unwrap(), Some(Redaction { at: at(1), done: true }), "an older one is no news");
    ShopStore::note_redaction(store, at(2)).await.unwrap();
    ShopStore::redact(store, at(1)).await.unwrap();
    assert_eq!(store.redaction().await.unwrap(), Some(Redaction { at: at(2), done: false }));
}

pub(super) async fn deliveries_are_remembered_for_their_time<S: ShopStore>(store: &S) {
    let ids = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert!(!store.knows(&[]).await.unwrap() && !store.knows(&ids(&["a", "b"])).await.unwrap());
    store.remember(&ids(&["a", "b"]), Duration::from_secs(60)).await.unwrap();
    assert!(store.knows(&ids(&["c", "b"])).await.unwrap() && !store.knows(&ids(&["c"])).await.unwrap());
    store.remember(&ids(&["short"]), Duration::from_millis(1)).await.unwrap();
    while store.knows(&ids(&["short"])).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(super) async fn erasures_are_told_in_their_order_and_once_behind_each_place<S: ShopStore>(store: &S) {
    assert_eq!(store.erasures(Place::default()).await.unwrap(), []);
    let erasure = |who: &str, purpose| Erasure { who: key(who), purpose, at: at(1), by: 7 };
    let noted = [erasure("s", None), erasure("t", Some(Purpose::Preferences)), erasure("s", None)];
    for one in &noted {
        store.note_erasure(one).await.unwrap();
    }
    let told = store.erasures(Place::default()).await.unwrap();
    assert_eq!(told.iter().map(|(_, erasure)| erasure.clone()).collect::<Vec<_>>(), noted);
    assert_eq!(store.erasures(told[0].0).await.unwrap(), told[1..]);
    assert_eq!(store.erasures(told[2].0).await.unwrap(), []);
}

pub(super) async fn news_of_products_is_told_in_its_order_and_what_is_missing_is_a_gap<S: ShopStore>(store: &S) {
    let begin = store.products(None).await.unwrap();
    assert_eq!(store.products(Some(begin.at)).await.unwrap(), begin, "nothing yet");
    let note = |by, told: &str| ProductNote { by, told: told.to_owned() };
    let noted = [note(1, "a"), note(2, "b"), note(2, "c")];
    store.note_products(&noted).await.unwrap();
    let told = store.products(Some(begin.at)).await.unwrap();
    assert_eq!((&told.notes[..], told.gap), (&noted[..], false));
    let last = store.products(None).await.unwrap();
    assert_eq!((last.notes.len(), last.at, last.gap), (0, told.at, false), "whoever begins hears of what comes then");
    assert_eq!(store.products(Some(told.at)).await.unwrap(), ProductsTold { notes: Vec::new(), ..told.clone() });
    store.note_products(&noted[..1]).await.unwrap();
    let next = store.products(Some(told.at)).await.unwrap();
    assert_eq!((&next.notes[..], next.gap), (&noted[..1], false));
    for _ in 0..=MOST_NEWS / 500 {
        store.note_products(&vec![note(1, "many"); 500]).await.unwrap();
    }
    let late = store.products(Some(next.at)).await.unwrap();
    assert!(late.gap && late.notes.len() <= MOST_NEWS + 500, "{}", late.notes.len());
    assert!(!store.products(Some(late.at)).await.unwrap().gap);
}
