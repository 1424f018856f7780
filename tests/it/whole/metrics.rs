//! What operators scrape: each thing that happens on an operation's way is counted under its name.

use super::world::{World, shopper};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_tells_of_the_platform_the_slates_and_the_catalogue_and_names_no_shopper() {
    let world = World::start().await;
    let shelf = "{ shop { name } personalized { recommendations(placement: \"home\", first: 2) {
        items { product { id title } } } } }";
    world.ask(shopper("a-session-to-keep-secret"), shelf, json!({})).await;
    world.ask(shopper("a-session-to-keep-secret"), "{ shop { name } }", json!({})).await;
    let (_, _, text) = World::raw(&world.gateway, "/metrics", None).await;
    let text = String::from_utf8(text.to_vec()).unwrap();
    for sample in [
        r#"http_client_request_duration_seconds_count{kind="plan",outcome="ok"}"#,
        r#"http_client_request_duration_seconds_count{kind="lookup",outcome="ok"}"#,
        r#"http_client_request_duration_seconds_count{kind="forward",outcome="ok"}"#,
        r#"http_client_request_duration_seconds_count{kind="schema",outcome="ok"}"#,
        "outfitter_slate_duration_seconds_count{served_by=",
        "outfitter_catalogue_products ",
        "outfitter_catalogue_age_seconds ",
    ] {
        assert!(text.contains(sample), "{sample} is not in:\n{text}");
    }
    assert!(!text.contains("secret"));
}
