//! What becomes of beacons, and of what cannot be stored while they come.

use super::fakes::{Stage, headers, stage, view};
use crate::domain::consent::Consent;
use crate::domain::ids::{SessionId, ShopperKey};
use crate::ingest::{Beacon, Config, Evidence, Refused, Taken};
use http::HeaderMap;
use serde_json::{Value, json};
use std::time::Duration;

impl Stage {
    async fn send_beacon(&self, headers: HeaderMap, foreign: bool, told: &Value) -> Result<Taken, Refused> {
        let beacon = Beacon { headers, foreign, body: told.to_string().into(), ..Beacon::default() };
        self.ingest.beacon(&beacon).await
    }

    fn session(&self, id: &str) -> ShopperKey {
        self.ingest.identity.hasher.load().session(&SessionId::parse(id).unwrap())
    }

    fn seen(&self, id: &str) -> Vec<String> {
        self.shelf.products(&self.session(id))
    }
}

fn viewed(session: &str, id: &str, product: &str) -> Value {
    json!({ "type": "track", "event": "Product Viewed", "anonymousId": session, "messageId": id,
        "properties": { "product_id": product, "email": "a@example.com" } })
}

fn codes(taken: &Taken) -> Vec<&str> {
    taken.outcomes.iter().map(|became| became.code.unwrap_or("OK")).collect()
}

fn config(consent: Consent) -> Config {
    Config { default_consent: consent, ..Config::default() }
}

#[tokio::test]
async fn each_event_of_a_beacon_has_its_own_shopper_and_its_own_outcome() {
    let stage = stage(config(Consent::ALL));
    let told = json!({ "batch": [viewed("a", "1", "p1"), viewed("b", "2", "p2"), viewed("a", "3", "p9"), viewed("a", "1", "p1"),
        { "type": "track", "event": "Danced", "anonymousId": "a", "messageId": "5" }, viewed("a", "6", "h3")] });
    let taken = stage.send_beacon(HeaderMap::new(), false, &told).await.unwrap();
    assert_eq!(codes(&taken), ["OK", "OK", "UNKNOWN_PRODUCT", "DUPLICATE", "UNKNOWN_EVENT", "OK"]);
    assert_eq!((taken.accepted, taken.outcomes[1].id.as_str()), (3, "2"));
    assert_eq!((stage.seen("a"), stage.seen("b")), (vec!["p1".to_owned(), "p3".to_owned()], vec!["p2".to_owned()]));
    assert!(!stage.shelf.everything().contains("example.com"));
}

#[tokio::test]
async fn a_store_too_slow_for_a_page_is_no_refusal_of_the_shoppers() {
    let stage = stage(config(Consent::ALL));
    *stage.shelf.slow.lock().unwrap() = true;
    // What is on file is not read in time for a page; a beacon has more of it.
    let taken = stage.send_beacon(HeaderMap::new(), false, &viewed("a", "1", "p1")).await.unwrap();
    assert_eq!((codes(&taken), stage.seen("a").len()), (vec!["OK"], 1));
    // And a page's own events are to be sent again.
    let silent = Evidence { headers: headers(&[("outfitter-session", "a")]), ..Evidence::default() };
    let caller = stage.ingest.identify(&silent).await.unwrap();
    assert_eq!(stage.codes(&caller, vec![view("2", "p1")]).await, ["RATE_LIMITED"]);
    *stage.shelf.slow.lock().unwrap() = false;
    let caller = stage.ingest.identify(&silent).await.unwrap();
    assert_eq!(stage.codes(&caller, vec![view("2", "p1")]).await, ["OK"]);
}

#[tokio::test]
async fn headers_say_more_than_the_body_and_a_refusal_in_the_body_counts() {
    let stage = stage(config(Consent::ALL));
    let ours = headers(&[("outfitter-session", "s"), ("outfitter-consent", "none")]);
    let taken = stage.send_beacon(ours, false, &viewed("a", "1", "p1")).await.unwrap();
    assert_eq!(codes(&taken), ["NO_CONSENT"]);
    let ours = headers(&[("outfitter-session", "s")]);
    assert_eq!(stage.send_beacon(ours, false, &viewed("a", "1", "p1")).await.unwrap().accepted, 1);
    assert_eq!((stage.seen("s").len(), stage.seen("a").len()), (1, 0));
    let mut refusing = viewed("a", "2", "p1");
    refusing["context"] = json!({ "consent": { "categoryPreferences": { "Functional": false, "Analytics": false } } });
    assert_eq!(codes(&stage.send_beacon(HeaderMap::new(), false, &refusing).await.unwrap()), ["NO_CONSENT"]);
    let refused =
        stage.send_beacon(headers(&[("outfitter-consent", "tracking")]), false, &viewed("a", "3", "p1")).await;
    assert!(matches!(refused, Err(Refused::Caller(_))));
}

