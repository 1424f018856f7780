//! Erasing the whole shop: everywhere, from whatever moment on, and nothing comes back.

use super::fakes::{Shelf, Stage, headers, stage_over, view};
use crate::domain::consent::Consent;
use crate::ingest::config::Log;
use crate::ingest::{Beacon, Config, Refused};
use crate::platform::news::Unreadable;
use crate::platform::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A process with folders of its own below this one.
pub(super) fn process(folder: &Path, shelf: &Arc<Shelf>) -> Stage {
    let secret = |name: &str, text: &str| {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        Secret::File(folder.join(name))
    };
    let mut config = Config { default_consent: Consent::ALL, ..Config::default() };
    config.secrets = vec![secret("key", "a secret of more than sixteen bytes")];
    config.webhooks.shopify.secrets = vec![secret("app", "one secret")];
    config.webhooks.shopify.shop = Some("a.myshopify.com".to_owned());
    config.webhooks.patience = Duration::from_secs(20);
    config.spool.dir = Some(folder.join("spool"));
    let log: Log = toml::from_str(&format!("dir = {:?}", folder.join("log"))).unwrap();
    config.record.log = Some(log);
    stage_over(config, Arc::clone(shelf))
}

impl Stage {
    async fn redact_shop(&self, id: &str) -> Result<(), Refused> {
        self.relabelled("shop/redact", id, &json!({ "shop_id": 1, "shop_domain": "a.myshopify.com" })).await
    }

    /// A body that is signed, under any topic.
    pub(super) async fn relabelled(&self, topic: &str, id: &str, body: &Value) -> Result<(), Refused> {
        let body = body.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"one secret").unwrap();
        mac.update(body.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let headers =
            headers(&[("x-shopify-topic", topic), ("x-shopify-webhook-id", id), ("x-shopify-hmac-sha256", &signature)]);
        self.ingest.webhook("shopify", &headers, body.as_bytes()).await.map(drop)
    }

    pub(super) async fn visit(&self, session: &str) {
        let caller = self.caller(session, "all").await;
        assert_eq!(self.codes(&caller, vec![view(session, "p1")]).await, ["OK"]);
    }

    pub(super) async fn beacon_of(&self, session: &str) -> usize {
        let told = json!({ "type": "track", "event": "Product Viewed", "anonymousId": session, "messageId": session,
            "properties": { "product_id": "p1" } });
        let headers = headers(&[("outfitter-consent", "all")]);
        let beacon = Beacon { headers, body: told.to_string().into(), ..Beacon::default() };
        self.ingest.beacon(&beacon).await.unwrap().accepted
    }

    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{}", self.shelf.everything());
    }

    fn is_empty(&self) -> bool {
        let gone = self.shelf.shoppers().is_empty() && self.shelf.learned.lock().unwrap().is_empty();
        gone && self.ingest.recent().is_empty()
    }
}

/// What of shoppers lies in a folder's files.
pub(super) fn lines(folder: &Path) -> usize {
    let files =
        |name: &str| std::fs::read_dir(folder.join(name)).into_iter().flatten().map(|entry| entry.unwrap().path());
    let kept = files("log").chain(files("spool")).filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    // One that went since it was listed has none.
    kept.map(|path| std::fs::read_to_string(path).unwrap_or_default().lines().count()).sum()
}

