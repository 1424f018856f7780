//! The gateway's own form: the input of `personalizedTrack`, one or many, with session and consent beside them.
//!
//! `{"session": "…", "consent": "analytics, preferences", "events": [{"id": "1", "type": "PRODUCT_VIEWED", "productId": "…"}]}`

use super::{Heard, Names, Reader, Said, echoed, heard, name, session, with_lines, words};
use crate::domain::consent::Consent;
use crate::domain::event::EventType;
use crate::platform::loose;
use serde_json::Value;

const LINE: Names = Names {
    product: &["productId", "product"],
    variant: &["variantId", "variant"],
    quantity: &["quantity"],
    price: &["price.amount", "price"],
};

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let id = session(told, &["session", "sessionId"]);
    let said = told.get("consent").and_then(Value::as_str).map_or(Said::default(), consent);
    let events = told
        .get("events")
        .or(Some(told))
        .map(|events| events.as_array().map_or(std::slice::from_ref(events), Vec::as_slice));
    events.into_iter().flatten().flat_map(|event| one(event, reader, &id, said)).collect()
}

/// Words that are no purposes are no consent.
fn consent(text: &str) -> Said {
    Said::whole(Consent::parse(text).unwrap_or(Consent::NONE))
}

fn one(told: &Value, reader: &Reader<'_>, id: &Option<crate::domain::ids::SessionId>, said: Said) -> Vec<Heard> {
    let word = loose::first_text(told, &["type", "event", "name"]).unwrap_or_default();
    let at = ["at", "timestamp"].iter().find_map(|name| told.get(*name).and_then(loose::moment));
    let own = loose::first_id(told, &["id", "eventId", "event_id"]);
    let Some(kind) = kind_of(word) else {
        let unknown =
            Heard { id: reader.id(own, at, told), session: id.clone(), consent: said, event: Err(name(word)) };
        return vec![unknown];
    };
    let mut event = reader.event(kind, own, at, told);
    event.collection = reader.collection(loose::first_id(told, &["collectionId", "collection"]));
    event.query = words(told, &["query"]);
    event.order = reader.order(loose::first_id(told, &["orderId", "order"]));
    echoed(&mut event, told);
    let currency = told.get("price").and_then(|price| loose::currency(price, &["currencyCode"]));
    let mut lines = reader.lines(told.get("lines"), &LINE, currency);
    if lines.is_empty() {
        lines.extend(reader.line(told, &LINE, None));
    }
    heard(with_lines(event, lines), id, said).collect()
}

/// The names of the schema, in the writing of constants or of Shopify.
pub(super) fn kind_of(word: &str) -> Option<EventType> {
    match word.to_ascii_lowercase().as_str() {
        "page_viewed" => Some(EventType::PageViewed),
        "product_viewed" => Some(EventType::ProductViewed),
        "collection_viewed" => Some(EventType::CollectionViewed),
        "search_submitted" => Some(EventType::SearchSubmitted),
        "product_added_to_cart" => Some(EventType::ProductAddedToCart),
        "product_removed_from_cart" => Some(EventType::ProductRemovedFromCart),
        "cart_viewed" => Some(EventType::CartViewed),
        "checkout_started" => Some(EventType::CheckoutStarted),
        "checkout_completed" => Some(EventType::CheckoutCompleted),
        "recommendation_viewed" => Some(EventType::RecommendationViewed),
        "recommendation_clicked" => Some(EventType::RecommendationClicked),
        _ => None,
    }
}
