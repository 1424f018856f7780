//! Consent set and withdrawn, and forgetting.

use super::fakes::{Stage, headers, request, stage, view};
use crate::domain::consent::{Consent, Purpose};
use crate::ingest::{Beacon, Caller, Change, Config, Evidence, Failure, Refusal};
use crate::store::ShopperStore;

const WITHDRAW_ALL: Change =
    Change { analytics: Some(false), preferences: Some(false), marketing: Some(false), sale_of_data: Some(false) };

/// A request that says nothing of consent.
async fn silent(stage: &Stage, session: &str) -> Caller {
    let evidence = Evidence { headers: headers(&[("outfitter-session", session)]), ..Evidence::default() };
    stage.ingest.identify(&evidence).await.unwrap()
}

#[tokio::test]
async fn what_is_granted_holds_for_the_next_request_and_what_is_left_out_stays() {
    let stage = stage(Config::default());
    let caller = silent(&stage, "s").await;
    assert_eq!(caller.consent, Consent::NONE);
    stage.ingest.consent(&caller, Change { preferences: Some(true), ..Change::default() }).await.unwrap();
    let changed =
        stage.ingest.consent(&silent(&stage, "s").await, Change { analytics: Some(true), ..Change::default() }).await;
    let both = Consent::NONE.with(Purpose::Preferences, true).with(Purpose::Analytics, true);
    assert_eq!(changed.unwrap().consent, both);
    assert_eq!(silent(&stage, "s").await.consent, both);
    assert_eq!(silent(&stage, "other").await.consent, Consent::NONE);
}

#[tokio::test]
async fn a_withdrawal_erases_what_its_purpose_stored_and_the_shops_default_never_widens_it() {
    let stage = stage(Config { default_consent: Consent::ALL, ..Config::default() });
    let caller = silent(&stage, "s").await;
    stage.codes(&caller, vec![view("1", "p1")]).await;
    let who = caller.shopper.clone().unwrap();

    let changed =
        stage.ingest.consent(&caller, Change { preferences: Some(false), ..Change::default() }).await.unwrap();
    assert_eq!(changed.erased, [Purpose::Preferences]);
    assert!(stage.shelf.products(&who).is_empty());
    assert_eq!(stage.ingest.recent().len(), 1, "analytics still hold");

    let changed = stage.ingest.consent(&silent(&stage, "s").await, WITHDRAW_ALL).await.unwrap();
    assert_eq!(changed.erased, [Purpose::Analytics]);
    assert!(stage.ingest.recent().is_empty() && stage.shelf.learned.lock().unwrap().is_empty());
    assert_eq!(silent(&stage, "s").await.consent, Consent::NONE);
    assert_eq!(silent(&stage, "someone").await.consent, Consent::ALL);
}

#[tokio::test]
async fn an_event_weighed_before_a_withdrawal_is_not_stored_after_it() {
    let stage = stage(Config { default_consent: Consent::ALL, ..Config::default() });
    let early = silent(&stage, "s").await;
    stage.ingest.consent(&silent(&stage, "s").await, WITHDRAW_ALL).await.unwrap();
    assert_eq!(stage.codes(&early, vec![view("1", "p1")]).await, ["NO_CONSENT"]);
    assert_eq!(stage.ingest.context(&early, jiff::Timestamp::now()).await.consent, Consent::NONE);
    let again = Change { preferences: Some(true), ..Change::default() };
    stage.ingest.consent(&silent(&stage, "s").await, again).await.unwrap();
    assert_eq!(stage.codes(&silent(&stage, "s").await, vec![view("2", "p1")]).await, ["OK"]);
}

#[tokio::test]
async fn a_customers_withdrawal_holds_for_the_device_too_and_a_grant_does_not() {
    let stage = stage(Config { default_consent: Consent::ALL, ..Config::default() });
    let evidence = Evidence {
        headers: headers(&[("outfitter-session", "device")]),
        token: Some("token-ann".into()),
        ..Evidence::default()
    };
    let ann = stage.ingest.identify(&evidence).await.unwrap();
    stage.ingest.consent(&ann, WITHDRAW_ALL).await.unwrap();
    assert_eq!(silent(&stage, "device").await.consent, Consent::NONE);
    let ann = stage.ingest.identify(&evidence).await.unwrap();
    stage.ingest.consent(&ann, Change { analytics: Some(true), ..Change::default() }).await.unwrap();
    assert_eq!(silent(&stage, "device").await.consent, Consent::NONE);
}

