//! One body of each form, as its own clients send it, and what none of them may do.

use super::*;
use crate::catalogue::Index;
use crate::domain::product::CatalogueProduct;
use crate::platform::{self, Platform};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

fn index() -> Index {
    let product = |n: u32| -> CatalogueProduct {
        let told = json!({ "key": format!("gid://shopify/Product/{n}"), "handle": format!("hat-{n}"), "title": "",
            "variants": [format!("gid://shopify/ProductVariant/{n}0")] });
        serde_json::from_value(told).unwrap()
    };
    Index::build((1..=5).map(product))
}

fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn with<T>(act: impl FnOnce(&Reader<'_>) -> T) -> T {
    let (index, platform) = (index(), platform::open(&platform::Config::default()).unwrap());
    let platform: Arc<dyn Platform> = platform;
    act(&Reader { keys: Keys { index: &index, platform: &*platform }, now: now() })
}

fn read_as(query: &str, body: &str, form: Option<Form>) -> Vec<Heard> {
    with(|reader| read(body.as_bytes(), query, form, reader, 500).unwrap())
}

fn of(told: &Value) -> Vec<Heard> {
    read_as("", &told.to_string(), None)
}

/// Kind, product and lines of each event; the name of one that is not used.
fn shown(heard: &[Heard]) -> Vec<String> {
    let short = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
    heard
        .iter()
        .map(|heard| match &heard.event {
            Err(name) => format!("? {name}"),
            Ok(event) => {
                let product = event.product.as_ref().map(|key| format!(" {}", short(key.as_str()))).unwrap_or_default();
                let lines: String = event
                    .lines
                    .iter()
                    .map(|line| {
                        let price = line.price.map(|price| format!("@{}", price.amount())).unwrap_or_default();
                        format!(" {}x{}{price}", line.quantity, short(line.product.as_str()))
                    })
                    .collect();
                let query = event.query.as_ref().map(|query| format!(" \"{query}\"")).unwrap_or_default();
                let order =
                    event.order.as_ref().map(|order| format!(" #{}", short(order.as_str()))).unwrap_or_default();
                format!("{:?}{product}{lines}{query}{order}", event.kind)
            }
        })
        .collect()
}

fn who(heard: &[Heard]) -> Vec<&str> {
    heard.iter().map(|heard| heard.session.as_ref().map_or("-", |id| id.expose())).collect()
}

#[test]
fn the_gateways_own_form() {
    let told = json!({ "session": "s1", "consent": "analytics", "events": [
        { "id": "1", "type": "PRODUCT_VIEWED", "productId": "gid://shopify/Product/1", "at": "2026-03-02T11:59:00Z" },
        { "id": "2", "type": "CHECKOUT_COMPLETED", "orderId": "9", "lines": [
            { "productId": 2, "quantity": 3, "price": { "amount": "1.50", "currencyCode": "EUR" } }] },
        { "id": "3", "type": "RECOMMENDATION_CLICKED", "productId": "1", "decisionId": "d", "position": 4 },
        { "id": "4", "type": "DANCED" }] });
    let heard = of(&told);
    assert_eq!(
        shown(&heard),
        ["ProductViewed 1", "CheckoutCompleted 3x2@1.50 #9", "RecommendationClicked 1", "? DANCED"]
    );
    assert_eq!(who(&heard), ["s1"; 4]);
    assert_eq!(heard[0].consent.over(Consent::ALL).to_string(), "analytics");
    let clicked = heard[2].event.as_ref().unwrap();
    assert_eq!((clicked.decision.as_ref().unwrap().as_str(), clicked.position), ("d", Some(4)));
    assert_eq!(heard[0].event.as_ref().unwrap().at.to_string(), "2026-03-02T11:59:00Z");
}

#[test]
fn shopifys_web_pixel() {
    let event = |name: &str, data: Value| {
        json!({ "id": format!("sh-{name}"), "name": name, "type": "standard", "clientId": "y-1",
            "timestamp": "2026-03-02T11:59:00.000Z", "seq": 1, "context": { "document": { "title": "Hat" } }, "data": data })
    };
    let variant = json!({ "id": "20", "sku": "H2", "price": { "amount": 12.5, "currencyCode": "EUR" },
        "product": { "id": "2", "title": "Hat", "vendor": "Ida" } });
    let line = json!({ "merchandise": variant, "quantity": 2, "cost": { "totalAmount": { "amount": 25, "currencyCode": "EUR" } } });
    let told = json!({ "customerPrivacy": { "analyticsProcessingAllowed": true, "preferencesProcessingAllowed": false,
            "marketingAllowed": false, "saleOfDataAllowed": false },
        "events": [
            event("page_viewed", json!({})),
            event("product_viewed", json!({ "productVariant": variant })),
            event("product_added_to_cart", json!({ "cartLine": line })),
            event("cart_viewed", json!({ "cart": { "lines": [line], "cost": { "totalAmount": { "currencyCode": "EUR" } } } })),
            event("search_submitted", json!({ "searchResult": { "query": "warm hat", "productVariants": [] } })),
            event("collection_viewed", json!({ "collection": { "id": "7", "title": "Hats" } })),
            event("checkout_completed", json!({ "checkout": { "currencyCode": "EUR", "order": { "id": "55" }, "email": "a@b.c",
                "lineItems": [{ "id": "1", "quantity": 1, "variant": variant }] } })),
            event("payment_info_submitted", json!({}))] });
    let heard = of(&told);
    assert_eq!(
        shown(&heard),
        [
            "PageViewed",
            "ProductViewed 2",
            "ProductAddedToCart 2",
            "CartViewed 2x2@12.50",
            "SearchSubmitted \"warm hat\"",
            "CollectionViewed",
            "CheckoutCompleted 1x2@12.50 #55",
            "? payment_info_submitted"
        ]
    );
    assert_eq!(who(&heard), ["y-1"; 8]);
    assert_eq!(heard[0].consent.over(Consent::ALL).to_string(), "analytics");
    let collection = heard[5].event.as_ref().unwrap().collection.clone().unwrap();
    assert_eq!(collection.as_str(), "gid://shopify/Collection/7");
    assert!(!format!("{heard:?}").contains("a@b.c"));
    // One alone, as `sendBeacon(url, JSON.stringify(event))` sends it.
    assert_eq!(shown(&of(&event("product_viewed", json!({ "productVariant": variant })))), ["ProductViewed 2"]);
}

#[test]
fn google_analytics_by_its_measurement_protocol() {
    let told = json!({ "client_id": "111.222", "timestamp_micros": "1772452740000000",
        "consent": { "ad_user_data": "DENIED", "ad_personalization": "DENIED" },
        "events": [
            { "name": "view_item", "params": { "currency": "EUR", "items": [{ "item_id": "shopify_DE_3_30", "price": 9.99 }] } },
            { "name": "purchase", "params": { "transaction_id": "T_12345", "currency": "EUR", "value": 30.03,
                "items": [{ "item_id": "1", "quantity": 3, "price": 10.01 }, { "item_id": "hat-2", "price": "5" }] } },
            { "name": "search", "params": { "search_term": "hats" } },
            { "name": "select_item", "params": { "items": [{ "item_id": "40", "decision_id": "d1", "index": 2 }] } },
            { "name": "select_item", "params": { "items": [{ "item_id": "4" }] } },
            { "name": "add_to_cart", "params": { "items": [{ "item_id": "1" }, { "item_id": "2" }] } },
            { "name": "scroll", "params": {} }] });
    let heard = of(&told);
    assert_eq!(
        shown(&heard),
        [
            "ProductViewed 3",
            "CheckoutCompleted 3x1@10.01 1x2@5.00 #T_12345",
            "SearchSubmitted \"hats\"",
            "RecommendationClicked 4",
            "? select_item",
            "ProductAddedToCart 1",
            "ProductAddedToCart 2",
            "? scroll"
        ]
    );
    assert_eq!(who(&heard)[0], "111.222");
    assert_eq!(heard[0].event.as_ref().unwrap().at.to_string(), "2026-03-02T11:59:00Z");
    let said = heard[0].consent.over(Consent::ALL);
    assert!(!said.allows(Purpose::Marketing) && said.allows(Purpose::Analytics) && said.allows(Purpose::Preferences));
    let ids: std::collections::BTreeSet<&str> = heard.iter().map(|heard| heard.id.as_str()).collect();
    assert_eq!(ids.len(), heard.len(), "each event has an id of its own");
}

#[test]
fn google_analytics_as_browsers_send_it() {
    let query = "v=2&tid=G-1&gcs=G101&cid=111.222&_p=99&_s=1&dl=https%3A%2F%2Fshop.example&cu=EUR";
    let body = "en=view_item&pr1=id2~nmWarm%20hat~pr12.50&ep.origin=x\r\n\
                en=purchase&_s=2&ep.transaction_id=77&pr1=id1~qt2~pr3~k0colour~v0red&pr2=id3";
    let heard = read_as(query, body, None);
    assert_eq!(shown(&heard), ["ProductViewed 2", "CheckoutCompleted 2x1@3.00 1x3 #77"]);
    assert_eq!(who(&heard), ["111.222"; 2]);
    let said = heard[0].consent.over(Consent::NONE);
    assert!(said.allows(Purpose::Analytics) && !said.allows(Purpose::Marketing) && !said.allows(Purpose::Preferences));
    assert_eq!(heard[0].id, read_as(query, body, None)[0].id, "sent again it is the same");
    assert_eq!(shown(&read_as(&format!("{query}&en=page_view"), "", None)), ["PageViewed"]);
}

#[test]
fn segments_calls_one_or_many() {
    let told = json!({ "batch": [
        { "type": "track", "event": "Product Viewed", "anonymousId": "anon-1", "messageId": "m1",
          "timestamp": "2026-03-02T11:59:00.000Z", "properties": { "product_id": "1", "sku": "X", "price": 18.99, "email": "a@b.c" } },
        { "type": "track", "event": "Order Completed", "anonymousId": "anon-2", "messageId": "m2",
          "properties": { "order_id": "50314b8e9bcf000000000000", "currency": "USD", "products": [
            { "product_id": "2", "quantity": 2, "price": 19 }, { "sku": "hat-3", "price": 3 }] },
          "context": { "consent": { "categoryPreferences": { "Advertising": false, "Analytics": true, "Functional": true } } } },
        { "type": "track", "event": "Products Searched", "anonymousId": "anon-1", "messageId": "m3", "properties": { "query": "blue" } },
        { "type": "track", "event": "Product Added", "anonymousId": "anon-1", "messageId": "m4", "properties": { "variant_id": "50", "sku": "?" } },
        { "type": "page", "anonymousId": "anon-1", "messageId": "m5", "name": "Home", "properties": {} },
        { "type": "identify", "userId": "u", "messageId": "m6", "traits": { "email": "a@b.c" } }], "sentAt": "2026-03-02T12:00:00Z" });
    let heard = of(&told);
    assert_eq!(
        shown(&heard),
        [
            "ProductViewed 1",
            "CheckoutCompleted 2x2@19.00 1x3@3.00 #50314b8e9bcf000000000000",
            "SearchSubmitted \"blue\"",
            "ProductAddedToCart 5",
            "PageViewed",
            "? identify"
        ]
    );
    assert_eq!(who(&heard), ["anon-1", "anon-2", "anon-1", "anon-1", "anon-1", "-"]);
    assert_eq!(
        (heard[0].id.as_str(), heard[0].event.as_ref().unwrap().at.to_string().as_str()),
        ("m1", "2026-03-02T11:59:00Z")
    );
    assert_eq!(heard[1].consent.over(Consent::ALL).to_string(), "analytics, preferences, sale-of-data");
    // A clock that is an hour behind says so by `sentAt`.
    let late = json!({ "type": "track", "event": "Product Viewed", "messageId": "m", "anonymousId": "a",
        "originalTimestamp": "2026-03-02T10:59:30Z", "sentAt": "2026-03-02T11:00:00Z", "properties": { "product_id": "1" } });
    assert_eq!(of(&late)[0].event.as_ref().unwrap().at.to_string(), "2026-03-02T11:59:30Z");
}

#[test]
fn snowplows_payloads_plain_and_in_base64() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let action = |word: &str| {
        json!({ "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": {
        "schema": "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2",
        "data": { "type": word } } })
    };
    let entities = json!({ "schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": [
        { "schema": "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0",
          "data": { "id": "2", "category": "hats", "price": 12.5, "currency": "EUR", "quantity": 2 } },
        { "schema": "iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0",
          "data": { "transaction_id": "T1", "revenue": 25, "currency": "EUR" } }] });
    let search = json!({ "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": {
        "schema": "iglu:com.snowplowanalytics.snowplow/site_search/jsonschema/1-0-0", "data": { "terms": ["red", "hat"] } } });
    let encoded = |told: &Value| URL_SAFE_NO_PAD.encode(told.to_string());
    let told = json!({ "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [
        { "e": "pv", "eid": "e1", "duid": "d-1", "dtm": "1772452740000", "p": "web", "url": "https://shop.example" },
        { "e": "ue", "eid": "e2", "duid": "d-1", "dtm": "1772452740000", "ue_px": encoded(&action("product_view")), "cx": encoded(&entities) },
        { "e": "ue", "eid": "e3", "duid": "d-1", "ue_pr": action("transaction").to_string(), "co": entities.to_string() },
        { "e": "ue", "eid": "e4", "duid": "d-1", "ue_pr": search.to_string() },
        { "e": "ue", "eid": "e5", "duid": "d-1", "ue_pr": action("list_click").to_string() },
        { "e": "pp", "eid": "e6", "duid": "d-1" },
        { "e": "ue", "eid": "e7", "duid": "d-1", "ue_px": "!!!" }] });
    let heard = of(&told);
    assert_eq!(
        shown(&heard),
        [
            "PageViewed",
            "ProductViewed 2",
            "CheckoutCompleted 2x2@12.50 #T1",
            "SearchSubmitted \"red hat\"",
            "? snowplow_ecommerce_action",
            "? pp",
            "? ue"
        ]
    );
    assert_eq!(who(&heard), ["d-1"; 7]);
    assert_eq!(heard[0].event.as_ref().unwrap().at.to_string(), "2026-03-02T11:59:00Z");
    assert_eq!(heard[1].id.as_str(), "e2");
}

