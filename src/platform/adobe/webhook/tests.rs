//! Proof and shapes of Adobe's webhooks, by bodies of the kind that its documentation shows.

use super::shapes::TOPICS;
use super::*;
use crate::domain::consent::Purpose;
use crate::domain::event::{Event, EventType};
use crate::platform::news::{Actor, Change, News};
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

fn public(name: &str) -> Secret {
    Secret::File(file(&format!("adobe-{name}.pub.pem")))
}

fn signature(name: &str, message: &[u8]) -> String {
    let key = PrivateKeyDer::from_pem_file(file(&format!("adobe-{name}.key.pem"))).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
    STANDARD.encode(signer.sign(message).unwrap())
}

fn webhooks(event_keys: &[&str], webhook_keys: &[&str]) -> AdobeWebhooks {
    let keys = |names: &[&str]| names.iter().map(|name| public(name)).collect();
    let config =
        Config { event_keys: keys(event_keys), client: Some("client-1".to_owned()), webhook_keys: keys(webhook_keys) };
    AdobeWebhooks::open(&config, Attribute::parse("agreed").as_ref()).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

/// An event as I/O Events delivers it.
fn event(kind: &str, value: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"83b0eac0","source":"urn:uuid:1","type":"com.adobe.commerce.observer.{kind}",
        "datacontenttype":"application/json","time":"2026-03-02T11:00:00.123Z","event_id":"b555a1b1",
        "recipient_client_id":"client-1","data":{{"key":"k","source":"s","value":{value}}}}}"#
    )
}

fn read(kind: &str, value: &str) -> Vec<News> {
    webhooks(&["one"], &[]).read(&HeaderMap::new(), event(kind, value).as_bytes(), now()).unwrap().news
}

const ORDER: &str = r#"{"entity_id":"7","increment_id":"000000012","state":"new","status":"pending",
    "created_at":"2026-03-01 21:09:50","updated_at":"2026-03-01 21:09:51","customer_id":"42","customer_is_guest":0,
    "customer_email":"jon@example.com","grand_total":"62.4000","order_currency_code":"EUR","base_currency_code":"USD",
    "billing_address":{"street":"Marked Street"},
    "items":[{"item_id":"1","sku":"shirt-red-m","product_type":"configurable","qty_ordered":"2.0000","price":"19.9000"},
             {"item_id":"2","parent_item_id":"1","sku":"shirt-red-m","product_type":"simple","qty_ordered":"2.0000","price":"0.0000"},
             {"item_id":"3","parent_item_id":null,"sku":"hat","qty_ordered":1,"price":5}]}"#;