#[tokio::test]
async fn a_browser_without_a_session_that_grants_preferences_is_given_one() {
    let stage = stage(Config::default());
    let nobody = stage.ingest.identify(&Evidence::default()).await.unwrap();
    let grant = Change { preferences: Some(true), ..Change::default() };
    let changed = stage.ingest.consent(&nobody, grant).await.unwrap();
    let cookie = changed.caller.set_cookie.unwrap().header().to_str().unwrap().to_owned();
    let pair = cookie.split(';').next().unwrap();
    let back = Evidence { headers: headers(&[("cookie", pair)]), ..Evidence::default() };
    assert!(stage.ingest.identify(&back).await.unwrap().allows(Purpose::Preferences));

    let without = Change { analytics: Some(true), ..Change::default() };
    let refused = stage.ingest.consent(&nobody, without).await;
    assert!(matches!(refused, Err(Failure::Refused(Refusal::NoSession))));
    assert!(stage.ingest.consent(&nobody, WITHDRAW_ALL).await.unwrap().erased.is_empty());
}

#[tokio::test]
async fn forgetting_erases_the_session_and_the_confirmed_customer_and_nobody_else() {
    let stage = stage(Config::default());
    let (ann, other) = {
        let evidence = Evidence { token: Some("token-ann".into()), ..request("device", "all") };
        (stage.ingest.identify(&evidence).await.unwrap(), stage.caller("other", "all").await)
    };
    let session = stage.caller("device", "all").await;
    for caller in [&ann, &other, &session] {
        stage.codes(caller, vec![view("1", "p1")]).await;
    }
    assert!(stage.ingest.forget(&ann).await.unwrap());
    assert!(!stage.ingest.forget(&ann).await.unwrap(), "there is nothing left");
    for (caller, left) in [(&ann, 0), (&session, 0), (&other, 1)] {
        assert_eq!(stage.shelf.products(caller.shopper.as_ref().unwrap()).len(), left);
    }
    assert_eq!(stage.ingest.recent().len(), 1);
    let nobody = stage.ingest.identify(&Evidence::default()).await.unwrap();
    assert!(matches!(stage.ingest.forget(&nobody).await, Err(Failure::Refused(Refusal::NoSession))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_waits_in_the_spool_leaves_what_the_shopper_grants_meanwhile() {
    for forgets in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.spool.dir = Some(folder.path().join("spool"));
        let stage = stage(config);
        let grant = Change { preferences: Some(true), analytics: Some(true), ..Change::default() };
        stage.ingest.consent(&silent(&stage, "s").await, grant).await.unwrap();
        *stage.shelf.down.lock().unwrap() = true;
        let told = serde_json::json!({ "type": "track", "event": "Product Viewed", "anonymousId": "s", "messageId": "m",
            "properties": { "product_id": "p1" } });
        let beacon = Beacon {
            headers: headers(&[("outfitter-consent", "all")]),
            body: told.to_string().into(),
            ..Beacon::default()
        };
        assert_eq!(stage.ingest.beacon(&beacon).await.unwrap().accepted, 1);
        // Long enough for the next try to be a moment away.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        *stage.shelf.down.lock().unwrap() = false;
        let caller = silent(&stage, "s").await;
        if forgets {
            stage.ingest.forget(&caller).await.unwrap();
        } else {
            stage.ingest.consent(&caller, WITHDRAW_ALL).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        stage.ingest.consent(&silent(&stage, "s").await, grant).await.unwrap();
        let spool = stage.ingest.spool.as_ref().unwrap();
        assert!(spool.waits(), "it is written behind the beacon");
        while spool.waits() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let caller = silent(&stage, "s").await;
        assert!(caller.allows(Purpose::Preferences) && caller.allows(Purpose::Analytics), "{forgets}");
        assert!(stage.shelf.products(caller.shopper.as_ref().unwrap()).is_empty(), "taken before, stored behind");
        assert_eq!(stage.codes(&caller, vec![view("new", "p2")]).await, ["OK"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fail_over_might_undo_of_a_withdrawal_or_of_forgetting_is_done_again_and_refused_where_it_cannot_be_kept()
 {
    for (forgets, spools) in [(false, true), (true, true), (false, false), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { default_consent: Consent::ALL, ..Config::default() };
        config.spool.dir = spools.then(|| folder.path().join("spool"));
        let stage = stage(config);
        let caller = silent(&stage, "s").await;
        let who = caller.shopper.clone().unwrap();
        stage.codes(&caller, vec![view("1", "p1")]).await;
        *stage.shelf.late.lock().unwrap() = true;
        let done = match forgets {
            true => stage.ingest.forget(&caller).await.map(drop),
            false => stage.ingest.consent(&caller, WITHDRAW_ALL).await.map(drop),
        };
        assert_eq!(done.is_ok(), spools, "{forgets}: {done:?}");
        assert!(stage.shelf.products(&who).is_empty());
        let Some(spool) = &stage.ingest.spool else { continue };
        // The store that takes over has it as it was.
        stage.shelf.shoppers.append(&who, &[view("2", "p2")]).await.unwrap();
        stage.shelf.shoppers.agree(&who, Consent::ALL, Consent::NONE).await.unwrap();
        assert!(spool.waits());
        *stage.shelf.late.lock().unwrap() = false;
        while spool.waits() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(stage.shelf.products(&who).is_empty());
        assert_eq!(stage.shelf.state(&who).consent, Some(Consent::NONE));
    }
}
