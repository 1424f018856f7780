//! News of products that one replica is told and the others have to know.

use super::fakes::{Shelf, Stage, stage_over};
use super::redaction::process;
use crate::domain::ids::{CollectionKey, ProductKey};
use crate::ingest::feed::note;
use crate::ingest::{Config, Refused};
use crate::platform::news::{Change, ProductNews};
use crate::store::ProductNote;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// A replica that has begun to read, and the numbers of the products of which something is old there, in their order.
struct Replica(Stage, Arc<Mutex<Vec<String>>>);

impl Replica {
    async fn of(stage: Stage) -> Self {
        let old = Arc::new(Mutex::new(Vec::new()));
        let told = old.clone();
        let name = |key: &ProductKey| key.as_str().trim_start_matches("gid://shopify/Product/").to_owned();
        stage.catalogue.listen(move |key| told.lock().unwrap().push(key.map_or("all".to_owned(), name)));
        // Where the store is away it begins when that is back.
        stage.ingest.hear_news().await.ok();
        Self(stage, old)
    }

    /// What is old since the last time.
    fn old(&self) -> Vec<String> {
        std::mem::take(&mut self.1.lock().unwrap())
    }

    /// The same, once it has read.
    async fn heard(&self) -> Vec<String> {
        self.0.ingest.hear_news().await.unwrap();
        self.old()
    }

    async fn told(&self, topic: &str, id: &str, body: Value) -> Result<(), Refused> {
        self.0.relabelled(topic, id, &body).await
    }
}

fn stock(item: u64, available: u64) -> Value {
    json!({ "inventory_item_id": item, "location_id": 1, "available": available })
}

fn product(id: u64, item: u64) -> Value {
    json!({ "id": id, "handle": format!("h{id}"), "title": "T", "status": "active",
        "variants": [{ "id": id * 10, "inventory_item_id": item, "price": "1.00" }] })
}

#[tokio::test]
async fn what_one_replica_is_told_of_products_every_replica_hears_once_also_of_stock_whose_item_another_was_told() {
    let folders = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::default());
    let one = Replica::of(process(&folders.path().join("one"), &shelf)).await;
    let other = Replica::of(process(&folders.path().join("other"), &shelf)).await;
    one.told("products/update", "w1", product(9, 99)).await.unwrap();
    assert_eq!((one.old(), other.heard().await), (vec!["9".to_owned()], vec!["9".to_owned()]));
    assert!(one.heard().await.is_empty() && other.heard().await.is_empty(), "once each");
    other.0.until(|stage| stage.catalogue.current().by_variant("gid://shopify/ProductVariant/90").is_some()).await;
    // The platform tries again, and the other replica is asked: it knows already.
    other.told("products/update", "w1", product(9, 99)).await.unwrap();
    assert!(other.heard().await.is_empty());
    // Whose item it is only the first was told by the platform.
    other.told("inventory_levels/update", "w2", stock(99, 0)).await.unwrap();
    assert_eq!((other.old(), one.heard().await), (vec!["9".to_owned()], vec!["9".to_owned()]));
    one.told("inventory_levels/update", "w3", stock(77, 0)).await.unwrap();
    assert_eq!((one.old(), other.heard().await), (vec!["all".to_owned()], vec!["all".to_owned()]), "nobody knows");
    one.told("products/delete", "w4", json!({ "id": 9 })).await.unwrap();
    other.heard().await;
    other.0.until(|stage| stage.catalogue.current().by_variant("gid://shopify/ProductVariant/90").is_none()).await;
}

#[tokio::test]
async fn a_replica_that_missed_news_shows_nothing_that_it_keeps_and_asks_the_shop() {
    let all = || vec!["all".to_owned()];
    let shelf = Arc::new(Shelf::default());
    *shelf.down.lock().unwrap() = true;
    let replica = Replica::of(stage_over(Config::default(), shelf.clone())).await;
    assert!(replica.old().is_empty());
    *shelf.down.lock().unwrap() = false;
    assert_eq!(replica.heard().await, all(), "nobody knows what came before the store told for the first time");
    replica.0.catalogue.stale().await;
    assert!(replica.heard().await.is_empty());
    shelf.gap.store(true, Ordering::SeqCst);
    assert_eq!(replica.heard().await, all());
    replica.0.catalogue.stale().await;
    shelf.news.lock().unwrap().push(ProductNote { by: 0, told: r#"{"of another version":1}"#.to_owned() });
    assert_eq!(replica.heard().await, all());
    replica.0.catalogue.stale().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_the_store_is_away_is_heard_at_once_and_by_the_others_when_it_is_back() {
    let folders = tempfile::tempdir().unwrap();
    let shelf = Arc::new(Shelf::default());
    let one = Replica::of(process(&folders.path().join("one"), &shelf)).await;
    let other = Replica::of(process(&folders.path().join("other"), &shelf)).await;
    let bare = Config { webhooks: one.0.ingest.config.webhooks.clone(), ..Config::default() };
    let bare = Replica::of(stage_over(bare, shelf.clone())).await;
    *shelf.down.lock().unwrap() = true;
    one.told("products/update", "w1", product(9, 99)).await.unwrap();
    assert_eq!(one.old(), ["9"]);
    let refused = bare.told("products/update", "w2", product(8, 88)).await;
    assert!(matches!(refused, Err(Refused::Later)), "it has nowhere to wait");
    assert_eq!((bare.old(), other.old()), (vec!["8".to_owned()], vec![]));
    *shelf.down.lock().unwrap() = false;
    other.0.until(|_| other.1.lock().unwrap().as_slice() == ["9"]).await;
    bare.told("products/update", "w2", product(8, 88)).await.unwrap();
    other.0.until(|_| other.1.lock().unwrap().as_slice() == ["9", "8"]).await;
    assert_eq!(one.0.ingest.hear_news().await.map(|()| one.old()).unwrap(), ["8"], "its own it knows");
}

#[test]
fn a_note_says_all_of_a_change_or_as_much_as_fits() {
    let told = |change: Change| serde_json::from_str::<Change>(&note(&change)).unwrap();
    let mut news = ProductNews::of(ProductKey::new("p"), Timestamp::now());
    (news.text, news.tags) = (Some("A shirt".into()), Some(vec!["mens".into()]));
    news.currency = Some(crate::domain::money::Currency::parse("EUR").unwrap());
    news.items = vec!["i".to_owned()];
    let same = |change: Change| assert_eq!(format!("{:?}", told(change.clone())), format!("{change:?}"));
    same(Change::Product(Box::new(news.clone())));
    same(Change::Gone(ProductKey::new("p"), Timestamp::now()));
    same(Change::Stock("i".to_owned(), false, Timestamp::now()));
    same(Change::CollectionGone(CollectionKey::new("c")));
    [Change::Touched(ProductKey::new("p")), Change::Stale, Change::Everything].into_iter().for_each(same);
    news.text = Some("é".repeat(2_000).into());
    let Change::Product(short) = told(Change::Product(Box::new(news.clone()))) else { panic!() };
    assert_eq!((short.text, short.tags, short.items), (None, news.tags.clone(), news.items.clone()));
    news.items = vec!["i".repeat(4_000)];
    assert!(matches!(told(Change::Product(Box::new(news))), Change::Touched(key) if key.as_str() == "p"));
    assert!(matches!(told(Change::Stock("i".repeat(4_000), true, Timestamp::now())), Change::Everything));
}
