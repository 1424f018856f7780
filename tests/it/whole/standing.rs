//! What the platform keeps of its customers: asked for in the question that confirms them.

use super::world::{Shopper, World, shopper};
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

/// What the signed-in customer's shelf shows, and why.
const SHOWN: &str = r#"query ($token: String!) @inContext(buyer: { customerAccessToken: $token }) {
    personalized { recommendations(placement: "home", first: 3) { items { reason { code } product { id } } } } }"#;
/// Whether the signed-in customer's shelf is their own.
const SHELF: &str = r#"query ($token: String!) @inContext(buyer: { customerAccessToken: $token }) {
    personalized { recommendations(placement: "home", first: 3) { decision { servedBy fallbackReason } } } }"#;

/// A demo whose shop keeps consent with its customers, and whose customers are asked for at each request.
async fn world() -> World {
    let mut settings = settings();
    settings.ingest.customer.consent = outfitter::platform::kept_consent::Attribute::parse("privacy.consent");
    World::with(settings).await
}

/// A demo whose customers are asked for at each request.
fn settings() -> Settings {
    let demo = outfitter::demo::Config { events: 4000, shoppers: 200, ..outfitter::demo::Config::default() };
    let mut settings = Settings { demo, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    settings.ingest.customer.confirmed_for = Duration::ZERO;
    settings
}

impl World {
    /// The shop keeps this with customer 901.
    fn keeps(&self, value: Value) {
        let id = "gid://shopify/Customer/901";
        let more = json!({ "data": { "customer": { "id": id, "tags": ["VIP"], "metafield": { "value": value } } } });
        *self.proxy.customer.lock().unwrap() = Some([more, json!({ "data": { "customer": { "id": id } } })]);
    }

    /// Why the signed-in customer's shelf is none of their own; null where it is.
    async fn shelf(&self, who: Shopper<'_>) -> Value {
        let mut data = self.ask(who, SHELF, json!({ "token": "a customer's token" })).await;
        data["personalized"]["recommendations"]["decision"]["fallbackReason"].take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_in_a_customers_metafield_counts_where_the_request_says_nothing_and_for_nobody_else() {
    let world = world().await;
    world.keeps(json!("[\"analytics\"]"));
    assert_eq!(world.shelf(shopper("device-1")).await, "NO_CONSENT");
    let question = world.sent().into_iter().find(|text| text.contains("query Customer(")).unwrap();
    assert!(question.contains(r#""namespace":"privacy""#) && question.contains(r#""key":"consent""#), "{question}");
    // What the browser says in this request is nearer, be it more or less.
    let saying = |consent| Shopper { session: "device-1", consent: Some(consent) };
    assert_eq!(world.shelf(saying("all")).await, Value::Null);
    world.keeps(json!("{\"analytics\":true,\"preferences\":true}"));
    assert_eq!(world.shelf(saying("none")).await, "NO_CONSENT");
    assert_eq!(world.shelf(shopper("device-1")).await, Value::Null);
    // Signed out, and for others, the demo's default holds.
    world.keeps(json!("none"));
    assert_eq!(world.shelf(shopper("device-1")).await, "NO_CONSENT");
    let data = world.ask(shopper("device-2"), "{ personalized { shopper { id } } }", json!({})).await;
    assert_ne!(data["personalized"]["shopper"], Value::Null);
    // What cannot be read says nothing.
    world.keeps(json!("perhaps"));
    assert_eq!(world.shelf(shopper("device-1")).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_metafield_may_not_be_read_is_confirmed_all_the_same() {
    let world = world().await;
    world.keeps(json!("none"));
    let denied = json!({ "data": { "customer": null },
        "errors": [{ "message": "Access denied for metafield", "extensions": { "code": "ACCESS_DENIED" } }] });
    world.proxy.customer.lock().unwrap().as_mut().unwrap()[0] = denied;
    assert_eq!(world.shelf(shopper("device-1")).await, Value::Null);
    let asked: Vec<String> = world.sent().into_iter().filter(|text| text.contains("query Customer(")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_the_platform_changes_the_order_at_once_for_its_customer_and_for_nobody_else() {
    let mut settings = settings();
    // On the market, and not among the three that the shelf shows anyway, as the first question below makes sure.
    let pinned = "gid://shopify/Product/1040";
    let engine: outfitter::engine::Config = toml::from_str(&format!(
        "[[tiers]]\nname = 'trade'\ntags = ['vip']\n\n[[rules]]\ntiers = ['trade']\nplacements = ['home']\n\
         products = {{ keys = ['{pinned}'] }}\naction = {{ pin = 2 }}\n"
    ))
    .unwrap();
    (settings.engine.tiers, settings.engine.rules) = (engine.tiers, engine.rules);
    let world = World::with(settings).await;
    let tagged = |tags: Value| {
        let answer = json!({ "data": { "customer": { "id": "gid://shopify/Customer/901", "tags": tags } } });
        *world.proxy.customer.lock().unwrap() = Some([answer, json!({ "data": { "customer": null } })]);
    };
    let shown = async |who: Shopper<'_>, token: &str| {
        let mut data = world.ask(who, SHOWN, json!({ "token": token })).await;
        let slate = data["personalized"]["recommendations"].take();
        let at = slate["items"].as_array().unwrap().iter().position(|item| item["reason"]["code"] == "PINNED");
        let place = slate["items"].as_array().unwrap().iter().position(|item| item["product"]["id"] == pinned);
        assert_eq!(at, place, "{slate}");
        place
    };
    tagged(json!([]));
    assert_eq!(shown(shopper("device-1"), "a token").await, None);
    tagged(json!(["b2c", "VIP"]));
    assert_eq!(shown(shopper("device-1"), "a token").await, Some(1), "what was decided a moment ago is not shown");
    assert_eq!(shown(Shopper { session: "device-1", consent: Some("none") }, "a token").await, None);
    // The tag is the customer's, not the device's: signed out, it counts no more, and the next customer has their own.
    let signed_out =
        SHOWN.replace("query ($token: String!) @inContext(buyer: { customerAccessToken: $token })", "query");
    let data = world.ask(shopper("device-1"), &signed_out, json!({})).await;
    assert!(!data.to_string().contains("PINNED"), "{data}");
    tagged(json!(["b2c"]));
    assert_eq!(shown(shopper("device-1"), "a token").await, None, "a tag that went counts no more");
}
