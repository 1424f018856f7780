//! What the platform says of customers.

use super::super::traits::ShopperStore;
use super::{at, key, read, viewed};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::standing::{Tags, Told};
use jiff::{Timestamp, ToSpan};

fn told(consent: Option<Consent>, second: i64) -> Told {
    Told { consent: Some(consent), tags: Some(Tags::All(vec![Box::from("vip")])), at: at(second) }
}

pub(super) async fn what_the_platform_says_is_kept_by_its_time<S: ShopperStore>(store: &S) {
    let (anna, some) = (key("anna"), Consent::NONE.with(Purpose::Analytics, true));
    assert_eq!(read(store, "anna").await.agreed(), None);
    store.hear(&anna, &told(Some(some), 20)).await.unwrap();
    store.hear(&anna, &told(Some(Consent::ALL), 10)).await.unwrap();
    assert_eq!(read(store, "anna").await.agreed(), Some(some));
    assert_eq!(read(store, "bert").await.agreed(), None);
    // Both have to allow.
    store.set_consent(&anna, Consent::NONE.with(Purpose::Preferences, true)).await.unwrap();
    assert_eq!(read(store, "anna").await.agreed(), Some(Consent::NONE));
    store.hear(&anna, &told(None, 30)).await.unwrap();
    assert_eq!(read(store, "anna").await.agreed(), Some(Consent::NONE.with(Purpose::Preferences, true)));
    // It is the customer's and goes with no session; what was kept under an older secret comes along.
    store.hear(&key("old"), &told(Some(some), 40)).await.unwrap();
    store.rename(&key("old"), &anna).await.unwrap();
    assert_eq!(read(store, "anna").await.standing.consent, Some(some));
}

pub(super) async fn a_forgotten_customer_is_one_who_agrees_to_nothing<S: ShopperStore>(store: &S) {
    let anna = key("anna");
    store.hear(&anna, &told(Some(Consent::ALL), 10)).await.unwrap();
    store.append(&anna, &[viewed("a", 11, "p")]).await.unwrap();
    assert!(store.erase_purpose(&anna, Purpose::Preferences).await.unwrap());
    let left = read(store, "anna").await;
    assert_eq!((left.agreed(), left.standing.tags.is_empty()), (Some(Consent::ALL), true));
    assert!(!store.erase_purpose(&anna, Purpose::Preferences).await.unwrap());
    store.hear(&anna, &told(Some(Consent::ALL), 15)).await.unwrap();
    assert_eq!(read(store, "anna").await.standing.tags, [Box::from("vip")]);
    assert!(store.erase(&anna).await.unwrap());
    let left = read(store, "anna").await;
    assert_eq!((left.consent, left.standing.is_nothing()), (Some(Consent::NONE), true));
    store.hear(&anna, &told(Some(Consent::ALL), 20)).await.unwrap();
    assert_eq!(read(store, "anna").await.agreed(), Some(Consent::NONE));
}

pub(super) async fn a_withdrawal_that_is_heard_late_leaves_what_was_granted_since<S: ShopperStore>(store: &S) {
    let (anna, before) = (key("anna"), Timestamp::now() - 1.hour());
    let of = |purpose: Purpose| Consent::NONE.with(purpose, true);
    let (marketing, analytics) = (of(Purpose::Marketing), of(Purpose::Analytics));
    assert_eq!(store.take_back(&anna, Consent::ALL, before).await.unwrap(), Consent::NONE, "nothing is on file");
    assert_eq!(read(store, "anna").await.consent, None);
    // Marketing is granted now, analytics was on file before.
    store.agree(&anna, marketing.or(analytics), marketing).await.unwrap();
    let gone = store.take_back(&anna, marketing.or(analytics), before).await.unwrap();
    assert_eq!((gone, read(store, "anna").await.consent), (analytics, Some(marketing)));
    store.append(&anna, &[viewed("a", 11, "p")]).await.unwrap();
    assert!(store.erase_as_said(&anna, before).await.unwrap());
    let left = read(store, "anna").await;
    assert_eq!((left.consent, left.session.events.len()), (Some(marketing), 0));
    let later = Timestamp::now() + 1.hour();
    assert_eq!(store.take_back(&anna, marketing, later).await.unwrap(), marketing);
    assert_eq!(read(store, "anna").await.consent, Some(Consent::NONE));
    // A grant that was taken back is none any more, and forgetting takes every grant.
    store.agree(&anna, analytics, Consent::NONE).await.unwrap();
    assert_eq!(store.take_back(&anna, analytics, before).await.unwrap(), analytics);
    store.set_consent(&anna, Consent::ALL).await.unwrap();
    store.erase(&anna).await.unwrap();
    assert_eq!(read(store, "anna").await.consent, Some(Consent::NONE));
}
