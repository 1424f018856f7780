//! The log in a SQLite file and in a PostgreSQL of its own: contract, erasure without traces, bounds, faults.

use super::*;
use crate::domain::audit::InputRead;
use crate::domain::event::EventType;
use crate::domain::ids::{EventId, ProductKey};
use crate::domain::slate::{ReasonCode, SlateItem};
use crate::store::contract;
use crate::store::traits::DecisionStore;
use crate::store::{Logged, MemoryStore};
use std::path::Path;

/// A log alone, as far as a store of decisions goes; what was put is there.
struct Alone(DecisionLog);

#[async_trait::async_trait]
impl DecisionStore for Alone {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.0.put(record);
        self.0.flush().await;
        Ok(())
    }

    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        self.0.get(who, id).await
    }

    async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        self.0.of(who).await
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        self.0.erase(who, None).await
    }
}

fn in_file(path: &Path) -> LogConfig {
    LogConfig { file: Some(path.to_owned()), ..LogConfig::default() }
}

fn open(path: &Path) -> DecisionLog {
    DecisionLog::open(&in_file(path)).unwrap()
}

fn key(text: &str) -> ShopperKey {
    ShopperKey::new(text)
}

/// A decision of this moment that read what the shopper viewed.
fn decision(who: &str, id: &str) -> DecisionRecord {
    let mut record = contract::decision(who, id);
    record.slate.decision.decided_at = Timestamp::now();
    let item = SlateItem {
        product: ProductKey::new("served"),
        score: 0.5,
        reason: ReasonCode::ViewedTogether,
        because: Some(ProductKey::new(format!("viewed-by-{who}"))),
    };
    record.slate.items = vec![item];
    record.candidates = record.slate.clone();
    let read = |name: &str, purpose, value: String| InputRead { name: name.into(), purpose, value: value.into() };
    record.inputs = [
        read("catalogue.products", None, "480".to_owned()),
        read("session.viewed", Some(Purpose::Preferences), format!("viewed-by-{who}")),
    ]
    .into();
    record
}

fn clicked(id: &str, decision: &str) -> Event {
    let product = ProductKey::new("served");
    let event = Event::of_product(EventId::new(id), EventType::RecommendationClicked, Timestamp::now(), product);
    Event { decision: Some(DecisionId::new(decision)), position: Some(1), ..event }
}

/// Everything that a log must do, in whatever database.
async fn check(config: LogConfig) {
    // The decisions of the contract are of a fixed day.
    let config = LogConfig { max_age: Duration::from_secs(100 * 365 * 86_400), ..config };
    contract::decisions(&Alone(DecisionLog::open(&config).unwrap())).await;
    let log = DecisionLog::open(&config).unwrap();
    log.put(decision("anna", "a"));
    log.put(decision("anna", "b"));
    log.put(decision("bert", "c"));
    log.outcomes(&key("anna"), &[clicked("e", "a"), clicked("e", "a"), clicked("f", "c")]);
    log.flush().await;
    // The same event counts once, and what came of a decision is found with it.
    let came = log.came_of(&DecisionId::new("a")).await.unwrap();
    assert_eq!((came.len(), came[0].kind, came[0].position), (1, EventType::RecommendationClicked, Some(1)));
    // Read again by another that opens it, in the order of time.
    let other = DecisionLog::open(&config).unwrap();
    let (found, next) = other.page(Timestamp::UNIX_EPOCH, Page::default()).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|(record, _)| record.slate.decision.id.as_str()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len());
    assert!(["a", "b", "c"].iter().all(|id| ids.contains(id)), "{ids:?}");
    let came_of_a = found.iter().find(|(record, _)| record.slate.decision.id.as_str() == "a").unwrap();
    assert_eq!(came_of_a.1, came);
    assert!(other.page(Timestamp::UNIX_EPOCH, next).await.unwrap().0.is_empty());
    // What names no logged decision is not kept, and of one decision no more than so much.
    let flood: Vec<Event> =
        (0..300).map(|n| clicked(&format!("flood {n}"), if n < 250 { "b" } else { "made up" })).collect();
    log.outcomes(&key("bert"), &flood);
    log.flush().await;
    assert_eq!(log.came_of(&DecisionId::new("b")).await.unwrap().len(), 200);
    assert_eq!(log.came_of(&DecisionId::new("made up")).await.unwrap(), []);
    // What was read for a purpose goes, the decision stays.
    assert!(log.erase(&key("anna"), Some(Purpose::Preferences)).await.unwrap());
    assert!(!log.erase(&key("anna"), Some(Purpose::Preferences)).await.unwrap());
    let left = log.get(&key("anna"), &DecisionId::new("a")).await.unwrap().unwrap();
    assert_eq!(left.erased, [Purpose::Preferences]);
    assert_eq!((&*left.inputs[0].value, &*left.inputs[1].value), ("480", ""));
    assert!(left.candidates.items.is_empty() && left.slate.items[0].because.is_none());
    // Another's outcome of an erased shopper's decision goes with it, and theirs of another's.
    assert!(log.erase(&key("anna"), None).await.unwrap());
    assert!(!log.erase(&key("anna"), None).await.unwrap());
    assert_eq!(log.find(&DecisionId::new("b")).await.unwrap(), None);
    assert_eq!(log.came_of(&DecisionId::new("a")).await.unwrap(), []);
    assert_eq!(log.came_of(&DecisionId::new("c")).await.unwrap(), []);
    assert!(log.find(&DecisionId::new("c")).await.unwrap().is_some());
    redacted(&config, &log).await;
}

