//! What one operation costs the platform, and what it may show: requests, markets, repetitions.

use super::world::{World, each, shopper};
use serde_json::{Value, json};
use std::collections::HashSet;

#[tokio::test(flavor = "multi_thread")]
async fn two_dozen_personalized_products_cost_two_requests() {
    let world = World::start().await;
    let text = r#"query Page { collection(handle: "tops") { title products(first: 24) { nodes { title personalized {
        recommendations(first: 4) { items { product { title vendor price: priceRange {
        minVariantPrice { amount currencyCode } } } reason { code text } } decision { servedBy } } } } } } }"#;
    world.sent();
    let data = world.ask(shopper("ada"), text, json!({})).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    let nodes = data["collection"]["products"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 24);
    for node in nodes {
        let slate = &node["personalized"]["recommendations"];
        assert_eq!(each(slate, "/product/title").len(), 4, "{node}");
        assert!(!each(slate, "/product/title").contains(&node["title"].as_str().unwrap().to_owned()));
        assert_eq!(each(slate, "/product/price/minVariantPrice/currencyCode"), ["USD"; 4]);
        assert_eq!(slate["decision"]["servedBy"], "STATISTICS");
    }
}

fn ids(products: &[Value]) -> HashSet<String> {
    products.iter().map(|product| product["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_market_does_not_sell_is_never_shown_and_slates_are_full_all_the_same() {
    let world = World::start().await;
    let text = r#"query ($c: CountryCode!) @inContext(country: $c) { personalized {
        home: recommendations(placement: "home", first: 24) { items { product { id availableForSale price: priceRange {
            minVariantPrice { currencyCode } } } } decision { servedBy } }
        trending: recommendations(placement: "trending", first: 24) { items { product { id availableForSale } } } }
      collection(handle: "tops") { products(first: 12) { nodes { personalized { recommendations(first: 8) {
        items { product { id availableForSale } } } } } } } }"#;
    let slates = |data: &Value| -> Vec<Value> {
        let nodes = data["collection"]["products"]["nodes"].as_array().unwrap().clone();
        let of_nodes = nodes.into_iter().map(|node| node["personalized"]["recommendations"].clone());
        let root = &data["personalized"];
        [root["home"].clone(), root["trending"].clone()].into_iter().chain(of_nodes).collect()
    };
    let there = world.ask(shopper("ada"), text, json!({ "c": "US" })).await;
    let here = world.ask(shopper("ada"), text, json!({ "c": "DE" })).await;
    assert_eq!(here["personalized"]["home"]["items"][0]["product"]["price"]["minVariantPrice"]["currencyCode"], "EUR");
    let wanted = |slot: usize| if slot < 2 { 24 } else { 8 };
    for data in [&there, &here] {
        for (slot, slate) in slates(data).iter().enumerate() {
            assert_eq!(slate["items"].as_array().unwrap().len(), wanted(slot), "slate {slot} is short: {slate}");
            assert!(slate["items"].as_array().unwrap().iter().all(|it| it["product"]["availableForSale"] == true));
        }
    }
    // The other market sells something that would have been shown, or this test would show nothing.
    let shown: HashSet<String> = slates(&there).iter().flat_map(|slate| each(slate, "/product/id")).collect();
    let look_up =
        "query ($ids: [ID!]!) @inContext(country: DE) { nodes(ids: $ids) { ... on Product { id availableForSale } } }";
    let asked = json!({ "ids": shown.iter().collect::<Vec<_>>() });
    let found = world.ask(shopper("ada"), look_up, asked).await;
    let sold = found["nodes"].as_array().unwrap().iter().filter(|node| node["availableForSale"] == true).count();
    assert!(sold < shown.len(), "every product is sold in both markets");
    assert!(!ids(&world.products("DE").await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recommended_product_has_recommendations_of_its_own() {
    let world = World::start().await;
    let products = world.products("US").await;
    let text = "query ($id: ID!) { product(id: $id) { id personalized { recommendations(first: 3) { items { product { id
        personalized { id affinity recommendations(intent: COMPLEMENTARY, first: 2) { items { position product { id handle } } } } } } } } } }";
    world.sent();
    let data = world.ask(shopper("ada"), text, json!({ "id": products[0]["id"] })).await;
    // The page, the products of the first wave, those of the second.
    assert_eq!(world.sent().len(), 3);
    let outer = &data["product"]["personalized"]["recommendations"];
    assert_eq!(outer["items"].as_array().unwrap().len(), 3);
    for item in outer["items"].as_array().unwrap() {
        let inner = &item["product"]["personalized"];
        assert_eq!(inner["id"], item["product"]["id"]);
        assert_eq!(each(&inner["recommendations"], "/product/handle").len(), 2, "{item}");
        assert!(
            !each(&inner["recommendations"], "/product/id").contains(&item["product"]["id"].as_str().unwrap().into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn placements_of_one_operation_do_not_repeat_a_product() {
    let world = World::start().await;
    let text = r#"{ personalized { home: recommendations(placement: "home") { items { product { id } } }
        trending: recommendations(placement: "trending") { items { product { id } } }
        empty: recommendations(placement: "search-empty") { items { product { id } } } } }"#;
    world.sent();
    let data = world.ask(shopper("shopper-1"), text, json!({})).await;
    let all: Vec<String> = ["home", "trending", "empty"]
        .iter()
        .flat_map(|name| each(&data["personalized"][name], "/product/id"))
        .collect();
    assert_eq!(all.len(), 24);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 24, "{all:?}");
    assert!(world.sent().len() <= 2);
}
