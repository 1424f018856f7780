//! Google Analytics 4 by the Measurement Protocol: `{"client_id": …, "events": [{"name": …, "params": {…}}]}`. The events are
//! those of GA4's e-commerce; items name a product by `item_id`, which may be a product, a variant, an SKU or a feed's id.
//!
//! The session is `client_id`. Consent mode speaks of advertising and, over `gtag`, of analytics; never of preferences.

use super::{Heard, Names, Reader, Said, echoed, heard, name, session, with_lines, words};
use crate::domain::consent::Purpose;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::SessionId;
use crate::platform::loose;
use serde_json::Value;

pub(super) const ITEM: Names = Names {
    product: &["item_id", "product_id", "id", "item_group_id"],
    variant: &["variant_id", "item_variant_id"],
    quantity: &["quantity"],
    price: &["price"],
};

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let id = session(told, &["client_id", "app_instance_id"]);
    let granted = |name: &str| match told.get("consent").and_then(|consent| loose::first_text(consent, &[name])) {
        Some("GRANTED" | "granted") => Some(true),
        Some("DENIED" | "denied") => Some(false),
        _ => None,
    };
    let said = Said::default()
        .put(Purpose::Marketing, granted("ad_personalization").or_else(|| granted("ad_user_data")))
        .put(Purpose::Analytics, granted("analytics_storage"))
        .put(Purpose::Preferences, granted("personalization_storage"));
    let moment = told.get("timestamp_micros").and_then(loose::moment);
    let events = told.get("events").and_then(Value::as_array).into_iter().flatten();
    events
        .flat_map(|event| {
            let moment = event.get("timestamp_micros").and_then(loose::moment).or(moment);
            let params = event.get("params").unwrap_or(&Value::Null);
            let own = loose::first_id(params, &["event_id"]).or_else(|| loose::first_id(event, &["event_id"]));
            let word = loose::first_text(event, &["name"]).unwrap_or_default();
            let hit = Hit { word, own, moment, params, whole: event };
            one(hit, reader, &id, said)
        })
        .collect()
}

/// One event, whether by JSON or by `gtag`.
pub(super) struct Hit<'a> {
    pub(super) word: &'a str,
    pub(super) own: Option<String>,
    pub(super) moment: Option<jiff::Timestamp>,
    pub(super) params: &'a Value,
    pub(super) whole: &'a Value,
}

pub(super) fn one(hit: Hit<'_>, reader: &Reader<'_>, id: &Option<SessionId>, said: Said) -> Vec<Heard> {
    let Hit { word, own, moment, params, whole } = hit;
    let Some(kind) = kind_of(word, params) else {
        let unknown =
            Heard { id: reader.id(own, moment, whole), session: id.clone(), consent: said, event: Err(name(word)) };
        return vec![unknown];
    };
    let mut event: Event = reader.event(kind, own, moment, whole);
    let items = params.get("items");
    let currency = loose::currency(params, &["currency"]);
    let first = items.and_then(Value::as_array).and_then(|items| items.first()).unwrap_or(&Value::Null);
    echoed(&mut event, if loose::first_id(params, &["decision_id", "decisionId"]).is_some() { params } else { first });
    if kind == EventType::CollectionViewed {
        let listed = loose::first_id(params, &["item_list_id"]).or_else(|| loose::first_id(first, &["item_list_id"]));
        event.collection = reader.collection(listed);
    }
    event.query = words(params, &["search_term"]);
    if kind == EventType::CheckoutCompleted {
        event.order = reader.order(loose::first_id(params, &["transaction_id"]));
    }
    heard(with_lines(event, reader.lines(items, &ITEM, currency)), id, said).collect()
}

fn kind_of(word: &str, params: &Value) -> Option<EventType> {
    match word {
        "page_view" | "screen_view" => Some(EventType::PageViewed),
        "view_item" => Some(EventType::ProductViewed),
        "view_item_list" => Some(EventType::CollectionViewed),
        // A click in a list is one on a recommendation where it names the decision.
        "select_item" if echoes(params) => Some(EventType::RecommendationClicked),
        "search" | "view_search_results" => Some(EventType::SearchSubmitted),
        "add_to_cart" => Some(EventType::ProductAddedToCart),
        "remove_from_cart" => Some(EventType::ProductRemovedFromCart),
        "view_cart" => Some(EventType::CartViewed),
        "begin_checkout" => Some(EventType::CheckoutStarted),
        "purchase" | "in_app_purchase" | "ecommerce_purchase" => Some(EventType::CheckoutCompleted),
        _ => super::own::kind_of(word),
    }
}

fn echoes(params: &Value) -> bool {
    let named = |told: &Value| loose::first_id(told, &["decision_id", "decisionId"]).is_some();
    named(params) || params.pointer("/items/0").is_some_and(named)
}
