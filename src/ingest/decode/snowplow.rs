//! Snowplow's tracker protocol: `{"schema": "iglu:…/payload_data/…", "data": [{"e": "pv", …}]}`. Page views, self-describing
//! events of the e-commerce accelerator and of the older add-to-cart and site-search schemas, and legacy transactions.
//! Self-describing JSON comes plain (`ue_pr`, `co`) or in base64 (`ue_px`, `cx`).
//!
//! The session is `duid`, the first-party visitor id, else `nuid`. Consent is a `consent_preferences` event's of the same
//! payload, or the basis in a GDPR context.

use super::{Heard, Names, Reader, Said, echoed, heard, name, session, with_lines};
use crate::domain::consent::Purpose;
use crate::domain::event::{Event, EventType, Line};
use crate::platform::loose;
use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD, URL_SAFE};
use base64::{alphabet, engine::DecodePaddingMode};
use serde_json::Value;

const PRODUCT: Names = Names {
    product: &["id", "sku", "product_id"],
    variant: &["variant_id"],
    quantity: &["quantity"],
    price: &["price", "unitPrice"],
};
/// Trackers leave the padding away.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let events = told.get("data").unwrap_or(told);
    let events = events.as_array().map_or(std::slice::from_ref(events), Vec::as_slice);
    let said = events.iter().filter_map(|event| preferences(&described(event)?)).next_back().unwrap_or_default();
    events.iter().flat_map(|event| one(event, reader, said)).collect()
}

fn one(told: &Value, reader: &Reader<'_>, said: Said) -> Vec<Heard> {
    let id = session(told, &["duid", "nuid", "vid"]);
    let own = loose::first_id(told, &["eid"]);
    // The true time where the tracker has one, else the device's, by its offset to the sending.
    let read = |name: &str| told.get(name).and_then(loose::moment);
    let at = read("ttm").or_else(|| match (read("dtm"), read("stm")) {
        (Some(made), Some(sent)) => {
            reader.now.checked_sub(sent.duration_since(made)).ok().filter(|at| *at <= reader.now)
        }
        (made, _) => made,
    });
    let unknown = |word: &str| {
        vec![Heard { id: reader.id(own.clone(), at, told), session: id.clone(), consent: said, event: Err(name(word)) }]
    };
    let make = |kind| reader.event(kind, own.clone(), at, told);
    let events = match told.get("e").and_then(Value::as_str).unwrap_or_default() {
        "pv" => vec![make(EventType::PageViewed)],
        "tr" => {
            let order = reader.order(loose::first_id(told, &["tr_id"]));
            vec![Event { order, ..make(EventType::CheckoutCompleted) }]
        }
        "ue" => match described(told).and_then(|event| ecommerce(&event, &contexts(told), &make, reader)) {
            Some(events) => events,
            None => return unknown(&described(told).map_or_else(|| "ue".to_owned(), |event| schema(&event).0)),
        },
        word => return unknown(word),
    };
    heard(events, &id, said).collect()
}

/// The JSON of one of two members, plain or in base64.
fn json(told: &Value, plain: &str, encoded: &str) -> Option<Value> {
    match told.get(plain) {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(value) => Some(value.clone()),
        None => {
            let text = told.get(encoded)?.as_str()?;
            let bytes =
                UNPADDED.decode(text).or_else(|_| STANDARD.decode(text)).or_else(|_| URL_SAFE.decode(text)).ok()?;
            serde_json::from_slice(&bytes).ok()
        }
    }
}

/// The self-describing event within the envelope.
fn described(told: &Value) -> Option<Value> {
    let envelope = json(told, "ue_pr", "ue_px")?;
    envelope.get("data").cloned()
}

