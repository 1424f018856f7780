//! Proof and shapes of Shopify's webhooks, by bodies of the kind that its documentation shows.

use super::*;
use crate::domain::standing::Tags;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn webhooks(secrets: &[&str], shop: Option<&str>) -> ShopifyWebhooks {
    let folder = tempfile::tempdir().unwrap();
    let file = |(at, text): (usize, &&str)| {
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, text).unwrap();
        Secret::File(path)
    };
    let secrets = secrets.iter().enumerate().map(file).collect();
    let config = Config { secrets, shop: shop.map(str::to_owned) };
    ShopifyWebhooks::open(&config, Attribute::parse("custom.consent").as_ref()).unwrap()
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn read(topic: &str, body: &str) -> Vec<News> {
    let headers = headers(&[("x-shopify-topic", topic), ("x-shopify-triggered-at", "2026-03-02T11:00:00.123456Z")]);
    webhooks(&["s"], None).read(&headers, body.as_bytes(), now()).unwrap().news
}

const ORDER: &str = r#"{
  "id": 820982911946154508, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
  "email": "jon@example.com", "created_at": "2026-03-01T16:09:54-05:00", "processed_at": "2026-03-01T16:09:50-05:00",
  "cancelled_at": null, "currency": "USD", "presentment_currency": "EUR", "test": false, "buyer_accepts_marketing": true,
  "note_attributes": [{"name": "_outfitter_session", "value": "visitor-1"},
                      {"name": "outfitter-consent", "value": "analytics, preferences"}, {"name": "gift", "value": "yes"}],
  "customer": {"id": 115310627314723954, "email": "john@example.com", "first_name": "John",
    "admin_graphql_api_id": "gid://shopify/Customer/115310627314723954"},
  "line_items": [
    {"id": 1, "product_id": 788032119674292922, "variant_id": 642667041472713922, "quantity": 2, "price": "199.00",
     "title": "IPod Nano", "price_set": {"shop_money": {"amount": "199.00", "currency_code": "USD"}}},
    {"id": 2, "product_id": null, "variant_id": null, "quantity": 1, "price": "5.00", "title": "Tip"},
    {"id": 3, "product_id": "632910392", "quantity": "1", "price": 9.5}]}"#;