#[test]
fn adobes_xdm_and_storefront_events() {
    let xdm = json!({ "_id": "x1", "timestamp": "2026-03-02T11:59:00Z", "eventType": "commerce.purchases",
        "identityMap": { "ECID": [{ "id": "4444", "primary": true }] },
        "commerce": { "purchases": { "value": 1 }, "order": { "purchaseID": "a8g784hjq1mnp3", "currencyCode": "USD" } },
        "productListItems": [{ "SKU": "hat-1", "quantity": 2, "priceTotal": 19.98 }] });
    for told in [
        json!({ "events": [{ "xdm": xdm }] }),
        json!({ "header": {}, "body": { "xdmEntity": xdm } }),
        json!([{ "xdm": xdm }]),
    ] {
        let heard = of(&told);
        assert_eq!(shown(&heard), ["CheckoutCompleted 2x1 #a8g784hjq1mnp3"], "{told}");
        assert_eq!(who(&heard), ["4444"]);
    }
    let mut untyped = xdm.clone();
    untyped.as_object_mut().unwrap().remove("eventType");
    assert_eq!(shown(&of(&json!({ "xdm": untyped })))[0], "CheckoutCompleted 2x1 #a8g784hjq1mnp3");
    let storefront = json!([
        { "event": "product-page-view", "eventId": "s1", "context": { "productContext": { "productId": 3, "sku": "WH" } } },
        { "event": "place-order", "eventId": "s2", "context": { "orderContext": { "orderId": "000042" },
            "storefrontInstanceContext": { "storeViewCurrencyCode": "EUR" },
            "shoppingCartContext": { "items": [{ "product": { "productId": 1, "sku": "A" }, "quantity": 1, "prices": { "price": { "value": 5 } } }] } } },
        { "event": "search-request-sent", "eventId": "s3", "context": { "searchInputContext": { "units": [{ "phrase": "bag" }] } } },
        { "event": "sign-in", "eventId": "s4", "context": {} }]);
    assert_eq!(
        shown(&of(&storefront)),
        ["ProductViewed 3", "CheckoutCompleted 1x1@5.00 #000042", "SearchSubmitted \"bag\"", "? sign-in"]
    );
}

