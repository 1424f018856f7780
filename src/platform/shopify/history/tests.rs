//! The forms of the past, line by line.

use super::*;
use crate::domain::consent::Purpose;
use crate::domain::standing::Tags;
use proptest::prelude::*;

fn events(lines: &[&str]) -> Vec<(Option<String>, Event)> {
    read_all(History::json(None), lines)
}

fn read_all(mut history: History, lines: &[&str]) -> Vec<(Option<String>, Event)> {
    let mut news: Vec<News> = lines.iter().flat_map(|line| history.line(line).unwrap()).collect();
    news.extend(history.end());
    assert_eq!(history.waiting(), 0);
    let did = |news| match news {
        News::Did(actor, event) => (actor.customer.map(|customer| customer.expose().to_owned()), *event),
        other => panic!("{other:?}"),
    };
    news.into_iter().map(did).collect()
}

fn bought(event: &Event) -> Vec<(&str, u32)> {
    event.lines.iter().map(|line| (line.product.as_str(), line.quantity)).collect()
}

#[test]
fn a_bulk_operation_tells_an_order_and_then_its_lines() {
    let found = events(&[
        r#"{"id":"gid://shopify/Order/1","createdAt":"2024-05-01T10:00:00Z","currencyCode":"EUR","customer":{"id":"gid://shopify/Customer/7"}}"#,
        r#"{"id":"gid://shopify/LineItem/11","quantity":2,"product":{"id":"gid://shopify/Product/3"},"originalUnitPriceSet":{"shopMoney":{"amount":"9.50","currencyCode":"EUR"}},"__parentId":"gid://shopify/Order/1"}"#,
        r#"{"id":"gid://shopify/LineItem/12","quantity":1,"product":null,"__parentId":"gid://shopify/Order/1"}"#,
        "",
        r#"{"id":"gid://shopify/Order/2","createdAt":"2024-05-02T10:00:00Z","customer":null}"#,
        r#"{"id":"gid://shopify/LineItem/21","quantity":1,"product":{"id":"gid://shopify/Product/4"},"__parentId":"gid://shopify/Order/2"}"#,
        r#"{"id":"gid://shopify/Fulfillment/9","__parentId":"gid://shopify/Order/1"}"#,
    ]);
    assert_eq!(found.len(), 2);
    let (customer, event) = &found[0];
    assert_eq!(customer.as_deref(), Some("gid://shopify/Customer/7"));
    assert_eq!((event.kind, bought(event)), (EventType::CheckoutCompleted, vec![("gid://shopify/Product/3", 2)]));
    assert_eq!(event.lines[0].price.unwrap().minor, 950);
    assert_eq!(event.at.to_string(), "2024-05-01T10:00:00Z");
    assert_eq!((&found[1].0, bought(&found[1].1).len()), (&None, 1));
}

