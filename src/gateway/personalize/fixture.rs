//! For tests: an engine, a sink and a log whose answers are known.

use super::ask::SlateAsk;
use super::book::{Settled, SlateBook};
use super::execute::{ParsedDocument, Personalization};
use super::sink::{EventSink, Rejection, SinkError};
use super::viewer::Viewer;
use crate::catalogue::{Catalogue, Index};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ProductKey, ShopperKey};
use crate::domain::market::Market;
use crate::domain::slate::{Decision, ReasonCode, ServedBy, Slate, SlateItem};
use crate::engine::{Context, Engine};
use crate::store::{DecisionStore, ShopperState, StoreError};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// A moment that never changes.
pub(super) const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// A shopper with consent to everything, and what stands behind their fields.
pub(super) struct Fixture {
    pub(super) viewer: Viewer,
    pub(super) log: Arc<Log>,
    pub(super) told: Arc<Sink>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let (log, told) = (Arc::new(Log::default()), Arc::new(Sink::default()));
        let context = Context {
            shopper: Some(ShopperKey::new("s-1")),
            confirmed: false,
            consent: Consent::ALL,
            state: ShopperState::default(),
            away: false,
            market: Market::default(),
            now: NOW,
        };
        let viewer = Viewer {
            context,
            engine: Arc::new(engine()),
            events: told.clone(),
            decisions: log.clone(),
            book: SlateBook::default(),
        };
        Self { viewer, log, told }
    }

    /// Puts an empty slate with this decision id down.
    pub(super) fn settled(&self, ask: SlateAsk, id: &str) {
        self.viewer.book.put(ask, Settled { decision: decision(id), items: Vec::new() });
    }

    /// Executes; the response as JSON.
    pub(super) fn run(self, text: &str, variables: serde_json::Value) -> serde_json::Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let document = ParsedDocument::parse(text).unwrap();
        let variables = async_graphql::Variables::from_json(variables);
        let schema = Personalization::new();
        let response = schema.execute(&document, variables, Arc::new(self.viewer));
        serde_json::to_value(runtime.block_on(response)).unwrap()
    }
}

/// An engine over ten products, a to j, in one category and one collection, of which it knows nothing else.
fn engine() -> Engine {
    let product = |key: char| {
        serde_json::from_value(serde_json::json!({
            "key": key, "handle": key, "title": format!("Product {key}"), "category": "Shirts", "collections": ["c"],
        }))
    };
    let catalogue = Arc::new(Catalogue::default());
    catalogue.replace(Index::build(('a'..='j').map(|key| product(key).unwrap())), NOW);
    Engine::new(crate::engine::Config { deadline: std::time::Duration::from_secs(60), ..Default::default() }, catalogue)
}

pub(super) fn decision(id: &str) -> Decision {
    Decision {
        id: DecisionId::new(id),
        served_by: ServedBy::Statistics,
        fallback: None,
        model: None,
        experiment: None,
        explore: 0.0,
        decided_at: NOW,
        max_age: 30,
    }
}

/// Candidates a, b, c, … in this order, `first` of them wanted.
pub(super) fn slate(id: &str, first: usize) -> Slate {
    let item = |key: char| SlateItem {
        product: ProductKey::new(key.to_string()),
        score: 0.5,
        reason: ReasonCode::ViewedTogether,
        because: Some(ProductKey::new("seen")),
    };
    Slate { decision: decision(id), placement: "home".into(), items: ('a'..='j').map(item).collect(), wanted: first }
}

/// Takes every event but those without a product.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) events: Mutex<Vec<Event>>,
}

#[async_trait]
impl EventSink for Sink {
    async fn track(&self, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>> {
        let mut kept = self.events.lock().unwrap();
        let take = |event: Event| {
            event.product.as_ref().ok_or((Rejection::UnknownProduct, "which product?".to_owned()))?;
            kept.push(event);
            Ok(())
        };
        events.into_iter().map(take).collect()
    }

    async fn consent(&self, change: &[(Purpose, bool)]) -> Result<(Consent, Vec<Purpose>), SinkError> {
        let consent = change.iter().fold(Consent::ALL, |consent, (purpose, allowed)| consent.with(*purpose, *allowed));
        Ok((consent, change.iter().filter(|(_, allowed)| !allowed).map(|(purpose, _)| *purpose).collect()))
    }

    async fn forget(&self) -> Result<bool, SinkError> {
        Err(SinkError::Unavailable)
    }

    async fn context(&self) -> Context {
        Fixture::new().viewer.context.clone()
    }
}

/// A log that answers anybody: the schema must not trust it with whose a decision is.
#[derive(Default)]
pub(super) struct Log {
    pub(super) records: Mutex<Vec<DecisionRecord>>,
}

#[async_trait]
impl DecisionStore for Log {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.records.lock().unwrap().push(record);
        Ok(())
    }

    async fn get(&self, _: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Ok(self.records.lock().unwrap().iter().find(|record| record.slate.decision.id == *id).cloned())
    }

    async fn of(&self, _: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        Ok(self.records.lock().unwrap().clone())
    }

    async fn erase(&self, _: &ShopperKey) -> Result<bool, StoreError> {
        Ok(false)
    }
}