#[tokio::test]
async fn a_page_that_was_not_let_in_brings_no_cookie_with_it() {
    let stage = stage(config(Consent::ALL));
    let cookie = || headers(&[("cookie", "_shopify_y=victim; outfitter_session=victim")]);
    let mut nobody = viewed("x", "1", "p1");
    nobody.as_object_mut().unwrap().remove("anonymousId");
    assert_eq!(codes(&stage.send_beacon(cookie(), true, &nobody).await.unwrap()), ["MALFORMED"]);
    assert!(stage.seen("victim").is_empty());
    assert_eq!(stage.send_beacon(cookie(), false, &nobody).await.unwrap().accepted, 1);
    assert_eq!(stage.seen("victim").len(), 1);
}

#[tokio::test]
async fn a_flood_of_one_shopper_is_told_to_wait() {
    let mut config = config(Consent::ALL);
    (config.events.burst, config.events.per_minute) = (2, 1);
    let stage = stage(config);
    let told =
        |from: u32| json!({ "batch": (from..from + 4).map(|n| viewed("a", &n.to_string(), "p1")).collect::<Vec<_>>() });
    let taken = stage.send_beacon(HeaderMap::new(), false, &told(0)).await.unwrap();
    assert_eq!((taken.accepted, taken.is_too_much()), (2, false));
    assert!(stage.send_beacon(HeaderMap::new(), false, &told(4)).await.unwrap().is_too_much());
    assert_eq!(stage.send_beacon(HeaderMap::new(), false, &viewed("b", "9", "p1")).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn without_a_spool_what_cannot_be_stored_is_to_be_sent_again() {
    let stage = stage(config(Consent::ALL));
    *stage.shelf.down.lock().unwrap() = true;
    let ours = || headers(&[("outfitter-consent", "all")]);
    assert!(matches!(stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await, Err(Refused::Later)));
    // Consent on file cannot be read: that is no refusal.
    assert!(matches!(stage.send_beacon(HeaderMap::new(), false, &viewed("a", "1", "p1")).await, Err(Refused::Later)));
    *stage.shelf.down.lock().unwrap() = false;
    assert_eq!(stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn what_a_fail_over_would_lose_is_asked_for_again_and_learned_once() {
    let stage = stage(config(Consent::ALL));
    let ours = || headers(&[("outfitter-consent", "all")]);
    let learned = || stage.shelf.learned.lock().unwrap().len();
    *stage.shelf.late.lock().unwrap() = true;
    for _ in 0..2 {
        assert!(matches!(stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await, Err(Refused::Later)));
        assert_eq!(learned(), 1, "once it comes again it is a duplicate, which teaches nothing");
    }
    *stage.shelf.late.lock().unwrap() = false;
    let taken = stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await.unwrap();
    assert_eq!((taken.accepted, taken.is_too_much()), (0, false), "acknowledged, and not new");
    assert_eq!(learned(), 1);
}

#[tokio::test]
async fn a_beacon_of_many_sessions_has_one_patience() {
    let mut config = config(Consent::ALL);
    config.beacons.patience = Duration::from_millis(300);
    let stage = stage(config);
    let told: Vec<Value> = (0..50).map(|n| viewed(&format!("session-{n}"), &n.to_string(), "p1")).collect();
    let told = json!({ "batch": told });
    *stage.shelf.pause.lock().unwrap() = Duration::from_millis(100);
    assert!(matches!(stage.send_beacon(HeaderMap::new(), false, &told).await, Err(Refused::Later)));
    let stored = stage.shelf.shoppers().len();
    assert!(stored <= 3, "each session alone was within the patience: {stored}");
    // Sent again, what was taken counts once.
    *stage.shelf.pause.lock().unwrap() = Duration::ZERO;
    let taken = stage.send_beacon(HeaderMap::new(), false, &told).await.unwrap();
    assert_eq!((taken.accepted, stage.shelf.shoppers().len()), (50 - stored, 50));
    assert_eq!(codes(&taken).iter().filter(|code| **code == "DUPLICATE").count(), stored);
}

#[tokio::test]
async fn what_the_store_took_without_an_answer_is_learned_when_it_comes_again_and_once() {
    let stage = stage(config(Consent::ALL));
    let ours = || headers(&[("outfitter-consent", "all")]);
    let known = || (stage.shelf.learned.lock().unwrap().len(), stage.ingest.recent().len());
    *stage.shelf.mute.lock().unwrap() = true;
    assert!(matches!(stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await, Err(Refused::Later)));
    assert_eq!((stage.seen("a").len(), known()), (1, (0, 0)), "it has it");
    *stage.shelf.mute.lock().unwrap() = false;
    for code in ["OK", "DUPLICATE"] {
        let taken = stage.send_beacon(ours(), false, &viewed("a", "1", "p1")).await.unwrap();
        assert_eq!((codes(&taken), stage.seen("a").len(), known()), (vec![code], 1, (1, 1)));
    }
    // One whose sender did not wait.
    *stage.shelf.pause.lock().unwrap() = Duration::from_secs(60);
    let told = viewed("a", "2", "p2");
    let left = tokio::time::timeout(Duration::from_millis(20), stage.send_beacon(ours(), false, &told)).await;
    assert!(left.is_err());
    *stage.shelf.pause.lock().unwrap() = Duration::ZERO;
    assert_eq!(stage.send_beacon(ours(), false, &told).await.unwrap().accepted, 1);
    assert_eq!(known(), (2, 2));
}

/// Until it holds, for five seconds at most.
async fn until(holds: impl Fn() -> bool) -> bool {
    for _ in 0..250 {
        if holds() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_while_the_store_was_away_is_stored_when_it_is_back_also_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let spooling = || {
        let mut config = config(Consent::NONE);
        config.spool.dir = Some(folder.path().to_owned());
        let path = folder.path().join("secret");
        std::fs::write(&path, "a secret of more than sixteen bytes").unwrap();
        config.secrets = vec![crate::platform::secret::Secret::File(path)];
        config
    };
    let ours = || headers(&[("outfitter-consent", "all")]);
    let before = stage(spooling());
    *before.shelf.down.lock().unwrap() = true;
    for (id, product) in [("1", "p1"), ("2", "p2"), ("1", "p1")] {
        let taken = before.send_beacon(ours(), false, &viewed("raw-session", id, product)).await.unwrap();
        assert_eq!(taken.accepted, 1);
    }
    let files = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some())
    };
    let text: String = files().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.lines().count() == 3 && !text.contains("raw-session") && !text.contains("example.com"), "{text}");
    // The process ends; the next one finds the store as it should be.
    drop(before);
    let after = stage(spooling());
    assert!(until(|| after.seen("raw-session").len() == 2).await);
    assert!(until(|| files().next().is_none()).await, "a file whose lines are done goes");
    *after.shelf.down.lock().unwrap() = true;
    assert_eq!(after.send_beacon(ours(), false, &viewed("raw-session", "3", "p3")).await.unwrap().accepted, 1);
    *after.shelf.down.lock().unwrap() = false;
    assert!(until(|| after.seen("raw-session").len() == 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_takes_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(Consent::ALL);
    config.spool.dir = Some(folder.path().to_owned());
    config.spool.size = bytesize::ByteSize::b(600);
    let stage = stage(config);
    *stage.shelf.down.lock().unwrap() = true;
    let ours = || headers(&[("outfitter-consent", "all")]);
    let mut kept = 0;
    for n in 0..10 {
        match stage.send_beacon(ours(), false, &viewed("a", &n.to_string(), "p1")).await {
            Ok(taken) => kept += taken.accepted,
            Err(Refused::Later) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..10).contains(&kept), "{kept}");
    *stage.shelf.down.lock().unwrap() = false;
    assert!(until(|| stage.seen("a").len() == kept).await, "what was acknowledged is there, and nothing else");
}