/// Everything goes; a process that dies after the note leaves it to the next, and nothing older comes back.
async fn redacted(config: &LogConfig, log: &DecisionLog) {
    let all = async |log: &DecisionLog| log.page(Timestamp::MIN, Page::default()).await.unwrap().0.len();
    let (old, late) = (decision("dora", "old"), clicked("late", "again"));
    (0..1_500).for_each(|n| log.put(decision("carl", &format!("many {n}"))));
    log.flush().await;
    assert!(all(log).await > 0);
    tokio::time::sleep(Duration::from_millis(5)).await;
    log.note_redaction(Timestamp::now()).await.unwrap();
    // Another starts: it goes on by itself.
    let next = DecisionLog::open(config).unwrap();
    for _ in 0..500 {
        if all(&next).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((all(&next).await, next.came_of(&DecisionId::new("c")).await.unwrap().len()), (0, 0));
    tokio::time::sleep(Duration::from_millis(5)).await;
    next.put(old);
    next.put(decision("dora", "again"));
    next.outcomes(&key("dora"), &[late]);
    next.flush().await;
    assert_eq!(next.find(&DecisionId::new("old")).await.unwrap(), None);
    assert!(next.find(&DecisionId::new("again")).await.unwrap().is_some(), "what came since stays");
    assert_eq!(next.came_of(&DecisionId::new("again")).await.unwrap(), []);
    // Nothing is noted any more, so nothing is deleted.
    next.redact().await.unwrap();
    assert!(next.find(&DecisionId::new("again")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_redacted_shop_leaves_no_trace_in_the_bytes_of_the_file_and_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("log.db"));
    for n in 0..300 {
        log.put(decision("marked-shopper", &format!("marked-decision-{n}")));
        log.outcomes(&key("marked-shopper"), &[clicked(&format!("event-{n}"), &format!("marked-decision-{n}"))]);
    }
    log.flush().await;
    let has = |text: &str| memchr::memmem::find(&bytes(folder.path()), text.as_bytes()).is_some();
    assert!(has("marked-shopper") && has("marked-decision"));
    log.note_redaction(Timestamp::now()).await.unwrap();
    log.redact().await.unwrap();
    assert!(!has("marked-"), "the file was written anew and its journal cut to nothing");
}

#[tokio::test]
async fn the_log_in_a_file_passes_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check(in_file(&folder.path().join("some folder/decisions #1.db"))).await;
    let file = folder.path().join("some folder/decisions #1.db");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "nobody else may read it");
}

#[tokio::test]
async fn what_was_made_before_an_erasure_is_not_written_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let (log, replica) = (open(&path), open(&path));
    let (old, half) = (decision("anna", "old"), decision("bert", "half"));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(!log.erase(&key("anna"), None).await.unwrap());
    assert!(!log.erase(&key("bert"), Some(Purpose::Preferences)).await.unwrap());
    replica.put(old);
    replica.put(half);
    tokio::time::sleep(Duration::from_millis(5)).await;
    replica.put(decision("anna", "new"));
    replica.flush().await;
    assert_eq!(log.find(&DecisionId::new("old")).await.unwrap(), None);
    assert!(log.find(&DecisionId::new("new")).await.unwrap().is_some());
    assert_eq!(log.find(&DecisionId::new("half")).await.unwrap().unwrap().erased, [Purpose::Preferences]);
}

/// All bytes of the database's files, as they lie on disk.
fn bytes(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.flatten().collect()
}

#[tokio::test]
async fn an_erased_shopper_leaves_no_trace_in_the_bytes_of_the_file_and_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("log.db"));
    for n in 0..300 {
        let who = if n % 3 == 0 { "marked-shopper" } else { "other-shopper" };
        log.put(decision(who, &format!("{who}-decision-{n}")));
        log.outcomes(&key(who), &[clicked(&format!("{who}-event-{n}"), &format!("{who}-decision-{n}"))]);
    }
    log.flush().await;
    let has = |text: &str| memchr::memmem::find(&bytes(folder.path()), text.as_bytes()).is_some();
    assert!(has("marked-shopper") && has("other-shopper"));
    assert!(log.erase(&key("marked-shopper"), None).await.unwrap());
    log.flush().await;
    assert!(!has("marked-shopper"), "the file was written anew and its journal cut to nothing");
    assert!(has("other-shopper"));
}

