//! The crawl through the Shopify adapter against a small store: paging, resuming, throttling, and stores that answer
//! with anything but a page of products.

use crate::upstream::serve;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use outfitter::catalogue::crawl::{Config, CrawlError, Crawler, State as CrawlState};
use outfitter::catalogue::{Catalogue, Index};
use outfitter::platform::pages::PageError;
use outfitter::platform::{self, upstream};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the store is told of each request, and what it says.
type Answer = dyn Fn(usize, Option<&str>) -> (StatusCode, String) + Send + Sync;

struct Store {
    answer: Box<Answer>,
    asked: Mutex<Vec<Option<String>>>,
}

/// A store that answers the nth request for the page after a cursor.
async fn store(
    answer: impl Fn(usize, Option<&str>) -> (StatusCode, String) + Send + Sync + 'static,
) -> (String, Arc<Store>) {
    let store = Arc::new(Store { answer: Box::new(answer), asked: Mutex::default() });
    let handle = |State(store): State<Arc<Store>>, body: String| async move {
        let body: Value = serde_json::from_str(&body).unwrap();
        let after = body["variables"]["after"].as_str().map(str::to_owned);
        let mut asked = store.asked.lock().unwrap();
        asked.push(after.clone());
        (store.answer)(asked.len(), after.as_deref())
    };
    let router = Router::new().route("/graphql", post(handle)).with_state(store.clone());
    (serve(router).await, store)
}

fn product(number: usize) -> Value {
    json!({
        "id": format!("gid://shopify/Product/{number}"), "handle": format!("p{number}"), "title": "Hat",
        "description": "Warm.", "productType": "Hats", "vendor": "Ida", "tags": ["wool"],
        "createdAt": "2026-01-02T03:04:05Z", "availableForSale": true,
        "priceRange": {"minVariantPrice": {"amount": "12.5", "currencyCode": "EUR"}},
        "collections": {"nodes": []}, "variants": {"nodes": []},
    })
}

/// The page after a cursor of a shop with so many products, `size` a page; the cursor is a number.
fn page(after: Option<&str>, size: usize, total: usize) -> (StatusCode, String) {
    let from: usize = after.map_or(0, |after| after.parse().unwrap());
    let to = (from + size).min(total);
    answer((from..to).map(product).collect(), (to < total).then(|| to.to_string()))
}

fn answer(products: Vec<Value>, next: Option<String>) -> (StatusCode, String) {
    let info = json!({"hasNextPage": next.is_some(), "endCursor": next});
    (StatusCode::OK, json!({"data": {"products": {"pageInfo": info, "nodes": products}}}).to_string())
}

fn throttled() -> (StatusCode, String) {
    let errors = json!([{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]);
    (StatusCode::OK, json!({"data": null, "errors": errors}).to_string())
}

fn crawler(url: &str, file: Option<&Path>, catalogue: &Arc<Catalogue>) -> Crawler {
    let platform = platform::open(&platform::Config::default()).unwrap();
    let config = upstream::Config { url: Some(url.to_owned()), ..upstream::Config::default() };
    let upstream = upstream::Upstream::new(config, HeaderMap::new()).unwrap();
    let config = Config {
        delay: Duration::ZERO,
        retries: 3,
        longest_wait: Duration::from_millis(1),
        file: file.map(Path::to_owned),
        ..Config::default()
    };
    Crawler::new(platform.pages(upstream), config, url.to_owned(), catalogue.clone())
}

#[tokio::test]
async fn every_page_is_read_and_put_in_use_at_the_end() {
    let (url, store) = store(|_, after| page(after, 50, 120)).await;
    let catalogue = Arc::new(Catalogue::default());
    let crawler = crawler(&url, None, &catalogue);
    assert_eq!(crawler.once().await.unwrap(), 120);
    assert_eq!(catalogue.len(), 120);
    assert!(catalogue.read_at().is_some());
    assert_eq!(*store.asked.lock().unwrap(), [None, Some("50".into()), Some("100".into())]);
    let progress = crawler.progress().borrow().clone();
    assert_eq!((progress.pages, progress.products, progress.state), (3, 120, CrawlState::Idle));
}

#[tokio::test]
async fn a_throttled_page_is_asked_for_again_until_the_budget_is_spent() {
    let (url, store) = store(|nth, after| match nth {
        2 => throttled(),
        3 => (StatusCode::TOO_MANY_REQUESTS, String::new()),
        4 => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>".into()),
        _ => page(after, 50, 100),
    })
    .await;
    let catalogue = Arc::new(Catalogue::default());
    assert_eq!(crawler(&url, None, &catalogue).once().await.unwrap(), 100);
    assert_eq!(store.asked.lock().unwrap().len(), 5);

    let (url, store) = self::store(|_, _| throttled()).await;
    let error = crawler(&url, None, &catalogue).once().await.unwrap_err();
    assert!(matches!(error, CrawlError::Page { page: 1, source: PageError::Throttled(_) }), "{error}");
    assert_eq!(store.asked.lock().unwrap().len(), 4, "once and three retries");
    assert_eq!(catalogue.len(), 100, "what was in use stays in use");
}

#[tokio::test]
async fn a_crawl_cut_off_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.jsonl");
    let (url, store) =
        store(|nth, after| if nth == 3 { (StatusCode::FORBIDDEN, "{}".into()) } else { page(after, 10, 50) }).await;
    let catalogue = Arc::new(Catalogue::default());
    assert!(crawler(&url, Some(&file), &catalogue).once().await.is_err());
    assert!(catalogue.is_empty() && !file.exists());

    assert_eq!(crawler(&url, Some(&file), &catalogue).once().await.unwrap(), 50);
    let asked = store.asked.lock().unwrap().clone();
    assert_eq!(asked[3].as_deref(), Some("20"), "not from the beginning");
    assert_eq!(outfitter::catalogue::import::read(&file).unwrap().len(), 50);
    assert!(!folder.path().join("catalogue.part").exists());
}