#[test]
fn a_body_in_no_form_is_refused_and_a_form_can_be_named() {
    with(|reader| {
        for body in ["", "{}", "[]", "null", "1", "hello", "a=b&c=d", "{\"a\":1}", "[1,2]", "{", "\u{0}"] {
            assert!(read(body.as_bytes(), "", None, reader, 500).is_err(), "{body}");
        }
        assert!(read(&[0xff, 0xfe], "v=2", None, reader, 500).is_err());
    });
    assert_eq!(
        shown(&read_as("", r#"{"event":"Product Viewed","properties":{"product_id":1}}"#, Some(Form::Segment))),
        ["ProductViewed 1"]
    );
    assert_eq!(Form::named("com.snowplowanalytics.snowplow/tp2"), Some(Form::Snowplow));
    assert_eq!(Form::named("nothing"), None);
}

/// JSON of the members that readers look for, in shapes that no client means.
fn strange() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "track",
            "Order Completed",
            "purchase",
            "ue",
            "product_viewed",
            "iglu:a/product/jsonschema/1-0-0",
            "EUR",
            "é\u{0}",
            "99999999999999999999"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let names = prop::sample::select(vec![
            "events",
            "batch",
            "data",
            "name",
            "type",
            "event",
            "params",
            "items",
            "item_id",
            "properties",
            "products",
            "client_id",
            "xdm",
            "commerce",
            "order",
            "productListItems",
            "quantity",
            "price",
            "currency",
            "timestamp",
            "schema",
            "ue_pr",
            "e",
            "checkout",
            "lineItems",
            "variant",
            "product",
            "id",
            "consents",
            "customerPrivacy",
            "context",
            "sentAt",
            "productId",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..8).prop_map(|members| Value::from_iter(
                members.into_iter().map(|(name, value)| (name.to_owned(), value))
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic_or_exceed_its_bounds(told in strange()) {
        let forms = [Form::Own, Form::Pixel, Form::Ga4, Form::Segment, Form::Snowplow, Form::Adobe];
        with(|reader| {
            for form in forms {
                let heard = read(told.to_string().as_bytes(), "", Some(form), reader, 20).unwrap();
                assert!(heard.len() <= 20);
                for heard in heard {
                    if let Ok(event) = heard.event {
                        assert!(event.lines.len() <= MAX_LINES);
                        assert!(event.query.is_none_or(|query| query.chars().count() <= LONGEST));
                    }
                }
            }
        });
    }
}
