//! How soon an event that one replica accepted shows in the order that another serves: two gateways, one Redis.
//!
//! The clock begins when the acceptance has been read, and ends when an answer of the other replica has been read whose
//! order begins with the product of the event. The answer is asked for over and over, so one that was in time and did not
//! know of the event yet counts against it.

use super::load::{Connection, post};
use super::{World, amount};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ORDER: &str =
    r#"{ personalized { recommendations(placement: "recently-viewed", first: 4) { items { product { id } } } } }"#;

/// Measures and tells.
pub(crate) fn measure(redis: &str) {
    let (samples, shoppers) = (amount("SAMPLES", 1_000), 50);
    let world = World::start(2, Some(redis));
    let mut connections: Vec<Connection> =
        world.gateways.iter().map(|gateway| Connection::open(gateway.address).unwrap()).collect();
    let (mut took, mut asked) = (Vec::with_capacity(samples), 0);
    for nth in 0..samples {
        let (session, product) = (format!("visitor-{}", nth % shoppers), &world.products[nth % world.products.len()]);
        let headers = [("outfitter-session", session.as_str()), ("outfitter-consent", "all")];
        let event =
            json!({ "events": [{ "id": format!("event {nth}"), "type": "PRODUCT_VIEWED", "productId": product }] });
        let taken = connections[nth % 2].ask(&post("/events", &headers, &event.to_string()), true).unwrap();
        assert!(taken.body.starts_with(b"{\"accepted\":1,"), "{}", String::from_utf8_lossy(&taken.body));
        let accepted = Instant::now();
        let ask = post("/graphql", &headers, &json!({ "query": ORDER }).to_string());
        loop {
            asked += 1;
            let answered = connections[(nth + 1) % 2].ask(&ask, true).unwrap();
            let answer: Value = serde_json::from_slice(&answered.body).unwrap();
            let first = answer.pointer("/data/personalized/recommendations/items/0/product/id");
            if first.and_then(Value::as_str) == Some(product) {
                break;
            }
            assert!(accepted.elapsed() < Duration::from_secs(30), "an accepted event never shows: {answer}");
        }
        took.push(accepted.elapsed());
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "from acceptance by one replica to the changed order of the other, with Redis, {samples} times ({asked} answers): \
         median {:.1} ms, 99th percentile {:.1} ms (target 100), longest {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
