//! What leaves the log: lines and rows.

use super::super::{Line, Rows};
use super::decision;
use crate::domain::audit::Outcome;
use crate::domain::event::EventType;
use crate::domain::ids::ProductKey;
use crate::domain::made::{Candidate, Known, Made, Versions, Weighed};
use crate::domain::money::{Currency, Money};
use crate::domain::slate::{Intent, ReasonCode};
use jiff::Timestamp;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::json;
use std::sync::Arc;

fn came(kind: EventType, product: Option<&str>, amount: Option<i64>) -> Outcome {
    let currency = Currency::parse("EUR").unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let value = amount.map(|minor| Money { minor, currency });
    Outcome { kind, at, product: product.map(ProductKey::new), position: None, quantity: None, value }
}

fn outcomes() -> Vec<Outcome> {
    vec![
        came(EventType::RecommendationViewed, None, None),
        came(EventType::RecommendationClicked, Some("served"), None),
        came(EventType::RecommendationClicked, Some("another"), None),
        came(EventType::CheckoutCompleted, Some("served"), Some(1_250)),
        came(EventType::CheckoutCompleted, Some("served"), Some(750)),
    ]
}

#[test]
fn a_line_has_the_members_that_the_documentation_lists() {
    let mut record = decision("anna", "a");
    let candidate = Candidate {
        product: 0,
        shares: vec![(1, 0.5)],
        fits: 0.25,
        boost: 2.0,
        kept: 1.0,
        reason: ReasonCode::Session,
        because: None,
    };
    let weighed = |source: &str, weight| Weighed { source: source.into(), weight };
    record.made = Some(Arc::new(Made {
        versions: Versions {
            outfitter: "1.2.3".into(),
            settings: "abc".into(),
            catalogue_products: 480,
            statistics_events: 9,
        },
        intent: Intent::ForYou,
        most: 20,
        sources: vec![weighed("similar", 0.0), weighed("session", 0.5)],
        affinity: 1.0,
        products: vec![Known { key: ProductKey::new("served"), category: 0, name: 0 }],
        categories: vec!["Hats".into()],
        seeds: Vec::new(),
        candidates: vec![candidate],
        fillers: Vec::new(),
        pins: Vec::new(),
    }));
    let came = outcomes();
    let line = serde_json::to_value(Line::of(&record, &came, 0.5)).unwrap();
    assert_eq!((&line["sample"], &line["intent"]), (&json!(0.5), &json!("FOR_YOU")));
    assert_eq!(line["items"][0]["propensity"], 1.0);
    assert_eq!(line["weights"], json!({ "session": 0.5, "affinity": 1.0 }));
    assert_eq!(line["candidates"][0]["shares"], json!({ "session": 0.5 }));
    // (0.5 · 0.5 + 1 · 0.25) · 2
    assert_eq!(line["candidates"][0]["score"], 1.0);
    assert_eq!(
        line["outcomes"][3],
        json!({ "type": "checkout_completed", "at": "1970-01-01T00:00:00Z",
        "product": "served", "amount": 1250, "currency": "EUR" })
    );
    assert_eq!(line["listed"], json!([{ "product": "served" }]));
    // Two of which one was to come first, shuffled for half of the shoppers: 1/2 + 1/2 · 1/2, or the other fourth.
    record.slate.decision.explore = 0.5;
    let other = crate::domain::slate::SlateItem { product: ProductKey::new("other"), ..record.slate.items[0].clone() };
    record.candidates = record.slate.clone();
    record.candidates.items.push(other);
    let line = serde_json::to_value(Line::of(&record, &came, 0.5)).unwrap();
    let first = line["listed"][0]["product"] == "served";
    assert_eq!(
        (&line["explore"], &line["items"][0]["propensity"]),
        (&json!(0.5), &json!(if first { 0.75 } else { 0.25 }))
    );
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/decisions.md")).unwrap();
    let told = |name: &String| page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}?`"));
    let missing: Vec<&String> = line.as_object().unwrap().keys().filter(|name| !told(name)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "docs/decisions.md does not tell of them");
}

#[test]
fn a_row_of_parquet_counts_what_came_of_its_product() {
    let (mut file, came) = (Vec::new(), outcomes());
    let mut rows = Rows::begin(&mut file).unwrap();
    rows.add(&decision("anna", "a"), &came, 1.0).unwrap();
    rows.add(&decision("bert", "b"), &[], 1.0).unwrap();
    rows.end().unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let columns: Vec<String> =
        reader.metadata().file_metadata().schema_descr().columns().iter().map(|c| c.name().to_owned()).collect();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let read: Vec<_> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap()).collect();
    assert_eq!(read.len(), 2);
    let [own, other] = [&read[0], &read[1]];
    assert_eq!((own.get_string(at("decision")).unwrap().as_str(), own.get_long(at("position")).unwrap()), ("a", 1));
    let counts = ["viewed", "clicked", "carted", "purchased"].map(|name| own.get_long(at(name)).unwrap());
    assert_eq!(counts, [1, 1, 0, 2]);
    assert_eq!((own.get_long(at("amount")).unwrap(), own.get_string(at("currency")).unwrap().as_str()), (2_000, "EUR"));
    assert_eq!(own.get_double(at("propensity")).unwrap(), 1.0);
    assert_eq!(other.get_string(at("because")).unwrap(), "viewed-by-bert");
    assert!(other.get_long(at("amount")).is_err(), "nothing was bought");
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/decisions.md")).unwrap();
    let untold: Vec<&String> = columns.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert_eq!(untold, Vec::<&String>::new());
}