#[tokio::test]
async fn an_expired_cursor_begins_the_crawl_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.jsonl");
    let (url, store) = store(|nth, after| match nth {
        2 | 3 => (
            StatusCode::OK,
            json!({"errors": [{"message": "Invalid cursor for current pagination sort."}]}).to_string(),
        ),
        _ => page(after, 10, 20),
    })
    .await;
    let catalogue = Arc::new(Catalogue::default());
    assert!(crawler(&url, Some(&file), &catalogue).once().await.is_err());
    assert_eq!(crawler(&url, Some(&file), &catalogue).once().await.unwrap(), 20);
    assert_eq!(*store.asked.lock().unwrap(), [None, Some("10".into()), Some("10".into()), None, Some("10".into())]);
}

#[tokio::test]
async fn pages_that_repeat_neither_double_products_nor_go_on_for_ever() {
    let catalogue = Arc::new(Catalogue::default());
    // Products that moved between two requests come twice.
    let (url, _) = store(|_, after| match after {
        None => answer((0..10).map(product).collect(), Some("5".into())),
        Some(_) => answer((5..15).map(product).collect(), None),
    })
    .await;
    assert_eq!(crawler(&url, None, &catalogue).once().await.unwrap(), 15);

    let (url, _) = store(|_, _| answer(vec![product(1)], Some("same".into()))).await;
    assert!(matches!(crawler(&url, None, &catalogue).once().await, Err(CrawlError::Circle(2))));
    let (url, _) = store(|nth, _| answer(vec![product(1)], Some(nth.to_string()))).await;
    assert!(matches!(crawler(&url, None, &catalogue).once().await, Err(CrawlError::Barren(_))));
}

#[tokio::test]
async fn answers_that_are_no_page_end_the_crawl_and_leave_the_catalogue() {
    let catalogue = Arc::new(Catalogue::default());
    let kept = serde_json::from_value(json!({"key": "kept", "handle": "kept", "title": "Kept"})).unwrap();
    catalogue.replace(Index::build([kept]), jiff::Timestamp::now());
    let whole = page(None, 5, 5).1;
    let hostile = [
        "<!doctype html><title>Log in</title>".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        answer(vec![Value::Null], None).1,
        json!({"data": null}).to_string(),
        json!({"data": {"products": null}}).to_string(),
        json!({"errors": [{"message": "Access denied"}]}).to_string(),
        format!("{{\"data\":{}", "[".repeat(100_000)),
        String::new(),
        // No products at all, where there are some: a token that lost its rights, more likely than a shop sold out.
        answer(Vec::new(), None).1,
    ];
    for body in hostile {
        let said = body.clone();
        let (url, _) = store(move |_, _| (StatusCode::OK, said.clone())).await;
        let crawler = crawler(&url, None, &catalogue);
        let error = crawler.once().await.unwrap_err().to_string();
        assert!(!error.contains("127.0.0.1"), "{error}");
        assert!(matches!(crawler.progress().borrow().state, CrawlState::Failed(_)));
        assert!(catalogue.current().get("kept").is_some(), "{body:.60}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_products_are_read_and_no_more_than_wanted_kept() {
    let (url, _) = store(|_, after| page(after, 5_000, 100_000)).await;
    let catalogue = Arc::new(Catalogue::default());
    assert_eq!(crawler(&url, None, &catalogue).once().await.unwrap(), 100_000);
    let index = catalogue.current();
    assert_eq!(index.in_category("Hats").len(), 100_000);
    assert_eq!(index.search("wool", 8).len(), 8);
}

#[tokio::test]
async fn the_demo_store_is_introspected_and_crawled_like_any_shop() {
    let store = Arc::new(outfitter::demo::Store::generate(&outfitter::demo::Config::default()));
    let url = serve(store.router()).await;
    let config = upstream::Config { url: Some(url.clone()), ..upstream::Config::default() };
    let upstream = upstream::Upstream::new(config, HeaderMap::new()).unwrap();
    let pulled = platform::introspect::pull(&upstream).await.unwrap();
    let types = |sdl: &str| {
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "sdl").unwrap();
        let types: std::collections::BTreeSet<_> = schema.types.keys().map(ToString::to_string).collect();
        types
    };
    assert_eq!(types(&pulled), types(outfitter::demo::SDL));

    let catalogue = Arc::new(Catalogue::default());
    assert!(crawler(&url, None, &catalogue).once().await.unwrap() >= 400);
    let index = catalogue.current();
    assert!(index.categories().filter(|(name, _)| !name.is_empty()).count() >= 12);
    for product in index.products() {
        assert!(!product.variants.is_empty() && !product.collections.is_empty() && product.price.is_some());
        assert!(product.created.is_some() && product.key.as_str().starts_with("gid://shopify/Product/"));
    }
}