/// The self-describing entities beside an event.
fn contexts(told: &Value) -> Vec<Value> {
    let envelope = json(told, "co", "cx").unwrap_or_default();
    envelope.get("data").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Vendor and name of a schema: `iglu:com.acme/name/jsonschema/1-0-0`.
fn schema(described: &Value) -> (String, String) {
    let text = described.get("schema").and_then(Value::as_str).unwrap_or_default();
    let mut parts = text.strip_prefix("iglu:").unwrap_or(text).split('/');
    let vendor = parts.next().unwrap_or_default();
    let word = parts.next().unwrap_or_default();
    (word.to_owned(), vendor.to_owned())
}

fn ecommerce(
    event: &Value,
    contexts: &[Value],
    make: &dyn Fn(EventType) -> Event,
    reader: &Reader<'_>,
) -> Option<Vec<Event>> {
    let (word, _) = schema(event);
    let empty = Value::Null;
    let data = event.get("data").unwrap_or(&empty);
    let entities = |name: &'static str| {
        contexts.iter().filter(move |entity| schema(entity).0 == name).filter_map(|entity| entity.get("data"))
    };
    let products = || -> Vec<Line> {
        let named =
            contexts.iter().filter(|entity| schema(entity).0 == "product").filter_map(|entity| entity.get("data"));
        named.filter_map(|product| reader.line(product, &PRODUCT, None)).take(crate::domain::event::MAX_LINES).collect()
    };
    let decided = |mut event: Event| {
        let told = entities("recommendation").chain(entities("product")).find(|told| told.get("decision_id").is_some());
        if let Some(told) = told {
            echoed(&mut event, told);
        }
        event
    };
    let kind = match (word.as_str(), data.get("type").and_then(Value::as_str).unwrap_or_default()) {
        ("snowplow_ecommerce_action", "product_view") => EventType::ProductViewed,
        ("snowplow_ecommerce_action", "list_view") => EventType::CollectionViewed,
        ("snowplow_ecommerce_action", "list_click") => EventType::RecommendationClicked,
        ("snowplow_ecommerce_action", "add_to_cart") => EventType::ProductAddedToCart,
        ("snowplow_ecommerce_action", "remove_from_cart") => EventType::ProductRemovedFromCart,
        ("snowplow_ecommerce_action", "checkout_step") => EventType::CheckoutStarted,
        ("snowplow_ecommerce_action", "transaction") => EventType::CheckoutCompleted,
        ("add_to_cart", _) => {
            let line = reader.line(data, &PRODUCT, None).into_iter().collect();
            return Some(with_lines(make(EventType::ProductAddedToCart), line));
        }
        ("remove_from_cart", _) => {
            let line = reader.line(data, &PRODUCT, None).into_iter().collect();
            return Some(with_lines(make(EventType::ProductRemovedFromCart), line));
        }
        ("site_search", _) => {
            let terms = data.get("terms").and_then(Value::as_array)?;
            let terms: Vec<&str> = terms.iter().filter_map(Value::as_str).collect();
            let query: String = terms.join(" ").chars().take(super::LONGEST).collect();
            return Some(vec![Event { query: Some(query.into()), ..make(EventType::SearchSubmitted) }]);
        }
        _ => return None,
    };
    let mut event = decided(make(kind));
    if kind == EventType::CollectionViewed {
        event.collection = reader.collection(loose::first_id(data, &["name", "list_id"]));
    }
    // A click in any other list says nothing of a recommendation.
    if kind == EventType::RecommendationClicked && event.decision.is_none() {
        return None;
    }
    if kind == EventType::CheckoutCompleted {
        event.order = reader.order(entities("transaction").find_map(|told| loose::first_id(told, &["transaction_id"])));
    }
    Some(with_lines(event, products()))
}

/// What a consent event says: `{"consentScopes": ["analytics", …], "eventType": "allow_selected"}`.
fn preferences(event: &Value) -> Option<Said> {
    if schema(event).0 != "consent_preferences" {
        return None;
    }
    let data = event.get("data")?;
    let scopes: Vec<String> = data
        .get("consentScopes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|scope| scope.as_str().map(str::to_ascii_lowercase))
        .collect();
    let all = data.get("eventType").and_then(Value::as_str) == Some("allow_all");
    let none =
        matches!(data.get("eventType").and_then(Value::as_str), Some("deny_all" | "consent_withdrawn" | "withdrawn"));
    let has =
        |words: &[&str]| Some(!none && (all || words.iter().any(|word| scopes.iter().any(|scope| scope == word))));
    Some(
        Said::default()
            .put(Purpose::Analytics, has(&["analytics", "statistics", "performance"]))
            .put(Purpose::Preferences, has(&["preferences", "functional", "personalization"]))
            .put(Purpose::Marketing, has(&["marketing", "advertising", "targeting"]))
            .put(Purpose::SaleOfData, has(&["sale_of_data", "data_sharing"])),
    )
}