fn did(news: &[News]) -> (&Actor, &Event) {
    match news {
        [News::Did(actor, event)] => (actor, event),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_is_proven_by_either_signature_under_any_key_of_the_settings_and_by_no_other() {
    let webhooks = webhooks(&["one", "two"], &[]);
    let body = event("sales_order_place_after", ORDER);
    let prove = |pairs: &[(&'static str, &str)], body: &str| webhooks.prove(&headers(pairs), body.as_bytes(), now());
    let (one, two) = (signature("one", body.as_bytes()), signature("two", body.as_bytes()));
    assert_eq!(prove(&[(SIGNATURES[0], &one), (SIGNATURES[1], &two)], &body), Ok(()));
    assert_eq!(prove(&[(SIGNATURES[0], "AAAA"), (SIGNATURES[1], &one)], &body), Ok(()));
    assert_eq!(prove(&[(SIGNATURES[1], &two)], &body), Ok(()));
    // Another body, by one byte.
    assert_eq!(prove(&[(SIGNATURES[0], &one), (SIGNATURES[1], &two)], &format!("{body} ")), Err(Unproven::Wrong));
    assert_eq!(prove(&[], &body), Err(Unproven::Missing(SIGNATURES[0])));
    for wrong in ["AAAA", "not base64!", &"A".repeat(344), &"A".repeat(2_000)] {
        assert!(prove(&[(SIGNATURES[0], wrong)], &body).is_err(), "{wrong}");
    }
    // Where the request says that a key is to be found, nobody looks.
    let only_one = super::tests::webhooks(&["one"], &[]);
    let elsewhere = headers(&[(SIGNATURES[0], &two), ("x-adobe-public-key1-path", "/../tests/keys/adobe-two.pub.pem")]);
    assert_eq!(only_one.prove(&elsewhere, body.as_bytes(), now()), Err(Unproven::Wrong));
}

#[test]
fn commerces_own_webhooks_are_proven_by_the_base64_of_their_body_under_keys_of_their_own() {
    let body = format!(r#"{{"order":{ORDER}}}"#);
    let base64 = STANDARD.encode(&body);
    let own = |name: &str, message: &str| headers(&[(OWN, &signature(name, message.as_bytes()))]);
    let webhooks = webhooks(&["one"], &["two"]);
    let prove = |headers: HeaderMap| webhooks.prove(&headers, body.as_bytes(), now());
    assert_eq!(prove(own("two", &base64)), Ok(()));
    assert_eq!(prove(own("two", &body)), Err(Unproven::Wrong));
    assert_eq!(prove(own("one", &base64)), Err(Unproven::Wrong), "a key of I/O Events is none of the shop's");
    assert_eq!(prove(headers(&[(SIGNATURES[0], &signature("two", body.as_bytes()))])), Err(Unproven::Wrong));
    let delivery = webhooks.read(&own("two", &base64), body.as_bytes(), now()).unwrap();
    assert_eq!((delivery.topic, did(&delivery.news).1.lines.len()), ("order", 2));
    assert_eq!(webhooks.verdict(&own("two", &base64)), Some("success"));
    // Whatever it says, it erases nothing.
    for body in [r#"{"customer":{"entity_id":"42"}}"#, r#"{"entity_id":"42","type":"observer.customer_delete_after"}"#]
    {
        assert!(webhooks.read(&own("two", ""), body.as_bytes(), now()).unwrap().news.is_empty());
    }
    assert!(webhooks.read(&own("two", ""), b"[]", now()).is_err());
}

#[test]
fn what_adobe_signs_for_another_customer_of_its_own_is_left_aside() {
    let webhooks = webhooks(&["one"], &[]);
    let news = |body: &str| webhooks.read(&HeaderMap::new(), body.as_bytes(), now()).unwrap().news.len();
    let body = event("sales_order_place_after", ORDER);
    assert_eq!(news(&body), 1);
    assert_eq!(news(&body.replace("client-1", "client-2")), 0);
    assert_eq!(news(&body.replace("recipient_client_id", "another_member")), 0);
    let config = Config { event_keys: vec![public("one")], ..Config::default() };
    assert!(matches!(AdobeWebhooks::open(&config, None), Err(AdobeError::NoClient)));
}

#[test]
fn the_challenge_of_a_new_address_is_answered_and_nothing_else_is_reflected() {
    let webhooks = webhooks(&["one"], &[]);
    let challenge = |query: &str| webhooks.challenge(query);
    assert_eq!(
        challenge("challenge=8ec8d794-e0ab-42df-9017-e3dada8e84f7").unwrap(),
        "8ec8d794-e0ab-42df-9017-e3dada8e84f7"
    );
    for none in
        ["", "challenge=", "challenge=<script>", "challenge=a%0d%0ab", &format!("challenge={}", "a".repeat(129))]
    {
        assert_eq!(challenge(none), None, "{none}");
    }
    assert_eq!(super::tests::webhooks(&[], &["one"]).challenge("challenge=a"), None, "I/O Events are not taken");
}

#[test]
fn an_order_is_a_purchase_of_its_customer_by_sku_and_a_part_of_a_line_is_no_line() {
    for kind in ["sales_order_place_after", "sales_order_save_commit_after"] {
        let news = read(kind, ORDER);
        let (actor, event) = did(&news);
        assert_eq!(actor.customer.as_ref().unwrap().expose(), "42");
        assert_eq!((event.kind, event.id.as_str()), (EventType::CheckoutCompleted, "order:000000012"));
        assert_eq!(event.at.to_string(), "2026-03-01T21:09:50Z");
        let lines: Vec<_> = event.lines.iter().map(|line| (line.product.as_str(), line.quantity)).collect();
        assert_eq!(lines, [("shirt-red-m", 2), ("hat", 1)]);
        assert_eq!(
            event.lines[0].price.map(|price| (price.minor, price.currency.as_str().to_owned())),
            Some((1_990, "EUR".to_owned()))
        );
        assert_eq!(
            event.value.map(|value| (value.minor, value.currency.as_str().to_owned())),
            Some((6_240, "EUR".into()))
        );
        assert!(!format!("{news:?}").contains("example.com") && !format!("{news:?}").contains("Marked"));
    }
    let cancelled = read("sales_order_save_commit_after", &ORDER.replace(r#""state":"new""#, r#""state":"canceled""#));
    assert_eq!(did(&cancelled).1.kind, EventType::OrderCancelled);
    // A save that says nothing of lines, and an order of another event's shape.
    assert!(read("sales_order_save_commit_after", r#"{"entity_id":"7","ext_order_id":""}"#).is_empty());
    assert_eq!(did(&read("checkout_submit_all_after", &format!(r#"{{"order":{ORDER}}}"#))).1.lines.len(), 2);
    let numbered = ORDER
        .replace("\"items\":[{", "\"items\":{\"1\":{")
        .replace("},\n             {", "},\"2\":{")
        .replace("5}]}", "5}}}");
    assert_eq!(did(&read("sales_order_place_after", &numbered)).1.lines.len(), 2, "{numbered}");
}

#[test]
fn carts_customers_products_and_stock_are_read() {
    let quote = r#"{"entity_id":"9900112233","customer_id":42,"updated_at":"2026-03-02 10:00:00","quote_currency_code":"EUR",
        "items":[{"sku":"hat","qty":2,"price":"5.00"}]}"#;
    let cart = read("sales_quote_save_commit_after", quote);
    assert_eq!((did(&cart).1.kind, did(&cart).1.lines[0].quantity), (EventType::CartViewed, 2));
    assert!(!format!("{:?}", did(&cart).1).contains("9900112233"), "a cart's id stays here");
    assert!(
        matches!(&read("customer_delete_commit_after", r#"{"entity_id":42}"#)[..], [News::Redact(id)] if id.expose() == "42")
    );
    assert!(read("customer_save_commit_after", r#"{"entity_id":42,"email":"a@example.com"}"#).is_empty());
    let left = r#"{"subscriber_status":3,"customer_id":"42","subscriber_email":"a@example.com"}"#;
    assert!(matches!(&read("newsletter_subscriber_save_after", left)[..], [News::Withdrawn(_, Purpose::Marketing, _)]));
    assert!(read("newsletter_subscriber_save_after", &left.replace('3', "1")).is_empty(), "nothing is granted");

    let told = r#"{"entity_id":"3","sku":"hat","name":"A Hat","url_key":"a-hat","description":"<p>Warm &amp; soft</p>","status":"1",
        "visibility":"4","price":"123.500000","created_at":"2022-07-28 14:13:40","updated_at":"2026-03-02 10:37:25",
        "quantity_and_stock_status":{"is_in_stock":"1","qty":"333"}}"#;
    let [News::Catalogue(Change::Product(hat))] = &read("catalog_product_save_after", told)[..] else { panic!() };
    assert_eq!((hat.key.as_str(), hat.price.as_deref(), hat.available), ("hat", Some("123.5"), Some(true)));
    assert_eq!((hat.handle.as_deref(), hat.text.as_deref()), (Some("a-hat"), Some("Warm & soft")));
    assert_eq!((hat.at.to_string(), &hat.items[..]), ("2026-03-02T10:37:25Z".to_owned(), &["3".to_owned()][..]));
    let disabled = told.replace(r#""status":"1""#, r#""status":"2""#);
    assert!(matches!(&read("catalog_product_save_after", &disabled)[..], [News::Catalogue(Change::Gone(..))]));
    let variant = told.replace(r#""visibility":"4""#, r#""visibility":"1""#);
    assert!(matches!(&read("catalog_product_save_after", &variant)[..], [News::Catalogue(Change::Stale)]));
    assert!(matches!(&read("catalog_product_delete_commit_after", told)[..], [News::Catalogue(Change::Gone(..))]));
    let stocked = r#"{"item_id":"1","product_id":"3","qty":7,"is_in_stock":true}"#;
    let item = read("cataloginventory_stock_item_save_commit_after", stocked);
    assert!(matches!(&item[..], [News::Catalogue(Change::Stock(item, true, _))] if item == "3"));
    let none = read("cataloginventory_stock_item_save_commit_after", &stocked.replace("true", "false"));
    assert!(matches!(&none[..], [News::Catalogue(Change::Stock(item, false, _))] if item == "3"));
    assert!(matches!(
        &read("catalog_category_delete_after", r#"{"entity_id":5}"#)[..],
        [News::Catalogue(Change::CollectionGone(_))]
    ));
}

#[test]
fn a_list_of_events_is_one_delivery_and_what_says_nothing_is_nothing() {
    let webhooks = webhooks(&["one"], &[]);
    let both =
        format!("[{},{}]", event("sales_order_place_after", ORDER), event("customer_delete_after", r#"{"id":1}"#));
    let delivery = webhooks.read(&HeaderMap::new(), both.as_bytes(), now()).unwrap();
    assert_eq!((delivery.topic, delivery.news.len(), delivery.ids.len()), ("batch", 2, 1));
    let single = webhooks.read(&HeaderMap::new(), event("sales_order_place_after", ORDER).as_bytes(), now()).unwrap();
    assert_eq!((single.topic, &single.ids[..]), ("order", &["adobe:b555a1b1".to_owned()][..]));
    for topic in &TOPICS {
        for empty in
            ["{}", "[]", "null", r#"{"id":{},"sku":[],"items":[[],1,null]}"#, r#"{"order":7,"quote":[],"cart":""}"#]
        {
            let news = (topic.read)(&serde_json::from_str(empty).unwrap(), now());
            assert!(
                news.iter().all(|news| matches!(news, News::Catalogue(Change::Stale))),
                "{} {empty} {news:?}",
                topic.name
            );
        }
    }
    assert!(webhooks.read(&HeaderMap::new(), b"7", now()).is_err());
}

#[test]
fn consent_in_the_attribute_of_the_settings_is_told_in_each_form_that_commerce_writes() {
    let told = |value: &str| match &read("customer_save_after", value)[..] {
        [News::Standing(customer, told)] => Some((customer.expose().to_owned(), told.consent)),
        [] => None,
        other => panic!("{other:?}"),
    };
    let all = Some(("42".to_owned(), Some(Some(crate::domain::consent::Consent::ALL))));
    for value in [
        r#"{"entity_id":"42","custom_attributes":[{"attribute_code":"x","value":"0"},{"attribute_code":"agreed","value":"1"}]}"#,
        r#"{"customer":{"id":42,"custom_attributes":{"1":{"attribute_code":"agreed","value":"all"}}}}"#,
        r#"{"entity_id":"42","custom_attributes":{"agreed":true}}"#,
        r#"{"entity_id":"42","agreed":"1"}"#,
    ] {
        assert_eq!(told(value), all, "{value}");
    }
    assert_eq!(told(r#"{"entity_id":"42","agreed":"7"}"#), Some(("42".to_owned(), Some(None))));
    assert_eq!(told(r#"{"entity_id":"42","email":"jon@example.com"}"#), None);
    assert_eq!(told(r#"{"agreed":"1"}"#), None);
    let News::Standing(_, group) = &read("customer_save_after", r#"{"entity_id":"42","group_id":"3"}"#)[0] else {
        panic!()
    };
    assert_eq!(group.tags, Some(crate::domain::standing::Tags::All(vec!["group:3".into()])));
}