#[tokio::test]
async fn the_file_is_written_anew_for_many_erasures_at_once_and_for_none_that_found_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("log.db"));
    // Writing the file anew adds one to it.
    let version = async || {
        let row = sqlx::query("PRAGMA schema_version").fetch_one(log.database.pool().await.unwrap()).await.unwrap();
        sqlx::Row::get::<i64, _>(&row, 0)
    };
    for n in 0..40 {
        log.put(decision(&format!("marked-{n}"), &format!("d{n}")));
    }
    log.erase(&key("nobody"), None).await.unwrap();
    log.flush().await;
    let begun = version().await;
    for _ in 0..5 {
        assert!(!log.erase(&key("nobody"), None).await.unwrap());
    }
    assert_eq!(version().await, begun, "nothing was deleted");
    for n in 0..40 {
        assert!(log.erase(&key(&format!("marked-{n}")), None).await.unwrap());
    }
    log.flush().await;
    let written = version().await - begun;
    assert!((1..=2).contains(&written), "{written} times for forty erasures");
    assert!(memchr::memmem::find(&bytes(folder.path()), b"marked-").is_none());
}

#[tokio::test]
async fn what_is_too_old_or_too_much_goes_and_a_share_is_kept_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig { most: 5, sample: 1.0, ..in_file(&folder.path().join("log.db")) };
    let log = DecisionLog::open(&config).unwrap();
    let mut old = decision("anna", "old");
    old.slate.decision.decided_at = Timestamp::now() - Duration::from_secs(91 * 86_400);
    log.put(old);
    for n in 0..8 {
        let mut record = decision("anna", &format!("d{n}"));
        record.slate.decision.decided_at = Timestamp::now() - Duration::from_secs(100 - n);
        log.put(record);
    }
    log.flush().await;
    log.database.clean(config.max_age, config.most).await.unwrap();
    let (found, _) = log.page(Timestamp::UNIX_EPOCH, Page::default()).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|(record, _)| record.slate.decision.id.as_str()).collect();
    assert_eq!(ids, ["d3", "d4", "d5", "d6", "d7"]);
    let kept = (0..10_000).filter(|n| is_sampled(&DecisionId::new(format!("{n}")), 0.25)).count();
    assert!((2_300..2_700).contains(&kept), "{kept}");
    assert!(!is_sampled(&DecisionId::new("a"), 0.0) && is_sampled(&DecisionId::new("a"), 1.0));
}

#[tokio::test]
async fn a_database_that_is_away_costs_no_request_and_an_erasure_says_that_it_failed() {
    let away =
        LogConfig { url: Some("postgres://nobody@127.0.0.1:9/none".to_owned()), queue: 4, ..LogConfig::default() };
    let log = Arc::new(DecisionLog::open(&away).unwrap());
    let began = std::time::Instant::now();
    (0..100).for_each(|n| log.put(decision("anna", &format!("d{n}"))));
    assert!(began.elapsed() < Duration::from_secs(1), "handing over never waits");
    let store = Logged::new(Arc::new(MemoryStore::default()), log);
    store.put(decision("anna", "mine")).await.unwrap();
    let found = store.get(&key("anna"), &DecisionId::new("mine")).await.unwrap();
    assert!(found.is_some(), "what is at hand is answered");
    assert!(store.get(&key("anna"), &DecisionId::new("unknown")).await.is_err(), "it may be in the log");
    assert!(store.erase(&key("anna")).await.is_err(), "nothing is acknowledged that was not done");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_and_an_address_is_not_shown() {
    let open = |config: LogConfig| DecisionLog::open(&config).map(drop).unwrap_err().to_string();
    let url = |url: &str| LogConfig { url: Some(url.to_owned()), ..LogConfig::default() };
    assert!(open(url("mysql://a:secret@b/c")).contains("does not begin with postgres://"));
    assert!(!open(url("postgres://a:secret@[b/c")).contains("secret"));
    assert!(!format!("{:?}", url("postgres://a:secret@b/c")).contains("secret"));
    assert!(open(LogConfig { file: Some("x".into()), ..url("postgres://a/b") }).contains("exclude each other"));
    assert!(open(LogConfig { sample: 2.0, ..LogConfig::default() }).contains("0 to 1"));
    assert!(open(in_file(Path::new("/proc/none/decisions.db"))).contains("/proc/none"));
}

#[tokio::test]
async fn the_log_in_postgresql_passes_the_contract() {
    let server = postgres::Server::start().await;
    check(LogConfig { url: Some(server.url()), ..LogConfig::default() }).await;
}

mod exported;
mod postgres;
