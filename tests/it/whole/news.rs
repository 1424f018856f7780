//! Two gateways before one shop, with one Redis: what a webhook tells one of a product, neither shows as it was kept.

use super::replicas::settings;
use super::world::{World, each, shopper};
use crate::servers::Server;
use crate::told::{APP, webhook};
use outfitter::platform::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const SHELF: &str =
    r#"{ personalized { recommendations(placement: "home", first: 4) { items { product { id title } } } } }"#;

/// A replica that takes webhooks and keeps products for longer than this test may last.
async fn replica(redis: &str, folder: &Path) -> World {
    let mut settings = settings(redis, &folder.join("secret"));
    settings.ingest.webhooks.shopify.secrets = vec![Secret::File(folder.join("app"))];
    settings.ingest.webhooks.patience = Duration::from_secs(60);
    (settings.products.fresh, settings.products.stale) = (Duration::from_secs(600), Duration::ZERO);
    World::with(settings).await
}

/// What is on the shelf, and whether that product was asked for.
async fn shelf(world: &World, product: &str) -> (Vec<String>, bool) {
    world.sent();
    let data = world.ask(shopper("s"), SHELF, Value::Null).await;
    let asked = world.sent().iter().any(|sent| sent.contains("_gw_s") && sent.contains(&format!("\"{product}\"")));
    (each(&data["personalized"]["recommendations"], "/product/id"), asked)
}

/// Until the product is asked for afresh: a test that never ends is ended by its runner. Then it is kept again.
async fn afresh(world: &World, product: &str) {
    while !shelf(world, product).await.1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_a_webhook_names_to_one_replica_is_asked_for_afresh_by_the_other_and_by_none_before() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "the same in every replica of this shop").unwrap();
    std::fs::write(folder.path().join("app"), APP).unwrap();
    let redis = Server::start();
    let (told, other) = (replica(&redis.url(), folder.path()).await, replica(&redis.url(), folder.path()).await);
    let shown = shelf(&other, "").await.0;
    let (product, beside) = (shown[0].as_str(), shown[1].as_str());
    for _ in 0..5 {
        assert_eq!(shelf(&other, product).await, (shown.clone(), false), "it is kept");
    }

    let number: u64 = product.rsplit('/').next().unwrap().parse().unwrap();
    let body = json!({ "id": number, "variants": [{ "id": 1, "inventory_item_id": 77 }] });
    assert!(webhook(&told.gateway, "products/update", "w1", &body).await);
    afresh(&other, product).await;
    assert!(!shelf(&other, beside).await.1, "nothing was told of this one");
    assert!(!shelf(&other, product).await.1, "it is kept again");

    // Sold out in one place. Which product that is, only the first replica was told by the platform.
    let stock = json!({ "inventory_item_id": 77, "location_id": 1, "available": 0 });
    assert!(webhook(&other.gateway, "inventory_levels/update", "w2", &stock).await);
    assert!(shelf(&other, product).await.1, "at once where it was told");
    assert!(!shelf(&other, beside).await.1);
    assert!(webhook(&told.gateway, "inventory_levels/update", "w3", &stock).await);
    afresh(&other, product).await;
    assert!(!shelf(&other, beside).await.1);

    // Whose stock it is nobody knows.
    let stock = json!({ "inventory_item_id": 78, "location_id": 1, "available": 3 });
    assert!(webhook(&told.gateway, "inventory_levels/update", "w4", &stock).await);
    afresh(&other, beside).await;
}