fn done(stage: &Stage) -> bool {
    stage.shelf.redaction.lock().unwrap().is_some_and(|noted| noted.done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_shop_is_empty_everywhere_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let stage = process(folder.path(), &Arc::default());
    for session in ["a", "b", "c"] {
        stage.visit(session).await;
    }
    stage.ingest.settle().await;
    assert_eq!((stage.shelf.shoppers().len(), lines(folder.path())), (3, 3));
    // Weighed before, told after: it is not stored any more.
    let before = stage.caller("d", "all").await;
    stage.redact_shop("w1").await.unwrap();
    assert_eq!(stage.codes(&before, vec![view("late", "p1")]).await, ["NO_CONSENT"]);
    stage.until(|stage| stage.is_empty() && done(stage)).await;
    stage.ingest.settle().await;
    assert_eq!(lines(folder.path()), 0);
    // The same delivery again is no second erasure.
    stage.visit("e").await;
    stage.redact_shop("w1").await.unwrap();
    stage.ingest.look().await.unwrap();
    assert_eq!(stage.shelf.shoppers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_not_told_finds_out_and_one_that_was_down_at_its_start() {
    let folders = tempfile::tempdir().unwrap();
    let folder = |name: &str| folders.path().join(name);
    let shelf = Arc::new(Shelf::default());
    let (told, other, down) = (process(&folder("told"), &shelf), process(&folder("other"), &shelf), folder("down"));
    {
        let down = process(&down, &shelf);
        down.visit("of-the-one-that-is-down").await;
        down.ingest.settle().await;
        *shelf.down.lock().unwrap() = true;
        assert_eq!(down.beacon_of("spooled").await, 1);
    }
    assert_eq!(lines(&down), 2);
    *shelf.down.lock().unwrap() = false;
    other.visit("of-the-other").await;
    other.ingest.settle().await;
    told.redact_shop("w1").await.unwrap();
    for stage in [&told, &other] {
        stage.until(|stage| stage.is_empty() && done(stage)).await;
        // Whatever it still deletes is done before what comes now.
        stage.ingest.look().await.unwrap();
    }
    assert_eq!(lines(&folder("other")), 0);
    told.visit("after").await;
    let up = process(&down, &shelf);
    up.until(|_| lines(&down) == 0).await;
    up.ingest.look().await.unwrap();
    let kept = shelf.shoppers().len();
    assert_eq!(kept, 1, "what came after the redaction stays, what waited from before does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_that_comes_while_the_store_is_away_waits_in_the_spool_and_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::default());
    let stage = process(folder.path(), &shelf);
    stage.visit("before").await;
    *shelf.down.lock().unwrap() = true;
    assert_eq!(stage.beacon_of("while-it-is-away").await, 1);
    stage.redact_shop("w1").await.unwrap();
    drop(stage);
    // Killed here. The store comes back with the next process.
    *shelf.down.lock().unwrap() = false;
    let next = process(folder.path(), &shelf);
    next.until(|stage| stage.is_empty() && done(stage)).await;
    // Without a spool it is not acknowledged.
    let bare = stage_over(
        Config { webhooks: next.ingest.config.webhooks.clone(), ..Config::default() },
        Arc::new(Shelf::default()),
    );
    *bare.shelf.down.lock().unwrap() = true;
    assert!(matches!(bare.redact_shop("w2").await, Err(Refused::Later)));
    *bare.shelf.down.lock().unwrap() = false;
    assert!(bare.redact_shop("w2").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_that_was_noted_and_not_done_is_gone_on_with_by_whoever_starts_next() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::default());
    {
        let stage = process(folder.path(), &shelf);
        stage.visit("before").await;
        stage.ingest.settle().await;
    }
    // Killed right after the note.
    let at = jiff::Timestamp::from_second(1_767_268_800).unwrap();
    *shelf.redaction.lock().unwrap() = Some(crate::store::Redaction { at, done: false });
    let next = process(folder.path(), &shelf);
    next.until(|stage| stage.shelf.shoppers().is_empty() && done(stage)).await;
    next.ingest.settle().await;
    assert_eq!(lines(folder.path()), 0);
    assert_eq!(shelf.redaction.lock().unwrap().unwrap().at, at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_body_of_another_webhook_erases_no_shop_and_none_is_erased_that_the_settings_do_not_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = process(folder.path(), &Arc::default()).ingest.config.clone();
    for shop in [Some("a.myshopify.com".to_owned()), None] {
        config.webhooks.shopify.shop.clone_from(&shop);
        let stage = stage_over(
            Config { webhooks: config.webhooks.clone(), default_consent: Consent::ALL, ..Config::default() },
            Arc::default(),
        );
        stage.visit("s").await;
        let of_customer =
            json!({ "shop_id": 1, "shop_domain": "a.myshopify.com", "orders_to_redact": [], "customer": { "id": 7 } });
        let request = json!({ "shop_id": 1, "shop_domain": "a.myshopify.com", "orders_requested": [], "data_request": { "id": 9 } });
        let order = json!({ "id": 1, "customer": { "id": 7 }, "line_items": [{ "product_id": 1 }] });
        for body in [of_customer, request, order, json!({ "id": 1, "handle": "h", "variants": [] }), json!({})] {
            for topic in ["shop/redact", "app/uninstalled"] {
                let refused = stage.relabelled(topic, "w", &body).await;
                assert!(matches!(refused, Err(Refused::Unreadable(Unreadable::OtherTopic(_)))), "{topic} {body}");
            }
        }
        assert_eq!((stage.shelf.shoppers().len(), *stage.shelf.redaction.lock().unwrap()), (1, None));
        let whole = stage.redact_shop("w").await;
        if shop.is_some() {
            whole.unwrap();
            stage.until(|stage| stage.is_empty() && done(stage)).await;
        } else {
            assert!(whole.unwrap_err().to_string().contains("ingest.webhooks.shopify.shop"));
            assert_eq!(stage.shelf.shoppers().len(), 1);
        }
    }
}
