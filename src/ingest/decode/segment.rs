//! Segment's specification, which many tools speak: `track`, `page` and `screen` calls, one, or as `{"batch": […]}`, with
//! the events of its e-commerce specification (version 2).
//!
//! The session is `anonymousId`. `userId` is not believed: anybody can send one. Consent is
//! `context.consent.categoryPreferences`, by categories of the usual names. A client whose clock is wrong tells by `sentAt`
//! how wrong it is.

use super::{Heard, Names, Reader, Said, echoed, heard, name, session, with_lines, words};
use crate::domain::consent::Purpose;
use crate::domain::event::EventType;
use crate::platform::loose;
use jiff::Timestamp;
use serde_json::Value;

const PRODUCT: Names = Names {
    product: &["product_id", "productId", "id", "sku"],
    variant: &["variant_id", "variantId"],
    quantity: &["quantity"],
    price: &["price"],
};

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let calls = told.get("batch").unwrap_or(told);
    let calls = calls.as_array().map_or(std::slice::from_ref(calls), Vec::as_slice);
    let shared = told.get("sentAt").and_then(loose::moment);
    let outer = told.get("context").and_then(consent);
    calls
        .iter()
        .flat_map(|call| {
            let said = call.get("context").and_then(consent).or(outer).unwrap_or_default();
            one(call, reader, shared, said)
        })
        .collect()
}

fn one(call: &Value, reader: &Reader<'_>, sent: Option<Timestamp>, said: Said) -> Vec<Heard> {
    let id = session(call, &["anonymousId", "anonymous_id"]);
    let own = loose::first_id(call, &["messageId", "message_id"]);
    let at = moment(call, sent, reader.now);
    let kind = loose::first_text(call, &["type"]).unwrap_or("track");
    let word = loose::first_text(call, &["event", "name"]).unwrap_or(kind);
    let empty = Value::Null;
    let properties = call.get("properties").unwrap_or(&empty);
    let known = match kind {
        "page" | "screen" => Some(EventType::PageViewed),
        "track" => kind_of(word, properties),
        _ => None,
    };
    let Some(kind) = known else {
        let unknown = Heard { id: reader.id(own, at, call), session: id, consent: said, event: Err(name(word)) };
        return vec![unknown];
    };
    let mut event = reader.event(kind, own, at, call);
    echoed(&mut event, properties);
    event.query = words(properties, &["query"]);
    let collection = loose::first_id(properties, &["collection_id", "list_id", "category_id", "category"]);
    event.collection = reader.collection(collection.filter(|_| kind == EventType::CollectionViewed));
    if kind == EventType::CheckoutCompleted {
        event.order = reader.order(loose::first_id(properties, &["order_id", "orderId"]));
    }
    let currency = loose::currency(properties, &["currency"]);
    let mut lines = reader.lines(properties.get("products"), &PRODUCT, currency);
    if lines.is_empty()
        && !matches!(kind, EventType::CheckoutCompleted | EventType::CheckoutStarted | EventType::CartViewed)
    {
        lines.extend(reader.line(properties, &PRODUCT, currency));
    }
    heard(with_lines(event, lines), &id, said).collect()
}

/// When it happened by the gateway's clock: `sentAt` says how the sender's stands.
fn moment(call: &Value, shared: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let read = |name: &str| call.get(name).and_then(loose::moment);
    match (read("originalTimestamp"), read("sentAt").or(shared), read("timestamp")) {
        (_, _, Some(corrected)) if call.get("receivedAt").is_some() => Some(corrected),
        (Some(told), Some(sent), _) | (None, Some(sent), Some(told)) => {
            now.checked_sub(sent.duration_since(told)).ok().filter(|at| *at <= now).or(Some(told))
        }
        (original, _, told) => told.or(original),
    }
}

/// Categories have the names that a shop gives them: those that are usual are known.
fn consent(context: &Value) -> Option<Said> {
    let told = context.get("consent")?.get("categoryPreferences")?.as_object()?;
    let mut said = Said::default();
    for (category, allowed) in told.iter().take(64) {
        let purpose = match category.to_ascii_lowercase().as_str() {
            "analytics" | "performance" | "statistics" | "c0002" => Purpose::Analytics,
            "functional" | "preferences" | "personalization" | "c0003" => Purpose::Preferences,
            "advertising" | "marketing" | "targeting" | "c0004" => Purpose::Marketing,
            "datasharing" | "sale_of_data" | "saleofdata" => Purpose::SaleOfData,
            _ => continue,
        };
        said = said.put(purpose, allowed.as_bool());
    }
    Some(said)
}

fn kind_of(word: &str, properties: &Value) -> Option<EventType> {
    let echoes = || loose::first_id(properties, &["decision_id", "decisionId"]).is_some();
    match word.to_ascii_lowercase().replace('_', " ").as_str() {
        "product viewed" | "viewed product" => Some(EventType::ProductViewed),
        "product clicked" if echoes() => Some(EventType::RecommendationClicked),
        "product list viewed" | "viewed product category" => Some(EventType::CollectionViewed),
        "products searched" | "searched products" => Some(EventType::SearchSubmitted),
        "product added" | "added product" => Some(EventType::ProductAddedToCart),
        "product removed" | "removed product" => Some(EventType::ProductRemovedFromCart),
        "cart viewed" => Some(EventType::CartViewed),
        "checkout started" => Some(EventType::CheckoutStarted),
        "order completed" | "completed order" => Some(EventType::CheckoutCompleted),
        _ => super::own::kind_of(&word.to_ascii_lowercase().replace(' ', "_")),
    }
}
