//! The consent that the shop keeps with its customers: what it stands behind, what it takes back, whose it is.

use super::fakes::{Stage, headers, stage, view};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::CustomerId;
use crate::domain::standing::{Tags, Told};
use crate::ingest::identity::ConsentSource;
use crate::ingest::{Caller, Change, Config, Evidence};
use crate::platform::news::News;
use jiff::{Timestamp, ToSpan};
use std::time::Duration;

fn only(purpose: Purpose) -> Consent {
    Consent::NONE.with(purpose, true)
}

/// Ingest that asks the platform at each request.
fn asking(default_consent: Consent) -> Stage {
    let mut config = Config { default_consent, ..Config::default() };
    config.customer.confirmed_for = Duration::ZERO;
    stage(config)
}

impl Stage {
    /// The platform says this of a customer from now on.
    fn keeps(&self, name: &str, consent: Option<Consent>) {
        let told = Told { consent: Some(consent), at: Timestamp::now(), ..Told::default() };
        self.shelf.told.lock().unwrap().insert(name.to_owned(), told);
    }

    /// A request of a signed-in customer with these headers beside the session.
    async fn signed(&self, name: &str, more: &[(&'static str, &str)]) -> Caller {
        let pairs: Vec<_> = [("outfitter-session", "device")].iter().chain(more).copied().collect();
        let token = Some(format!("token-{name}"));
        self.ingest.identify(&Evidence { headers: headers(&pairs), token, ..Evidence::default() }).await.unwrap()
    }
}

#[tokio::test]
async fn what_the_shop_keeps_stands_behind_the_request_and_before_the_default() {
    let stage = asking(Consent::NONE);
    stage.keeps("ann", Some(Consent::ALL));
    let weighed = async |name, more: &[(&'static str, &str)]| {
        let caller = stage.signed(name, more).await;
        (caller.consent, caller.consent_source)
    };
    assert_eq!(weighed("ann", &[]).await, (Consent::ALL, ConsentSource::Customer));
    assert_eq!(weighed("ben", &[]).await, (Consent::NONE, ConsentSource::Default));
    // An explicit refusal of this very request holds, as does all else that it says.
    assert_eq!(weighed("ann", &[("outfitter-consent", "none")]).await, (Consent::NONE, ConsentSource::Header));
    let cookie = ("cookie", "_tracking_consent=3amps_DEBE_t_f_abc");
    assert_eq!(weighed("ann", &[cookie]).await, (Consent::NONE, ConsentSource::Platform));
    stage.keeps("ann", Some(only(Purpose::Analytics)));
    assert_eq!(weighed("ann", &[("outfitter-consent", "all")]).await, (Consent::ALL, ConsentSource::Header));
    // The session alone is nobody's.
    let device = Evidence { headers: headers(&[("outfitter-session", "device")]), ..Evidence::default() };
    assert_eq!(stage.ingest.identify(&device).await.unwrap().consent, Consent::NONE);
    // What is no consent says nothing.
    stage.keeps("ann", None);
    assert_eq!(weighed("ann", &[]).await, (Consent::NONE, ConsentSource::Default));
}

#[tokio::test]
async fn where_something_was_set_through_the_gateway_too_both_have_to_allow() {
    let stage = asking(Consent::NONE);
    stage.keeps("ann", Some(only(Purpose::Analytics)));
    let ann = stage.signed("ann", &[]).await;
    let grant = Change { preferences: Some(true), ..Change::default() };
    let changed = stage.ingest.consent(&ann, grant).await.unwrap();
    assert_eq!((changed.consent, changed.caller.consent), (only(Purpose::Analytics), only(Purpose::Analytics)));
    assert_eq!(stage.signed("ann", &[]).await.consent, only(Purpose::Analytics));
    // As soon as the shop allows it, too, it holds.
    stage.keeps("ann", Some(Consent::ALL));
    let both = only(Purpose::Analytics).with(Purpose::Preferences, true);
    assert_eq!(stage.signed("ann", &[]).await.consent, both);
    let withdraw = Change { analytics: Some(false), ..Change::default() };
    assert_eq!(
        stage.ingest.consent(&stage.signed("ann", &[]).await, withdraw).await.unwrap().consent,
        only(Purpose::Preferences)
    );
    assert_eq!(stage.signed("ann", &[]).await.consent, only(Purpose::Preferences));
}

#[tokio::test]
async fn what_the_shop_no_longer_keeps_is_erased_at_the_next_sign_of_it() {
    let stage = asking(Consent::NONE);
    stage.keeps("ann", Some(Consent::ALL));
    let ann = stage.signed("ann", &[]).await;
    let who = ann.shopper.clone().unwrap();
    stage.codes(&ann, vec![view("1", "p1")]).await;
    assert_eq!((stage.shelf.products(&who).len(), stage.ingest.recent().len()), (1, 1));
    stage.keeps("ann", Some(only(Purpose::Analytics)));
    let after = stage.signed("ann", &[]).await;
    assert!(stage.shelf.products(&who).is_empty() && stage.shelf.learned.lock().unwrap().is_empty());
    assert_eq!(stage.ingest.recent().len(), 1, "analytics still hold");
    assert!(stage.ingest.context(&after, Timestamp::now()).await.state.session.events.is_empty());
    // What was weighed before is not stored after it.
    assert_eq!(stage.codes(&ann, vec![view("2", "p2")]).await, ["OK"], "for analytics");
    assert!(stage.shelf.products(&who).is_empty());
}

#[tokio::test]
async fn what_was_stored_by_the_default_goes_when_the_shop_comes_to_keep_less() {
    let stage = asking(Consent::ALL);
    let ann = stage.signed("ann", &[]).await;
    let who = ann.shopper.clone().unwrap();
    stage.codes(&ann, vec![view("1", "p1")]).await;
    assert_eq!((stage.shelf.products(&who).len(), stage.ingest.recent().len()), (1, 1));
    stage.keeps("ann", Some(only(Purpose::Marketing)));
    assert_eq!(stage.signed("ann", &[]).await.consent, only(Purpose::Marketing));
    assert!(stage.shelf.products(&who).is_empty() && stage.ingest.recent().is_empty());
}

#[tokio::test]
async fn a_webhook_tells_it_and_an_earlier_word_that_comes_late_changes_nothing() {
    let stage = asking(Consent::ALL);
    let ann = stage.signed("ann", &[]).await;
    let who = ann.shopper.clone().unwrap();
    let tell = async |consent, at| {
        let news = [News::Standing(CustomerId::new("ann"), Told { consent: Some(consent), at, ..Told::default() })];
        for task in stage.ingest.sorted(&news).0 {
            stage.ingest.perform(&task, crate::ingest::limit::Pace::Free).await.unwrap();
        }
    };
    let now = Timestamp::now();
    tell(Some(Consent::ALL), now - 2.minutes()).await;
    stage.codes(&ann, vec![view("1", "p1")]).await;
    tell(Some(Consent::NONE), now).await;
    assert!(stage.shelf.products(&who).is_empty() && stage.ingest.recent().is_empty());
    tell(Some(Consent::ALL), now - 1.minutes()).await;
    assert_eq!(stage.signed("ann", &[]).await.consent, Consent::NONE);
    // The confirming answer is older than that word as well.
    stage.shelf.told.lock().unwrap().insert(
        "ann".to_owned(),
        Told { consent: Some(Some(Consent::ALL)), at: now - 30.seconds(), ..Told::default() },
    );
    assert_eq!(stage.signed("ann", &[]).await.consent, Consent::NONE);
    assert_eq!(stage.codes(&ann, vec![view("2", "p1")]).await, ["NO_CONSENT"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_may_hold_a_later_withdrawal() {
    let stage = asking(Consent::ALL);
    stage.keeps("ann", Some(Consent::ALL));
    *stage.shelf.down.lock().unwrap() = true;
    assert_eq!(stage.signed("ann", &[]).await.consent, Consent::NONE);
    *stage.shelf.down.lock().unwrap() = false;
    assert_eq!(stage.signed("ann", &[]).await.consent, Consent::ALL);
}

#[tokio::test]
async fn tags_are_stored_with_consent_to_preferences_and_only_those_that_settings_name() {
    let stage = asking(Consent::NONE);
    stage.ingest.name_tags(vec!["vip".into(), "gold".into()]);
    let tagged = |tags: &[&str]| {
        let tags = Tags::All(tags.iter().map(|tag| Box::from(*tag)).collect());
        let told = Told { tags: Some(tags), at: Timestamp::now(), ..Told::default() };
        stage.shelf.told.lock().unwrap().insert("ann".to_owned(), told);
    };
    tagged(&["vip"]);
    let who = stage.signed("ann", &[]).await.shopper.unwrap();
    let stored = || stage.shelf.state(&who).standing.tags;
    assert!(stored().is_empty());
    let allowing = [("outfitter-consent", "preferences")];
    let ann = stage.signed("ann", &allowing).await;
    assert_eq!(stored(), [Box::from("vip")]);
    assert_eq!(stage.ingest.context(&ann, Timestamp::now()).await.state.standing.tags, [Box::from("vip")]);
    // A webhook by consent on file, and of what it says what is named.
    let tell = async |tags| {
        let told = Told { tags: Some(tags), at: Timestamp::now(), ..Told::default() };
        for task in stage.ingest.sorted(&[News::Standing(CustomerId::new("ann"), told)]).0 {
            stage.ingest.perform(&task, crate::ingest::limit::Pace::Free).await.unwrap();
        }
    };
    tell(Tags::Added(vec!["gold".into()])).await;
    assert_eq!(stored(), [Box::from("vip")], "nothing on file allows it");
    stage.ingest.consent(&ann, Change { preferences: Some(true), ..Change::default() }).await.unwrap();
    tell(Tags::Added(vec!["Gold".into(), "born-1990".into()])).await;
    assert_eq!(stored(), [Box::from("gold"), Box::from("vip")]);
}
