//! Lists in order for the shopper: the set is the platform's, pages go on without gaps or repeats, a written sort stays,
//! a foreign cursor is refused, and without consent nothing differs from the platform's own answer.

use super::world::{Shopper, World, refusing, shopper};
use crate::client::post_with;
use outfitter::demo;
use outfitter::settings::Settings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::time::Duration;

const PAGE: &str = "query ($first: Int, $after: String, $last: Int, $before: String) {
    products(first: $first, after: $after, last: $last, before: $before) @personalized(pool: 40) {
        edges { at: cursor node { id title } } nodes { id handle }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        personalized { servedBy fallbackReason }
    } }";

fn strings(list: &Value, pointer: &str) -> Vec<String> {
    let text = |value: &Value| value.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

fn ids(connection: &Value) -> Vec<String> {
    let ids = strings(&connection["nodes"], "/id");
    assert_eq!(ids, strings(&connection["edges"], "/node/id"), "nodes and edges show the same");
    ids
}

/// A shopper who has looked at the last products of the shop's own order.
async fn history(world: &World, who: Shopper<'_>) {
    let products = world.products("US").await;
    for product in products.iter().rev().take(3) {
        let query = "query ($h: String!) { product(handle: $h) { id } }";
        world.ask(who, query, json!({ "h": product["handle"] })).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The platform's own order, whole.
async fn platform_order(world: &World) -> Vec<String> {
    let mut order = Vec::new();
    let mut after = Value::Null;
    loop {
        let query = "query ($a: String) { products(first: 250, after: $a) { nodes { id } pageInfo { hasNextPage endCursor } } }";
        let answer = world.ask(refusing("nobody"), query, json!({ "a": after })).await;
        order.extend(strings(&answer["products"]["nodes"], "/id"));
        after = answer["products"]["pageInfo"]["endCursor"].clone();
        if answer["products"]["pageInfo"]["hasNextPage"] == false {
            return order;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_show_each_product_once_window_by_window_and_back_again() {
    let world = World::start().await;
    let who = shopper("pages");
    history(&world, who).await;
    let platform = platform_order(&world).await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..6 {
        let (mut shown, mut after, mut pages) = (Vec::new(), Value::Null, Vec::new());
        loop {
            let first = if round == 0 { 8 } else { random.random_range(1..30) };
            let answer = world.ask(who, PAGE, json!({ "first": first, "after": after })).await;
            let page = ids(&answer["products"]);
            let info = &answer["products"]["pageInfo"];
            assert_eq!(info["hasPreviousPage"], !shown.is_empty(), "page {}", pages.len());
            assert_eq!(info["endCursor"], answer["products"]["edges"][page.len() - 1]["at"]);
            shown.extend(page.clone());
            pages.push((page, info["startCursor"].clone()));
            after = info["endCursor"].clone();
            if info["hasNextPage"] == false || shown.len() > 200 {
                break;
            }
        }
        let mut sorted = shown.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), shown.len(), "nothing is shown twice (round {round})");
        let known: Vec<_> = platform.iter().filter(|id| shown.contains(id)).collect();
        let beginning: Vec<_> = platform.iter().take(shown.len().saturating_sub(40)).collect();
        assert!(beginning.iter().all(|id| known.contains(id)), "no window is left out (round {round})");
        assert_ne!(shown, platform[..shown.len()], "the order is the shopper's (round {round})");
        // Back to the beginning, in steps of any size, from the last page that began in the first window.
        let window = (40 / pages[0].0.len()).max(1) * pages[0].0.len();
        let offsets = pages.iter().scan(0, |at, (page, _)| Some(std::mem::replace(at, *at + page.len())));
        let (offset, start) =
            offsets.zip(pages.iter().map(|(_, start)| start)).filter(|(at, _)| *at < window).last().unwrap();
        let (mut back, mut before) = (Vec::new(), start.clone());
        while back.len() < offset {
            let answer = world.ask(who, PAGE, json!({ "last": random.random_range(1..12), "before": before })).await;
            let info = &answer["products"]["pageInfo"];
            assert_eq!(info["hasNextPage"], true);
            before = info["startCursor"].clone();
            back.splice(..0, ids(&answer["products"]));
            assert_eq!(info["hasPreviousPage"], back.len() < offset);
        }
        assert_eq!(back, shown[..offset], "the way back shows the same (round {round})");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_window_is_the_platforms_set() {
    let world = World::start().await;
    let who = shopper("set");
    history(&world, who).await;
    let answer = world.ask(who, PAGE, json!({ "first": 40 })).await;
    let mut shown = ids(&answer["products"]);
    let mut platform = platform_order(&world).await[..40].to_vec();
    assert_ne!(shown, platform);
    shown.sort();
    platform.sort();
    assert_eq!(shown, platform);
    assert_eq!(answer["products"]["personalized"]["servedBy"], "MODEL");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_the_order_and_the_cursors_are_the_platforms() {
    let world = World::start().await;
    history(&world, shopper("consent")).await;
    let refused = world.ask(refusing("consent"), PAGE, json!({ "first": 5 })).await;
    let plain = "{ products(first: 5) { edges { at: cursor node { id title } } nodes { id handle }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let plain = world.ask(refusing("consent"), plain, json!({})).await;
    for member in ["edges", "nodes", "pageInfo"] {
        assert_eq!(refused["products"][member], plain["products"][member]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_written_sort_is_kept_unless_a_rule_names_it_and_the_caller_opted_in() {
    let demo = demo::Config { events: 4000, shoppers: 200, ..demo::Config::default() };
    let mut settings = Settings { demo, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    let world = World::with(settings).await;
    let who = shopper("sort");
    history(&world, who).await;
    let home = "{ products(first: 4, sortKey: UPDATED_AT, reverse: true) { nodes { id } } }";
    let by_title = "{ products(first: 4, sortKey: TITLE) @personalized { nodes { id } } }";
    let plain_title = "{ products(first: 4, sortKey: TITLE) { nodes { id } } }";
    let own = world.ask(who, home, json!({})).await;
    let nobody = world.ask(refusing("sort"), home, json!({})).await;
    assert_ne!(own, nobody, "the rule of the demo names this sort");
    let (_, _, without_session) =
        post_with(&format!("{}/graphql", world.gateway), &json!({ "query": home }), &[]).await;
    assert_eq!(without_session["data"], nobody, "who sends no session gets the platform's order");
    assert_eq!(world.ask(who, by_title, json!({})).await, world.ask(who, plain_title, json!({})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cursor_and_one_of_another_list_are_refused_and_anothers_order_is_not_followed() {
    let world = World::start().await;
    let (who, other) = (shopper("cursor-a"), shopper("cursor-b"));
    history(&world, who).await;
    let first = world.ask(who, PAGE, json!({ "first": 6 })).await;
    let cursor = first["products"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    let middle = cursor.len() / 2;
    let swapped = if &cursor[middle..=middle] == "A" { "B" } else { "A" };
    let forged = format!("{}{swapped}{}", &cursor[..middle], &cursor[middle + 1..]);
    let search =
        "query ($after: String) { search(query: \"shirt\", first: 2, after: $after) @personalized { totalCount } }";
    for (query, after) in [(PAGE, &forged), (search, &cursor)] {
        let (_, answer) = world.answer(who, query, json!({ "first": 6, "after": after })).await;
        assert_eq!(answer["data"], Value::Null, "{answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("cursor"), "{answer}");
    }
    let theirs = world.ask(other, PAGE, json!({ "first": 6, "after": cursor })).await;
    let mine = world.ask(who, PAGE, json!({ "first": 6, "after": cursor })).await;
    assert_ne!(ids(&theirs["products"]), ids(&mine["products"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_collections_and_plain_lists_are_put_in_order_as_sets() {
    let world = World::start().await;
    let who = shopper("lists");
    history(&world, who).await;
    let products = world.products("US").await;
    let seed = &products[0]["id"];
    let query = |directive: &str| {
        format!(
            "query ($id: ID!) {{
                search(query: \"shirt\", first: 50) {directive} {{ totalCount nodes {{ __typename ... on Product {{ id }} ... on Article {{ id }} ... on Page {{ id }} }} }}
                predictiveSearch(query: \"shirt\") {directive} {{ products {{ id }} queries {{ text }} }}
                productRecommendations(productId: $id) {directive} {{ id }}
                collections(first: 3) {{ nodes {{ handle products(first: 12) {directive} {{ nodes {{ id personalized {{ id }} }} }} }} }}
            }}"
        )
    };
    let own = world.ask(who, &query("@personalized(pool: 50)"), json!({ "id": seed })).await;
    let plain = world.ask(refusing("lists"), &query(""), json!({ "id": seed })).await;
    let sorted = |list: &Value| {
        let mut ids = strings(list, "/id");
        ids.sort();
        ids
    };
    for pointer in ["/search/nodes", "/predictiveSearch/products", "/productRecommendations"] {
        let (own, plain) = (own.pointer(pointer).unwrap(), plain.pointer(pointer).unwrap());
        assert_eq!(sorted(own), sorted(plain), "{pointer}");
    }
    assert_eq!(own["predictiveSearch"]["queries"], plain["predictiveSearch"]["queries"]);
    assert_eq!(own["search"]["totalCount"], plain["search"]["totalCount"]);
    let slots = |nodes: &Value| strings(nodes, "/__typename").iter().map(|name| name == "Product").collect::<Vec<_>>();
    assert_eq!(slots(&own["search"]["nodes"]), slots(&plain["search"]["nodes"]), "only products move");
    for collection in own["collections"]["nodes"].as_array().unwrap() {
        for node in collection["products"]["nodes"].as_array().unwrap() {
            assert!(node["personalized"]["id"].is_string(), "sites inside what was ordered are filled: {node}");
        }
    }
    assert_ne!(own, plain);
}
