//! What is sent: beacons as a page sends them, and orders as Shopify does.

use super::APP;
use super::load::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;

/// Events of one beacon.
pub(crate) const BATCH: usize = 20;

/// A request, and the begin of its answer where everything in it was taken.
pub(crate) struct Sent {
    pub(crate) request: Vec<u8>,
    pub(crate) answered: &'static str,
    pub(crate) events: usize,
}

/// The moment of the `nth` thing that happens: each a second after the one before, all within the last days.
fn at(nth: usize) -> String {
    let back = SignedDuration::from_hours(24 * 3) - SignedDuration::from_secs((nth % 200_000) as i64);
    Timestamp::now().checked_sub(back).unwrap_or_default().to_string()
}

/// The `nth` beacon, of 20 events of one of so many shoppers.
pub(crate) fn beacon(nth: usize, shoppers: usize, products: &[String]) -> Sent {
    let product = |of: usize| &products[(nth * 7 + of * of) % products.len()];
    let event = |of: usize| -> Value {
        let (id, at) = (format!("{nth}-{of}-5f1c7a90d3"), at(nth * BATCH + of));
        match of % BATCH {
            0 => json!({ "id": id, "at": at, "type": "PAGE_VIEWED" }),
            5 | 11 => json!({ "id": id, "at": at, "type": "SEARCH_SUBMITTED", "query": format!("shirt {}", nth % 50) }),
            7 | 13 | 17 => json!({ "id": id, "at": at, "type": "PRODUCT_ADDED_TO_CART", "productId": product(of - 1) }),
            _ => json!({ "id": id, "at": at, "type": "PRODUCT_VIEWED", "productId": product(of) }),
        }
    };
    let session = format!("visitor-{}", nth % shoppers);
    let body = json!({ "session": session, "events": (0..BATCH).map(event).collect::<Vec<_>>() }).to_string();
    Sent { request: post("/events", &[], &body), answered: "{\"accepted\":20,", events: BATCH }
}

/// The `nth` order of one of so many customers, signed.
pub(crate) fn order(nth: usize, customers: usize, products: &[String]) -> Sent {
    let line = |of: usize| {
        let id = products[(nth * 11 + of) % products.len()].rsplit('/').next().and_then(|id| id.parse::<u64>().ok());
        json!({ "id": of, "product_id": id, "quantity": 1, "price": "19.90", "title": "A shirt of which more is told than is read",
            "price_set": { "shop_money": { "amount": "19.90", "currency_code": "USD" } }, "properties": [], "taxable": true })
    };
    let body = json!({
        "id": 5_000_000_000_u64 + nth as u64, "created_at": at(nth), "currency": "USD", "total_price": "59.70", "test": false,
        "email": "somebody@example.com", "customer": { "id": 7_000_000_000_u64 + (nth % customers) as u64 },
        "billing_address": { "first_name": "Some", "last_name": "Body", "city": "Somewhere", "zip": "12345" },
        "line_items": (0..3).map(line).collect::<Vec<_>>(),
    });
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(APP.as_bytes()).expect("a key of any length");
    mac.update(body.as_bytes());
    let (signature, delivery) = (STANDARD.encode(mac.finalize().into_bytes()), format!("delivery-{nth}"));
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", delivery.as_str()),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    Sent { request: post("/webhooks/shopify", &headers, &body), answered: "{\"accepted\":1,", events: 1 }
}
