//! The demo store's history, told to the gateway as a storefront tells it: by `personalizedTrack`, shopper by shopper.

use super::load::{Connection, post};
use jiff::Timestamp;
use outfitter::demo::{Config, Store};
use outfitter::domain::event::Event;
use serde_json::{Value, json};
use std::net::SocketAddr;

const TRACK: &str =
    "mutation ($events: [PersonalizedEventInput!]!) { personalizedTrack(events: $events) { accepted } }";

/// Tells everything; returns how many events were taken.
pub(crate) fn tell(gateway: SocketAddr) -> u64 {
    let config = Config::default();
    let by = Timestamp::now().duration_since(config.now);
    let mut connection = Connection::open(gateway).expect("the gateway takes connections");
    let mut accepted = 0;
    for (label, events) in Store::generate(&config).history() {
        for some in events.chunks(100) {
            let events: Vec<Value> =
                some.iter().map(|event| input(event, event.at.checked_add(by).unwrap_or(event.at))).collect();
            let body = json!({ "query": TRACK, "variables": { "events": events } }).to_string();
            let request = post("/graphql", &[("outfitter-session", &label)], &body);
            let answered = connection.ask(&request, true).expect("every request is answered");
            let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let taken = answer.pointer("/data/personalizedTrack/accepted").and_then(Value::as_u64);
            accepted += taken.unwrap_or_else(|| panic!("the history is not taken: {answer}"));
        }
    }
    accepted
}

fn input(event: &Event, at: Timestamp) -> Value {
    let told = serde_json::to_value(event).expect("an event is JSON");
    let kind = told["kind"].as_str().unwrap_or_default().to_ascii_uppercase();
    let lines: Vec<Value> = event
        .lines
        .iter()
        .map(|line| json!({ "productId": line.product.as_str(), "quantity": line.quantity }))
        .collect();
    let mut input = json!({ "id": event.id.as_str(), "type": kind, "at": at.to_string() });
    let text = [("product", "productId"), ("variant", "variantId"), ("collection", "collectionId"), ("query", "query")];
    for (theirs, ours) in text.into_iter().filter(|(theirs, _)| told[*theirs].is_string()) {
        input[ours] = told[theirs].clone();
    }
    if !lines.is_empty() {
        input["lines"] = lines.into();
    }
    input
}
