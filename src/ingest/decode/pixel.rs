//! Shopify's web pixels: standard events as a pixel's `analytics.subscribe` is given them, sent one by one, as a list, or as
//! `{"events": […], "customerPrivacy": {…}}`. Custom events of the recommendation names carry `customData`.
//!
//! The session is `clientId`, Shopify's own visitor id. Consent is `customerPrivacy`, which a pixel reads from `init`.

use super::own::kind_of;
use super::{Heard, Names, Reader, Said, at, echoed, heard, name, session, variant, with_lines, words};
use crate::domain::consent::Purpose;
use crate::domain::event::{Event, EventType, Line};
use crate::platform::loose;
use serde_json::Value;

/// A cart's line.
const CART: Names = Names {
    product: &["merchandise.product.id"],
    variant: &["merchandise.id"],
    quantity: &["quantity"],
    price: &["merchandise.price.amount"],
};
/// A check-out's line.
const CHECKOUT: Names = Names {
    product: &["variant.product.id"],
    variant: &["variant.id"],
    quantity: &["quantity"],
    price: &["variant.price.amount"],
};
/// A variant on its own.
const VARIANT: Names =
    Names { product: &["product.id"], variant: &["id"], quantity: &["quantity"], price: &["price.amount"] };
/// What a custom event says of a recommendation.
const CUSTOM: Names = Names {
    product: &["productId", "product_id"],
    variant: &["variantId", "variant_id"],
    quantity: &["quantity"],
    price: &["price.amount"],
};

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let outer = privacy(told);
    let events = told.get("events").unwrap_or(told);
    let events = events.as_array().map_or(std::slice::from_ref(events), Vec::as_slice);
    let shared = session(told, &["clientId"]);
    let one = |told: &Value| {
        let id = session(told, &["clientId"]).or_else(|| shared.clone());
        let said = privacy(told).or(outer).unwrap_or_default();
        let word = loose::first_text(told, &["name"]).unwrap_or_default();
        let (own, moment) = (loose::first_id(told, &["id"]), told.get("timestamp").and_then(loose::moment));
        match kind_of(word) {
            Some(kind) => {
                let event = reader.event(kind, own, moment, told);
                heard(filled(event, told, reader), &id, said).collect()
            }
            None => {
                vec![Heard { id: reader.id(own, moment, told), session: id, consent: said, event: Err(name(word)) }]
            }
        }
    };
    events.iter().flat_map(one).collect()
}

fn filled(mut event: Event, told: &Value, reader: &Reader<'_>) -> Vec<Event> {
    let empty = Value::Null;
    let data = told.get("data").unwrap_or(&empty);
    let currency = at(data, "checkout.currencyCode").or_else(|| at(data, "cart.cost.totalAmount.currencyCode"));
    let currency = currency.and_then(Value::as_str).and_then(crate::domain::money::Currency::parse);
    let list = |path: &str, names: &Names| reader.lines(at(data, path), names, currency);
    let one = |path: &str, names: &Names| -> Vec<Line> {
        at(data, path).and_then(|line| reader.line(line, names, currency)).into_iter().collect()
    };
    let lines = match event.kind {
        EventType::ProductViewed => one("productVariant", &VARIANT),
        EventType::ProductAddedToCart | EventType::ProductRemovedFromCart => one("cartLine", &CART),
        EventType::CartViewed => list("cart.lines", &CART),
        EventType::CheckoutStarted | EventType::CheckoutCompleted => list("checkout.lineItems", &CHECKOUT),
        EventType::CollectionViewed => {
            event.collection = reader.collection(at(data, "collection.id").and_then(loose::id));
            Vec::new()
        }
        EventType::SearchSubmitted => {
            event.query = words(data, &["searchResult.query"]);
            Vec::new()
        }
        EventType::RecommendationViewed | EventType::RecommendationClicked => {
            let custom = told.get("customData").unwrap_or(data);
            echoed(&mut event, custom);
            event.variant = variant(&reader.keys, custom, "variantId");
            reader.line(custom, &CUSTOM, None).into_iter().collect()
        }
        EventType::PageViewed | EventType::OrderCancelled => Vec::new(),
    };
    if event.kind == EventType::CheckoutCompleted {
        event.order = reader.order(at(data, "checkout.order.id").and_then(loose::id));
    }
    with_lines(event, lines)
}

/// What `customerPrivacy` says, where it is there.
fn privacy(told: &Value) -> Option<Said> {
    let told = told.get("customerPrivacy").or_else(|| at(told, "init.customerPrivacy"))?;
    let said = |name: &str| told.get(name).and_then(Value::as_bool);
    let all = [
        (Purpose::Analytics, "analyticsProcessingAllowed"),
        (Purpose::Preferences, "preferencesProcessingAllowed"),
        (Purpose::Marketing, "marketingAllowed"),
        (Purpose::SaleOfData, "saleOfDataAllowed"),
    ];
    Some(all.iter().fold(Said::default(), |sum, (purpose, name)| sum.put(*purpose, said(name))))
}
