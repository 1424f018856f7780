//! Who is asking: sources of the session, precedence of consent, customers on a shared device.

use super::fakes::{headers, request, stage, stage_over, view};
use crate::domain::consent::{Consent, Purpose};
use crate::ingest::identity::{ConsentSource, SessionSource};
use crate::ingest::{Caller, Change, Config, Evidence, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use std::sync::Arc;

#[tokio::test]
async fn the_header_names_the_session_before_the_platform_and_the_platform_before_the_cookie() {
    let stage = stage(Config::default());
    let all = [("outfitter-session", "mine"), ("shopify-storefront-y", "theirs"), ("cookie", "outfitter_session=0123")];
    for (skipped, source) in [(0, SessionSource::Header), (1, SessionSource::Platform), (2, SessionSource::Cookie)] {
        let evidence = Evidence { headers: headers(&all[skipped..]), ..Evidence::default() };
        let caller = stage.ingest.identify(&evidence).await.unwrap();
        assert_eq!(caller.session_source, Some(source));
        assert_eq!(caller.shopper, caller.session);
        assert!(caller.set_cookie.is_none());
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_the_clients_error_and_says_what_to_send() {
    let stage = stage(Config::default());
    let long = "x".repeat(129);
    for bad in ["", "a b", &long] {
        let evidence = Evidence { headers: headers(&[("outfitter-session", bad)]), ..Evidence::default() };
        assert_eq!(stage.ingest.identify(&evidence).await.unwrap_err(), Refusal::BadSession);
    }
    let refused = stage.ingest.identify(&request("s", "analytics, tracking")).await.unwrap_err();
    assert_eq!(refused, Refusal::BadConsent("tracking".into()));
    assert!(refused.to_string().contains("sale-of-data"), "{refused}");
}

#[tokio::test]
async fn a_cookie_is_set_only_with_consent_without_a_session_and_where_the_answer_may_carry_it() {
    let stage = stage(Config::default());
    let off = super::fakes::stage({
        let mut config = Config::default();
        config.cookie.enabled = false;
        config
    });
    for (stage, consent, session, may, ahead, set) in [
        (&stage, "preferences", false, true, false, true),
        (&stage, "analytics", false, true, false, false),
        (&stage, "preferences", true, true, false, false),
        (&stage, "preferences", false, false, false, false),
        (&stage, "preferences", false, true, true, false),
        (&off, "preferences", false, true, false, false),
    ] {
        let mut pairs = vec![("outfitter-consent", consent)];
        pairs.extend(session.then_some(("outfitter-session", "s")));
        pairs.extend(ahead.then_some(("sec-purpose", "prefetch")));
        let evidence = Evidence { headers: headers(&pairs), may_set_cookie: may, ..Evidence::default() };
        let caller = stage.ingest.identify(&evidence).await.unwrap();
        assert_eq!(caller.set_cookie.is_some(), set, "{consent} {session} {may} {ahead}");
        assert_eq!(caller.shopper.is_some(), set || session);
    }
}

/// Header, operation, platform's cookie, on file, shop's default: the first that there is.
#[tokio::test]
async fn consent_follows_its_order_of_precedence() {
    let config = Config { default_consent: Consent::ALL, ..Config::default() };
    let stage = stage(config);
    let only = |purpose| Consent::NONE.with(purpose, true);
    // Consent on file: everything but marketing.
    let before = stage.caller("s", "all").await;
    stage.ingest.consent(&before, Change { marketing: Some(false), ..Change::default() }).await.unwrap();

    let platform = ("cookie", "_tracking_consent=3Ap_DEBE_t_f_abc");
    let table = [
        (true, true, true, only(Purpose::Analytics), ConsentSource::Header),
        (false, true, true, only(Purpose::Preferences), ConsentSource::Operation),
        (false, false, true, only(Purpose::Analytics), ConsentSource::Platform),
        (false, false, false, Consent::ALL.with(Purpose::Marketing, false), ConsentSource::OnFile),
    ];
    for (header, operation, cookie, consent, source) in table {
        let mut pairs = vec![("outfitter-session", "s")];
        pairs.extend(header.then_some(("outfitter-consent", "analytics")));
        pairs.extend(cookie.then_some(platform));
        let in_context = operation.then(|| only(Purpose::Preferences));
        let evidence = Evidence { headers: headers(&pairs), in_context, ..Evidence::default() };
        let caller = stage.ingest.identify(&evidence).await.unwrap();
        assert_eq!((caller.consent, caller.consent_source), (consent, source));
    }
    let stranger = Evidence { headers: headers(&[("outfitter-session", "new")]), ..Evidence::default() };
    let caller = stage.ingest.identify(&stranger).await.unwrap();
    assert_eq!((caller.consent, caller.consent_source), (Consent::ALL, ConsentSource::Default));
}

#[tokio::test]
async fn a_store_that_does_not_answer_may_hold_a_withdrawal_so_nothing_is_allowed() {
    let stage = stage(Config { default_consent: Consent::ALL, ..Config::default() });
    *stage.shelf.down.lock().unwrap() = true;
    let evidence = Evidence { headers: headers(&[("outfitter-session", "s")]), ..Evidence::default() };
    assert_eq!(stage.ingest.identify(&evidence).await.unwrap().consent, Consent::NONE);
}

async fn signed_in(stage: &super::fakes::Stage, session: &str, token: &str) -> Caller {
    let evidence = Evidence { token: Some(token.into()), ..request(session, "all") };
    stage.ingest.identify(&evidence).await.unwrap()
}

#[tokio::test]
async fn a_session_becomes_its_customers_at_login_and_two_customers_on_one_device_never_share() {
    let stage = stage(Config::default());
    let anonymous = stage.caller("device", "all").await;
    stage.codes(&anonymous, vec![view("1", "p1")]).await;

    let ann = signed_in(&stage, "device", "token-ann").await;
    assert_eq!(ann.shopper, ann.customer);
    stage.codes(&ann, vec![view("2", "p2")]).await;
    assert_eq!(stage.shelf.products(&ann.shopper.clone().unwrap()), ["p1", "p2"]);

    // Signed out, the device knows nothing of Ann.
    let between = stage.caller("device", "all").await;
    assert!(stage.shelf.products(&between.shopper.clone().unwrap()).is_empty());
    stage.codes(&between, vec![view("3", "p3")]).await;

    // Signed in again, Ann has it, too: nobody else was seen there.
    let ann = signed_in(&stage, "device", "token-ann").await;
    assert_eq!(stage.shelf.products(&ann.shopper.clone().unwrap()), ["p1", "p2", "p3"]);
    let between = stage.caller("device", "all").await;
    stage.codes(&between, vec![view("5", "p5")]).await;

    // Neither what Ann did nor what the device did after her becomes Ben's.
    let ben = signed_in(&stage, "device", "token-ben").await;
    stage.codes(&ben, vec![view("4", "p4")]).await;
    assert_eq!(stage.shelf.products(&ben.shopper.clone().unwrap()), ["p4"]);
    assert_eq!(stage.shelf.products(&ann.shopper.unwrap()), ["p1", "p2", "p3"]);
}

#[tokio::test]
async fn a_device_that_one_replica_knows_as_anns_gives_ben_nothing_on_another() {
    let one = stage(Config::default());
    let ann = signed_in(&one, "device", "token-ann").await;
    let between = one.caller("device", "all").await;
    one.codes(&between, vec![view("1", "p1")]).await;
    let other = stage_over(Config::default(), Arc::clone(&one.shelf));
    let ben = signed_in(&other, "device", "token-ben").await;
    assert!(one.shelf.products(&ben.shopper.unwrap()).is_empty());
    assert!(one.shelf.products(&ann.shopper.unwrap()).is_empty());
    assert_eq!(one.shelf.products(&between.shopper.unwrap()), ["p1"], "it may be either's");
}

#[tokio::test]
async fn a_token_that_the_platform_does_not_know_is_no_customer() {
    let stage = stage(Config::default());
    let caller = signed_in(&stage, "device", "forged").await;
    assert_eq!((caller.customer.clone(), caller.shopper.clone()), (None, caller.session));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_headers_are_weighed_without_a_panic_and_nothing_raw_is_kept(
        values in prop::collection::vec((0..8usize, prop::collection::vec(any::<u8>(), 0..200)), 0..8),
        session in "[!-~]{12,128}",
        token in "token-[a-z0-9]{12,40}",
    ) {
        const NAMES: [&str; 8] = [
            "outfitter-session", "outfitter-consent", "cookie", "shopify-storefront-y", "shopify-storefront-s",
            "sec-purpose", "x-shopify-uniquetoken", "purpose",
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = stage(Config { default_consent: Consent::ALL, ..Config::default() });
            let mut any = HeaderMap::new();
            for (name, value) in &values {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    any.append(HeaderName::from_static(NAMES[*name]), value);
                }
            }
            // Refused or weighed, both are fine.
            stage.ingest.identify(&Evidence { headers: any, may_set_cookie: true, ..Evidence::default() }).await.ok();

            let evidence = Evidence { token: Some(token.clone()), ..request(&session, "all") };
            let caller = stage.ingest.identify(&evidence).await.unwrap();
            stage.codes(&caller, vec![view("1", "p1")]).await;
            let kept = format!(
                "{caller:?} {evidence:?} {:?} {} {:?}", stage.ingest, stage.shelf.everything(), stage.ingest.recent(),
            );
            assert!(!kept.contains(&session) && !kept.contains(&token) && !kept.contains(&token[6..]), "{kept}");
        });
    }

    /// Whoever signs in and out of whichever device: what one customer did is in no other state.
    #[test]
    fn what_a_customer_did_is_never_seen_by_another_customer_or_a_signed_out_device(
        steps in prop::collection::vec((0..2usize, 0..3usize, 1..6u32), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = stage(Config::default());
            let mut done = Vec::new();
            for (number, (device, customer, product)) in steps.iter().enumerate() {
                let session = ["one", "two"][*device];
                let caller = match customer {
                    0 => stage.caller(session, "all").await,
                    1 => signed_in(&stage, session, "token-ann").await,
                    _ => signed_in(&stage, session, "token-ben").await,
                };
                let who = caller.shopper.clone().unwrap();
                stage.codes(&caller, vec![view(&number.to_string(), &format!("p{product}"))]).await;
                if caller.customer.is_some() {
                    done.push((who, number.to_string()));
                }
            }
            for (key, state) in stage.shelf.shoppers().iter() {
                for (owner, id) in &done {
                    let here = state.session.events.iter().any(|event| event.id.as_str() == id);
                    assert_eq!(here, key == owner, "{id}");
                }
            }
        });
    }
}