#[test]
fn a_line_that_does_not_stand_behind_its_order_is_told() {
    let mut history = History::json(None);
    let order = |id: u32| format!(r#"{{"id":"gid://shopify/Order/{id}","createdAt":"2024-05-01T10:00:00Z"}}"#);
    let line = r#"{"id":"gid://shopify/LineItem/11","product":{"id":"gid://shopify/Product/3"},"__parentId":"gid://shopify/Order/1"}"#;
    assert_eq!(history.line(line).unwrap_err(), LineError::Parent);
    for id in [1, 2] {
        history.line(&order(id)).unwrap();
    }
    assert_eq!(history.line(line).unwrap_err(), LineError::Parent);
}

#[test]
fn resources_and_nodes_and_abandoned_checkouts_are_read_too() {
    let found = events(&[
        r#"{"id":5,"created_at":"2024-05-01T10:00:00Z","customer":{"id":7},"line_items":[{"product_id":3,"quantity":1}]}"#,
        r#"{"id":"gid://shopify/Order/7","createdAt":"2024-05-01T10:00:00Z","currencyCode":"EUR","currentTotalPriceSet":{"shopMoney":{"amount":"42.5"}},"lineItems":{"nodes":[{"quantity":1,"product":{"id":"gid://shopify/Product/3"}}]}}"#,
        r#"{"id":"gid://shopify/Order/6","createdAt":"2024-05-01T10:00:00Z","cancelledAt":"2024-05-03T10:00:00Z","lineItems":{"edges":[{"node":{"quantity":1,"product":{"id":"gid://shopify/Product/3"}}}]}}"#,
        r#"{"id":"gid://shopify/AbandonedCheckout/8","createdAt":"2024-05-01T10:00:00Z","lineItems":{"nodes":[{"quantity":1,"product":{"id":"gid://shopify/Product/3"}}]}}"#,
    ]);
    let kinds: Vec<EventType> = found.iter().map(|(_, event)| event.kind).collect();
    let (done, taken_back) = (EventType::CheckoutCompleted, EventType::OrderCancelled);
    assert_eq!(kinds, [done, done, taken_back, EventType::CheckoutStarted]);
    assert_eq!(found[1].1.value.unwrap().amount(), "42.50");
    assert_eq!(bought(&found[0].1), [("gid://shopify/Product/3", 1)]);
}

#[test]
fn rows_of_one_order_are_one_order() {
    let history =
        History::table("\u{feff}Order_ID,customer_id,created_at,product_id,quantity,price,currency,note\r\n").unwrap();
    let found = read_all(
        history,
        &[
            "1001,7,2024-05-01T10:00:00Z,3,2,9.50,EUR,\"a, \"\"b\"\"\"\r\n",
            "1001,7,2024-05-01T10:00:00Z,4,,,EUR,",
            "1002,,2024-05-02,5,1,1.00,EUR,",
        ],
    );
    assert_eq!(found.len(), 2);
    assert_eq!(bought(&found[0].1), [("gid://shopify/Product/3", 2), ("gid://shopify/Product/4", 1)]);
    assert_eq!(found[0].1.order.as_ref().unwrap().as_str(), "gid://shopify/Order/1001");
    assert_eq!(
        found.iter().map(|(_, event)| event.value.map(|value| value.minor)).collect::<Vec<_>>(),
        [None, Some(100)]
    );
    assert_eq!(found[1].0, None);
}

#[test]
fn a_wish_is_a_look_of_its_customer_at_its_own_time() {
    let table = History::table("customer_id,product_id,variant_id,added_at\n").unwrap();
    let mut found = read_all(table, &["7,3,31,2024-05-01T10:00:00Z", "8,3,,2024-05-01 10:00:00"]);
    found.extend(events(&[
        r#"{"customer_id":7,"product_id":"gid://shopify/Product/3","added_at":"2024-05-01T10:00:00Z"}"#,
    ]));
    let told: Vec<_> = found
        .iter()
        .map(|(customer, event)| (customer.as_deref().unwrap(), event.product.as_ref().unwrap().as_str()))
        .collect();
    let (seven, eight) = ("gid://shopify/Customer/7", "gid://shopify/Customer/8");
    assert_eq!(told, [seven, eight, seven].map(|customer| (customer, "gid://shopify/Product/3")));
    assert!(
        found
            .iter()
            .all(|(_, event)| event.kind == EventType::ProductViewed && event.at.to_string() == "2024-05-01T10:00:00Z")
    );
    // The same wish of one file and the other counts once, and its name says nothing of whose it is.
    assert_eq!(found[0].1.id, found[2].1.id);
    assert!(!found[0].1.id.as_str().contains("Customer"));
    assert_eq!(found[0].1.variant.as_ref().unwrap().as_str(), "gid://shopify/ProductVariant/31");
    let mut table = History::table("customer_id,product_id,added_at").unwrap();
    assert_eq!(table.line("7,3,yesterday").unwrap_err(), LineError::Row);
    assert_eq!(History::table("product_id,added_at").unwrap_err(), LineError::Column("customer_id"));
}

#[test]
fn what_is_no_line_is_told_and_leaves_the_open_order() {
    let mut history = History::json(None);
    let order = r#"{"id":"gid://shopify/Order/1","createdAt":"2024-05-01T10:00:00Z","lineItems":{"nodes":[{"quantity":1,"product":{"id":"gid://shopify/Product/3"}}]}}"#;
    assert_eq!(history.line(order).unwrap().len(), 0);
    assert_eq!(history.line("{").unwrap_err(), LineError::Json);
    assert_eq!(history.line("[]").unwrap_err(), LineError::Json);
    assert_eq!(history.line(r#"{"id":"gid://shopify/Product/1"}"#).unwrap_err(), LineError::Kind);
    assert_eq!(history.waiting(), 4, "the order and what could not be read behind it");
    assert_eq!(history.end().len(), 1);
    assert_eq!(History::table("order_id,customer_id,created_at").unwrap_err(), LineError::Column("product_id"));
    let mut table = History::table("order_id,customer_id,created_at,product_id").unwrap();
    for wrong in ["1,2,3", "1,2,3,4,5", "\"1,2,3,4", ",2,2024-05-01,4"] {
        assert_eq!(table.line(wrong).unwrap_err(), LineError::Row, "{wrong}");
    }
}

#[test]
fn what_waits_is_counted_from_the_row_that_opened_its_order() {
    let order = |id: u32| format!(r#"{{"id":"gid://shopify/Order/{id}","createdAt":"2024-05-01T10:00:00Z"}}"#);
    let line = |of: u32| {
        format!(
            r#"{{"id":"gid://shopify/LineItem/{of}","product":{{"id":"gid://shopify/Product/3"}},"__parentId":"gid://shopify/Order/{of}"}}"#
        )
    };
    let resource = r#"{"id":5,"created_at":"2024-05-01T10:00:00Z","line_items":[{"product_id":3}]}"#.to_owned();
    let mut history = History::json(None);
    let told = [order(1), line(1), String::new(), order(2), line(2), resource, String::new()];
    let found = told.map(|text| (history.line(&text).unwrap().len(), history.waiting()));
    assert_eq!(found, [(0, 1), (0, 2), (0, 3), (1, 1), (0, 2), (2, 0), (0, 0)]);
    let mut table = History::table("order_id,customer_id,created_at,product_id").unwrap();
    let rows = ["1,7,2024-05-01,3", "1,7,2024-05-01,4", "2,7,2024-05-01,3"];
    assert_eq!(rows.map(|row| (table.line(row).unwrap().len(), table.waiting())), [(0, 1), (0, 2), (1, 1)]);
}

#[test]
fn draft_orders_and_abandoned_checkouts_are_checkouts_begun_in_every_form() {
    for kind in ["DraftOrder", "AbandonedCheckout"] {
        let id = format!("gid://shopify/{kind}/8");
        let bulk = format!(
            r#"{{"id":"{id}","createdAt":"2024-05-01T10:00:00Z","customer":{{"id":"gid://shopify/Customer/7"}},"customAttributes":[{{"key":"_outfitter_consent","value":"analytics"}}]}}"#
        );
        let line = format!(
            r#"{{"id":"gid://shopify/{kind}LineItem/81","quantity":2,"product":{{"id":"gid://shopify/Product/3"}},"variant":{{"id":"gid://shopify/ProductVariant/31"}},"originalUnitPriceSet":{{"shopMoney":{{"amount":"9.50","currencyCode":"EUR"}}}},"__parentId":"{id}"}}"#
        );
        let resource = format!(
            r#"{{"admin_graphql_api_id":"{id}","id":"{id}","created_at":"2024-05-01T10:00:00Z","currency":"EUR","customer":{{"id":7}},"line_items":[{{"product_id":3,"variant_id":31,"quantity":2,"price":"9.50"}}]}}"#
        );
        let found = events(&[&bulk, &line, &resource]);
        assert_eq!(found.len(), 2, "{kind}");
        for (customer, event) in &found {
            assert_eq!(customer.as_deref(), Some("gid://shopify/Customer/7"), "{kind}");
            assert_eq!((event.kind, bought(event)), (EventType::CheckoutStarted, vec![("gid://shopify/Product/3", 2)]));
            assert_eq!(event.lines[0].price.unwrap().minor, 950);
            assert_eq!(event.at.to_string(), "2024-05-01T10:00:00Z");
            assert_eq!((&event.order, &event.value), (&None, &None), "nothing was bought");
        }
        assert_eq!(found[0].1.id, found[1].1.id, "the same of either form counts once");
    }
}

#[test]
fn a_customer_is_told_as_the_webhook_of_customers_tells_them() {
    let consent = Attribute::parse("custom.consent");
    let told = |consent: Option<&Attribute>, more: &str| {
        let line = format!(r#"{{"id":"gid://shopify/Customer/7","updatedAt":"2024-05-01T10:00:00Z"{more}}}"#);
        History::json(consent).line(&line).unwrap()
    };
    let metafield =
        r#","tags":["vip","Gold"],"metafield":{"namespace":"custom","key":"consent","value":"[\"analytics\"]"}"#;
    match &told(consent.as_ref(), metafield)[..] {
        [News::Standing(customer, told)] => {
            assert_eq!(customer.expose(), "gid://shopify/Customer/7");
            assert_eq!(told.consent.flatten().unwrap().to_string(), "analytics");
            assert_eq!(told.tags, Some(Tags::All(vec!["Gold".into(), "vip".into()])));
            assert_eq!(told.at.to_string(), "2024-05-01T10:00:00Z");
        }
        other => panic!("{other:?}"),
    }
    // Another metafield, none, or none that is wanted.
    for (consent, more) in [
        (consent.as_ref(), r#","metafield":{"namespace":"app","key":"consent","value":"all"}"#),
        (consent.as_ref(), r#","metafield":null,"defaultEmailAddress":null"#),
        (None, r#","metafield":{"namespace":"custom","key":"consent","value":"all"}"#),
    ] {
        assert!(told(consent, more).is_empty(), "{more}");
    }
    let said = |state: &str| {
        let more = format!(
            r#","defaultEmailAddress":{{"marketingState":"{state}","marketingUpdatedAt":"2024-04-01T10:00:00Z"}},"defaultPhoneNumber":null"#
        );
        told(None, &more)
    };
    match &said("UNSUBSCRIBED")[..] {
        [News::Withdrawn(_, Purpose::Marketing, said)] => assert_eq!(said.to_string(), "2024-04-01T10:00:00Z"),
        other => panic!("{other:?}"),
    }
    assert!(said("SUBSCRIBED").is_empty() && said("NOT_SUBSCRIBED").is_empty(), "nothing is granted");
}

#[test]
fn a_customer_ends_the_order_before_and_waits_for_nothing() {
    let mut history = History::json(None);
    let order = r#"{"id":"gid://shopify/Order/1","createdAt":"2024-05-01T10:00:00Z","lineItems":{"nodes":[{"product":{"id":"gid://shopify/Product/3"}}]}}"#;
    history.line(order).unwrap();
    let news = history.line(r#"{"id":"gid://shopify/Customer/7","tags":["vip"]}"#).unwrap();
    assert!(matches!(&news[..], [News::Did(..), News::Standing(..)]), "{news:?}");
    assert_eq!(history.waiting(), 0);
}

proptest! {
    #[test]
    fn lines_of_any_kind_are_read_or_told(lines in prop::collection::vec("[\\PC\",{}:\\[\\]0-9]{0,80}", 0..8)) {
        let (mut json, mut table) = (History::json(None), History::table("order_id,customer_id,created_at,product_id").unwrap());
        for line in &lines {
            for history in [&mut json, &mut table] {
                if let Err(error) = history.line(line) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
        json.end();
        table.end();
    }
}
