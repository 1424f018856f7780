//! Logins: what a session held becomes its customer's, and nobody else's.

use super::super::traits::{Appended, ShopperState, ShopperStore};
use super::{add, at, cancelled, ids, key, ordered, read, valued, viewed, worth};
use crate::domain::consent::{Consent, Purpose};

pub(super) async fn login_moves_the_session_each_time_and_a_second_customer_gets_nothing_of_it<S: ShopperStore>(
    store: &S,
) {
    add(store, "session", &[viewed("a", 1, "p"), ordered("o", 2, Some("1"), &["q"])]).await;
    login(store, "session", "anna").await;
    let left = read(store, "session").await;
    assert!(left.session.events.is_empty() && left.profile.bought.is_empty() && left.profile.visits == 0);
    assert_eq!(ids(&read(store, "anna").await), ["a", "o"]);
    assert_eq!(read(store, "anna").await.profile.orders, 1);
    assert_eq!(add(store, "session", &[viewed("a", 1, "p")]).await, [Appended::Duplicate], "sent again after login");
    // Signed out and in again.
    add(store, "session", &[viewed("b", 3, "r")]).await;
    login(store, "session", "anna").await;
    login(store, "session", "anna").await;
    assert_eq!(ids(&read(store, "anna").await), ["a", "o", "b"]);
    // What is done between logins of two may be either's: it is nobody's, then and for good.
    for who in ["bert", "anna"] {
        add(store, "session", &[viewed(&format!("before {who}"), 4, "s")]).await;
        login(store, "session", who).await;
    }
    assert_eq!(read(store, "bert").await, ShopperState::default());
    assert_eq!(ids(&read(store, "anna").await), ["a", "o", "b"]);
    assert_eq!(ids(&read(store, "session").await), ["before bert", "before anna"]);
    // Also where the session held nothing at the first login.
    login(store, "new", "carl").await;
    assert_eq!(read(store, "carl").await, ShopperState::default());
    add(store, "new", &[viewed("c", 1, "p")]).await;
    login(store, "new", "bert").await;
    assert_eq!(read(store, "bert").await, ShopperState::default());
    login(store, "anna", "anna").await;
    assert_eq!(ids(&read(store, "anna").await), ["a", "o", "b"]);
    // Erased, the device begins anew.
    assert!(ShopperStore::erase(store, &key("session")).await.unwrap());
    add(store, "session", &[viewed("d", 9, "p")]).await;
    login(store, "session", "bert").await;
    assert_eq!(ids(&read(store, "bert").await), ["d"]);
}

/// Secrets change: a session's key, a customer's, or both.
pub(super) async fn a_session_stays_its_customers_over_changes_of_secrets<S: ShopperStore>(store: &S) {
    add(store, "old session", &[viewed("a", 1, "p")]).await;
    store.set_consent(&key("old session"), Consent::ALL).await.unwrap();
    login(store, "old session", "old anna").await;
    add(store, "old session", &[viewed("b", 2, "p")]).await;
    for _ in 0..2 {
        store.rename(&key("old session"), &key("session")).await.unwrap();
        store.rename(&key("old anna"), &key("anna")).await.unwrap();
    }
    assert_eq!((ids(&read(store, "anna").await), ids(&read(store, "session").await)), (vec!["a"], vec!["b"]));
    for old in ["old session", "old anna"] {
        let left = read(store, old).await;
        assert_eq!((left.session.events.len(), left.consent), (0, None), "{old}");
    }
    for now in ["session", "anna"] {
        assert_eq!(read(store, now).await.consent, Some(Consent::ALL), "{now}");
    }
    store.stitch(&key("session"), &key("anna"), &[key("old anna")]).await.unwrap();
    assert_eq!(ids(&read(store, "anna").await), ["a", "b"]);
    add(store, "session", &[viewed("c", 3, "p")]).await;
    login(store, "session", "bert").await;
    assert_eq!(read(store, "bert").await.session.events.len(), 0);
    // Nothing is there to move, and nothing is made.
    store.rename(&key("nobody"), &key("somebody")).await.unwrap();
    assert_eq!(read(store, "somebody").await, ShopperState::default());
}

pub(super) async fn login<S: ShopperStore>(store: &S, session: &str, customer: &str) {
    store.stitch(&key(session), &key(customer), &[]).await.unwrap();
}

pub(super) async fn login_merges_what_both_know<S: ShopperStore>(store: &S) {
    add(store, "anna", &[viewed("a", 1, "p"), ordered("hook", 50, Some("1"), &["q"])]).await;
    add(store, "session", &[viewed("b", 2, "r"), viewed("a", 1, "p"), ordered("web", 49, Some("1"), &["q"])]).await;
    store.set_consent(&key("session"), Consent::NONE).await.unwrap();
    login(store, "session", "anna").await;
    let state = read(store, "anna").await;
    assert_eq!(ids(&state), ["a", "b", "web", "hook"]);
    assert_eq!((state.profile.orders, state.profile.visits), (1, 1));
    assert_eq!(state.profile.bought.len(), 1);
    assert_eq!((state.profile.bought[0].times, state.profile.bought[0].last), (1, at(50)));
    assert_eq!(state.consent, Some(Consent::NONE), "what was said before the login holds");
}

pub(super) async fn value_goes_with_a_login_once_and_to_nobody_else<S: ShopperStore>(store: &S) {
    add(store, "anna", &[valued("hook", 10, "1", (1000, "EUR"))]).await;
    let session = [
        ordered("web", 10, Some("1"), &["p"]),
        ordered("guest", 20, Some("2"), &["p"]),
        valued("guest paid", 20, "2", (700, "EUR")),
        valued("regretted", 40, "3", (900, "EUR")),
        cancelled("back", 50, "3", &["p"]),
    ];
    add(store, "session", &session).await;
    login(store, "session", "anna").await;
    let annas = (2, vec![(2, 1700, "EUR".to_owned())], Some(20));
    assert_eq!(worth(&read(store, "anna").await), annas);
    // What the platform sends again to the session does not come back to it.
    let again = add(store, "session", &[valued("again", 20, "2", (700, "EUR")), viewed("v", 60, "p")]).await;
    assert_eq!(again, [Appended::Duplicate, Appended::Accepted]);
    assert_eq!(worth(&read(store, "session").await), (0, vec![], None));
    login(store, "session", "bert").await;
    assert_eq!(worth(&read(store, "bert").await), (0, vec![], None));
    login(store, "session", "anna").await;
    assert_eq!(worth(&read(store, "anna").await), annas);
}

pub(super) async fn a_customers_sessions_are_known_until_the_customer_is_erased<S: ShopperStore>(store: &S) {
    let devices = async |who: &str| store.devices(&key(who)).await.unwrap();
    add(store, "phone", &[viewed("a", 1, "p")]).await;
    login(store, "phone", "anna").await;
    // Nothing was done there before.
    login(store, "desk", "anna").await;
    login(store, "phone", "anna").await;
    assert_eq!(devices("anna").await, ["phone", "desk"].map(key));
    assert_eq!((devices("phone").await, devices("nobody").await), (vec![], vec![]));
    store.rename(&key("anna"), &key("anna anew")).await.unwrap();
    assert_eq!((devices("anna").await, devices("anna anew").await), (vec![], ["phone", "desk"].map(key).to_vec()));
    // Withdrawing one purpose leaves what the others are erased by.
    store.erase_purpose(&key("anna anew"), Purpose::Preferences).await.unwrap();
    assert_eq!(devices("anna anew").await.len(), 2);
    store.erase(&key("anna anew")).await.unwrap();
    assert!(devices("anna anew").await.is_empty());
}