fn did(news: &[News]) -> (&Actor, &Event) {
    match news {
        [News::Did(actor, event)] => (actor, event),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delivery_is_proven_by_either_of_two_secrets_and_by_no_other() {
    let webhooks = webhooks(&["the new secret", "the old secret"], None);
    let prove = |secret: &str, body: &[u8]| {
        let headers = headers(&[("x-shopify-hmac-sha256", &signature(secret, b"{\"id\":1}"))]);
        webhooks.prove(&headers, body, now())
    };
    assert_eq!(prove("the new secret", b"{\"id\":1}"), Ok(()));
    assert_eq!(prove("the old secret", b"{\"id\":1}"), Ok(()));
    assert_eq!(prove("another secret", b"{\"id\":1}"), Err(Unproven::Wrong));
    assert_eq!(prove("the new secret", b"{\"id\": 1}"), Err(Unproven::Wrong));
    assert_eq!(webhooks.prove(&HeaderMap::new(), b"", now()), Err(Unproven::Missing("X-Shopify-Hmac-Sha256")));
    for wrong in ["", "AAAA", "not base64!", &"A".repeat(2000)] {
        let headers = headers(&[("x-shopify-hmac-sha256", wrong)]);
        assert!(webhooks.prove(&headers, b"{\"id\":1}", now()).is_err(), "{wrong}");
    }
}

#[test]
fn an_order_is_a_purchase_of_its_customer_at_the_time_it_was_placed() {
    for topic in ["orders/create", "orders/updated", "orders/paid"] {
        let news = read(topic, ORDER);
        let (actor, event) = did(&news);
        assert_eq!(actor.customer.as_ref().unwrap().expose(), "gid://shopify/Customer/115310627314723954");
        assert_eq!(actor.session.as_ref().unwrap().expose(), "visitor-1");
        assert_eq!(actor.consent.unwrap().to_string(), "analytics, preferences");
        assert_eq!(event.kind, EventType::CheckoutCompleted);
        assert_eq!(event.id.as_str(), "order:gid://shopify/Order/820982911946154508", "the same for every topic");
        assert_eq!(event.at.to_string(), "2026-03-01T21:09:50Z");
        let lines: Vec<_> = event.lines.iter().map(|line| (line.product.as_str(), line.quantity)).collect();
        assert_eq!(lines, [("gid://shopify/Product/788032119674292922", 2), ("gid://shopify/Product/632910392", 1)]);
        let price = |at: usize| event.lines[at].price.map(|price| (price.minor, price.currency.as_str().to_owned()));
        assert_eq!((price(0), price(1)), (Some((19_900, "USD".to_owned())), Some((950, "USD".to_owned()))));
        assert!(!format!("{event:?}").contains("example.com"));
    }
}

#[test]
fn an_order_is_worth_what_it_cost_as_a_whole_or_else_what_its_lines_cost() {
    let worth = |body: &str| {
        let news = read("orders/create", body);
        did(&news).1.value.map(|value| (value.minor, value.currency.as_str().to_owned()))
    };
    let usd = |minor| Some((minor, "USD".to_owned()));
    assert_eq!(worth(ORDER), usd(39_800 + 950));
    let with = |totals: &str| ORDER.replacen('{', &format!("{{ {totals},"), 1);
    assert_eq!(worth(&with(r#""total_price": "412.30""#)), usd(41_230));
    assert_eq!(worth(&with(r#""total_price": "412.30", "current_total_price": "213.30""#)), usd(21_330));
    assert_eq!(worth(&with(r#""total_price": "free""#)), usd(39_800 + 950), "what cannot be read is not said");
    for nothing in [("\"currency\": \"USD\", \"presentment_currency\": \"EUR\",", ""), ("9.5", "null"), ("9.5", "-1")] {
        assert_eq!(worth(&ORDER.replace(nothing.0, nothing.1)), None, "{nothing:?}");
    }
    assert_eq!(worth(&with(r#""total_price": "-1.00""#)), None);
}

#[test]
fn a_cancelled_order_is_taken_back_and_what_says_nothing_is_nothing() {
    let cancelled = ORDER.replace("\"cancelled_at\": null", "\"cancelled_at\": \"2026-03-02T10:00:00Z\"");
    let news = read("orders/cancelled", &cancelled);
    assert_eq!(did(&news).1.kind, EventType::OrderCancelled);
    assert_eq!(did(&news).1.order.as_ref().unwrap().as_str(), "gid://shopify/Order/820982911946154508");
    assert!(read("orders/create", &ORDER.replace("\"test\": false", "\"test\": true")).is_empty());
    for empty in ["{}", r#"{"id":1}"#, r#"{"id":1,"line_items":null}"#, r#"{"id":{},"line_items":[[],1,null]}"#] {
        for topic in &TOPICS {
            let news = (topic.read)(&serde_json::from_str(empty).unwrap(), now());
            assert!(
                !matches!(&news[..], [News::Did(_, event)] if event.kind == EventType::CheckoutCompleted),
                "{empty}"
            );
        }
    }
    assert!(read("fulfillments/create", ORDER).is_empty());
    assert!(webhooks(&["s"], None).read(&HeaderMap::new(), b"<order/>", now()).is_err());
}

#[test]
fn an_order_by_global_ids_and_without_most_of_its_fields_is_one_too() {
    let body = r#"{"id": "gid://shopify/Order/5", "created_at": "2026-03-02T10:00:00Z",
        "customer": {"id": 7}, "line_items": [{"product_id": "gid://shopify/Product/1"}]}"#;
    let news = read("orders/create", body);
    let (actor, event) = did(&news);
    assert_eq!(actor.customer.as_ref().unwrap().expose(), "gid://shopify/Customer/7");
    assert_eq!((event.lines[0].product.as_str(), event.lines[0].quantity), ("gid://shopify/Product/1", 1));
    assert_eq!((event.lines[0].price, actor.consent), (None, None));
}

#[test]
fn carts_and_check_outs_keep_their_tokens_to_themselves() {
    let body = r#"{"id": "eeafa272cebfd4b22385bc4b645e762c", "token": "eeafa272cebfd4b22385bc4b645e762c",
        "updated_at": "2026-03-02T10:59:00Z", "created_at": "2026-03-02T10:00:00Z", "customer": {"id": 7},
        "line_items": [{"product_id": 1, "variant_id": 2, "quantity": 1, "price": "10.00"}], "currency": "EUR"}"#;
    for (topic, kind) in [("carts/update", EventType::CartViewed), ("checkouts/create", EventType::CheckoutStarted)] {
        let news = read(topic, body);
        let (_, event) = did(&news);
        assert_eq!((event.kind, event.lines.len()), (kind, 1));
        assert!(!format!("{event:?}").contains("eeafa272"), "{event:?}");
    }
    // The same state again is the same event, another is another.
    let ids = |body: &str| did(&read("carts/update", body)).1.id.clone();
    assert_eq!(ids(body), ids(body));
    assert_ne!(ids(body), ids(&body.replace("10:59", "10:58")));
}

#[test]
fn stock_is_told_whether_there_is_some_or_none() {
    for (available, some) in [("7", true), ("0", false), ("-2", false), ("null", false)] {
        let body =
            format!(r#"{{"inventory_item_id": 271878346596884015, "location_id": 1, "available": {available}}}"#);
        let news = read("inventory_levels/update", &body);
        let [News::Catalogue(Change::Stock(item, told, _))] = &news[..] else { panic!("{news:?}") };
        assert_eq!((item.as_str(), *told), ("271878346596884015", some), "{available}");
    }
}

#[test]
fn a_product_is_read_with_its_variants_and_is_gone_where_it_is_no_more_active() {
    let body = r#"{"id": 788032119674292922, "admin_graphql_api_id": "gid://shopify/Product/788032119674292922",
        "title": "Example T-Shirt", "body_html": "<p>Soft &amp; <b>warm</b></p>", "vendor": "Acme",
        "product_type": "Shirts", "created_at": "2025-01-01T00:00:00-05:00", "updated_at": "2026-03-02T10:00:00-05:00",
        "handle": "example-t-shirt", "tags": "mens t-shirt, Example", "status": "active",
        "variants": [{"id": 642667041472713922, "price": "19.00", "inventory_quantity": 0, "inventory_policy": "deny",
          "inventory_management": "shopify", "inventory_item_id": 39072856},
         {"id": 757650484644203962, "price": "9.50", "inventory_quantity": 75, "inventory_policy": "deny",
          "inventory_management": "shopify", "inventory_item_id": 49148385}]}"#;
    let news = read("products/update", body);
    let [News::Catalogue(Change::Product(product))] = &news[..] else { panic!("{news:?}") };
    assert_eq!(product.key.as_str(), "gid://shopify/Product/788032119674292922");
    assert_eq!(product.text.as_deref(), Some("Soft & warm"));
    assert_eq!(product.tags.clone().unwrap().join(", "), "Example, mens t-shirt");
    assert_eq!((product.price.as_deref(), product.available), (Some("9.50"), Some(true)));
    assert_eq!(product.at.to_string(), "2026-03-02T15:00:00Z");
    assert_eq!(product.items, ["39072856", "49148385"]);
    let sold_out = body.replace("\"inventory_quantity\": 75", "\"inventory_quantity\": 0");
    let [News::Catalogue(Change::Product(product))] = &read("products/update", &sold_out)[..] else { panic!() };
    assert_eq!(product.available, Some(false));
    for gone in
        [read("products/update", &body.replace("active", "archived")), read("products/delete", r#"{"id": 788}"#)]
    {
        assert!(matches!(&gone[..], [News::Catalogue(Change::Gone(..))]), "{gone:?}");
    }
}

#[test]
fn privacy_topics_name_their_customer_and_a_shop_itself() {
    let body = r#"{"shop_id": 954889, "shop_domain": "a.myshopify.com", "orders_to_redact": [299938],
        "customer": {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"}}"#;
    let redact = read("customers/redact", body);
    assert!(matches!(&redact[..], [News::Redact(id)] if id.expose() == "gid://shopify/Customer/191167"));
    assert!(matches!(&read("customers/data_request", body)[..], [News::DataRequest(_)]));
    let shop = r#"{"id": 548380009, "name": "Super Toys", "email": "super@example.com", "domain": null,
        "myshopify_domain": "a.myshopify.com", "plan_name": "enterprise"}"#;
    assert!(matches!(&read("app/uninstalled", shop)[..], [News::Uninstalled]));
    let left = r#"{"id": 7, "email_marketing_consent": {"state": "unsubscribed"}}"#;
    assert!(matches!(&read("customers/update", left)[..], [News::Withdrawn(_, Purpose::Marketing, _)]));
    assert!(read("customers/update", &left.replace("unsubscribed", "subscribed")).is_empty(), "nothing is granted");
}

#[test]
fn what_another_shop_of_the_app_sends_is_left_aside() {
    let webhooks = webhooks(&["s"], Some("mine.myshopify.com"));
    let from = |shop: &str| {
        let headers = headers(&[("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", shop)]);
        webhooks.read(&headers, ORDER.as_bytes(), now()).unwrap().news.len()
    };
    assert_eq!((from("MINE.myshopify.com"), from("other.myshopify.com")), (1, 0));
    // A whole shop is erased only where the body names it, too.
    let redacts = |body: &str| {
        let headers = headers(&[("x-shopify-topic", "shop/redact")]);
        webhooks.read(&headers, body.as_bytes(), now()).map(|delivery| delivery.news.len())
    };
    assert_eq!(redacts(r#"{"shop_id": 1, "shop_domain": "Mine.myshopify.com"}"#), Ok(1));
    assert_eq!(redacts(r#"{"shop_id": 1, "shop_domain": "other.myshopify.com"}"#), Ok(0));
    for other in [ORDER, "{}", r#"{"shop_domain": "mine.myshopify.com"}"#, r#"{"shop_id": 1, "shop_domain": 2}"#] {
        assert_eq!(redacts(other), Err(Unreadable::OtherTopic("shop/redact")), "{other}");
    }
}

#[test]
fn consent_in_the_metafield_of_the_settings_is_told_and_others_say_nothing() {
    let standing = |topic: &str, body: &str| {
        read(topic, body).into_iter().find_map(|news| match news {
            News::Standing(customer, told) => Some((customer.expose().to_owned(), told.consent, told.at.to_string())),
            _ => None,
        })
    };
    let body = |namespace: &str, value: &str| {
        format!(
            r#"{{"id":7,"updated_at":"2026-03-02T10:00:00Z","metafields":[{{"namespace":"app","key":"consent","value":"all"}},
            {{"namespace":"{namespace}","key":"consent","type":"list.single_line_text_field","value":{value}}}]}}"#
        )
    };
    let customer = "gid://shopify/Customer/7".to_owned();
    let some = Consent::NONE.with(Purpose::Analytics, true);
    assert_eq!(
        standing("customers/update", &body("custom", r#""[\"analytics\"]""#)),
        Some((customer.clone(), Some(Some(some)), "2026-03-02T10:00:00Z".to_owned()))
    );
    let unread = standing("customers/create", &body("custom", r#""perhaps""#));
    assert_eq!(unread.map(|(who, consent, _)| (who, consent)), Some((customer, Some(None))));
    assert_eq!(standing("customers/update", &body("other", r#""all""#)), None);
    assert_eq!(standing("customers/update", r#"{"id":7,"metafields":[]}"#), None);
    assert_eq!(standing("orders/create", &body("custom", r#""all""#)), None);
}

#[test]
fn tags_of_a_customer_are_told_whole_and_by_what_came_and_went() {
    let standing = |topic: &str, body: &str| match &read(topic, body)[..] {
        [News::Standing(customer, told)] => Some((customer.expose().to_owned(), told.tags.clone())),
        [] => None,
        other => panic!("{other:?}"),
    };
    let customer = || "gid://shopify/Customer/7".to_owned();
    let tags = || vec!["gold".into(), "vip".into()];
    assert_eq!(
        standing("customers/update", r#"{"id":7,"tags":"vip, gold"}"#),
        Some((customer(), Some(Tags::All(tags()))))
    );
    let body = r#"{"customerId":"gid://shopify/Customer/7","tags":["vip","gold"],"occurredAt":"2026-03-02T10:00:00Z"}"#;
    assert_eq!(standing("customer.tags_added", body), Some((customer(), Some(Tags::Added(tags())))));
    assert_eq!(standing("customer.tags_removed", body), Some((customer(), Some(Tags::Removed(tags())))));
    assert_eq!(standing("customers/update", r#"{"id":7}"#), None);
}

#[test]
fn who_takes_no_mail_any_more_is_told_by_a_topic_of_its_own() {
    let body =
        r#"{"customer_id":7,"email_address":"a@example.com","email_marketing_consent":{"state":"unsubscribed"}}"#;
    let news = read("customers_email_marketing_consent/update", body);
    assert!(matches!(&news[..], [News::Withdrawn(_, Purpose::Marketing, _)]), "{news:?}");
}

#[test]
fn a_withdrawal_of_marketing_is_told_with_the_moment_at_which_it_was_said() {
    let said = |consents: &str| {
        let body = format!(r#"{{"id":7,"updated_at":"2026-03-02T10:00:00Z",{consents}}}"#);
        match &read("customers/update", &body)[..] {
            [News::Withdrawn(_, _, said)] => said.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let of = |kind: &str, at: &str| {
        format!(r#""{kind}_marketing_consent":{{"state":"unsubscribed","consent_updated_at":{at}}}"#)
    };
    let mail = of("email", "\"2025-01-01T12:00:00-05:00\"");
    assert_eq!(said(&mail), "2025-01-01T17:00:00Z");
    assert_eq!(said(&format!("{mail},{}", of("sms", "\"2025-02-01T00:00:00Z\""))), "2025-02-01T00:00:00Z", "the later");
    assert_eq!(said(&of("email", "null")), "2026-03-02T10:00:00Z", "when the record was changed");
    assert_eq!(said(&of("email", "\"2027-01-01T00:00:00Z\"")), "2026-03-02T11:00:00.123456Z", "not after it was sent");
}
