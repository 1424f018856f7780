//! The shop's schema: waited for at start, kept for the next, swapped when it changes, refused when it lost too much.

use super::process::{Gateway, Shop};
use http::StatusCode;
use serde_json::Value;

const APPLIED: [&str; 2] = [r#""kind":"schema""#, r#""outcome":"applied""#];
const REFUSED: [&str; 2] = [r#""kind":"schema""#, r#""outcome":"refused""#];
/// A schema was applied or refused.
const READ: [&str; 2] = [r#""kind":"schema""#, "in use"];
const OURS: &str = "{ personalized { shopper { id } } }";

/// An address that nobody listens on.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_before_its_shop_and_takes_over_the_schema_when_the_shop_comes() {
    let address = nowhere().await;
    let gateway = Gateway::start(&format!("[upstream]\nurl = \"http://{address}/graphql\"\n")).await;
    gateway.until_logged(&REFUSED, 0).await;
    assert_eq!(gateway.get("/health/live").await.0, StatusCode::OK);
    let (status, reason) = gateway.get("/health/ready").await;
    assert_eq!((status, reason.trim()), (StatusCode::SERVICE_UNAVAILABLE, "the shop's schema is not known yet"));
    for document in [OURS, "{ __schema { queryType { name } } }"] {
        let (status, headers, answer) = gateway.ask(document).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_NOT_READY", "{answer}");
        assert_eq!((status, headers.contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    }
    // What is the shop's alone goes to the shop, which is away.
    let (status, _, answer) = gateway.ask("{ shop { name } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_UPSTREAM_UNAVAILABLE", "{status} {answer}");
    Shop::new().open(&address).await;
    gateway.until_ready().await;
    let (status, _, answer) = gateway.ask(OURS).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_schema_cannot_be_read_what_needs_none_is_sold() {
    let shop = Shop::new();
    *shop.forged.lock().unwrap() = Some(("\"__schema\"", "\"__other\""));
    let url = shop.open("127.0.0.1:0").await;
    let gateway = Gateway::start(&format!("[upstream]\nurl = \"{url}\"\n")).await;
    gateway.until_logged(&REFUSED, 0).await;
    let (status, _, answer) = gateway.ask("{ shop { name } }").await;
    assert_eq!((status, answer["data"]["shop"]["name"].is_string()), (StatusCode::OK, true), "{answer}");
    assert_eq!(gateway.ask(OURS).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_lost_its_products_is_refused_and_the_old_one_served() {
    let shop = Shop::new();
    let url = shop.open("127.0.0.1:0").await;
    let gateway = Gateway::start(&format!("[upstream]\nurl = \"{url}\"\n")).await;
    gateway.until_ready().await;
    for (lost, forged) in [("Product", ("\"Product\"", "\"Ware\"")), ("Cart", ("\"Cart\"", "\"Basket\""))] {
        let before = gateway.logged(&READ);
        *shop.forged.lock().unwrap() = Some(forged);
        gateway.signal("USR1");
        gateway.until_logged(&READ, before).await;
        // Asked again meanwhile, the shop may have been refused more than once.
        assert!(gateway.logged(&[&format!("no `{lost}` with `id` any more"), REFUSED[0], REFUSED[1]]) >= 1, "{lost}");
    }
    let (status, _, answer) = gateway.ask(OURS).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_good_schema_serves_a_start_while_the_shop_is_away() {
    let address = nowhere().await;
    let settings =
        format!("[upstream]\nurl = \"http://{address}/graphql\"\n[platform]\nschema_cache = \"DIR/schema.graphql\"\n");
    let folder = tempfile::tempdir().unwrap();
    let sdl = include_str!("../../../schema/shopify.graphql");
    let kept = format!("# The schema of http://{address}/graphql\n{sdl}");
    std::fs::write(folder.path().join("schema.graphql"), kept).unwrap();
    let gateway = Gateway::start_in(folder, &settings).await;
    gateway.until_logged(&APPLIED, 0).await;
    assert_eq!(gateway.get("/health/ready").await.0, StatusCode::OK);
    let (status, _, answer) = gateway.ask(OURS).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
}
