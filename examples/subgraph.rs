//! The personalization schema as a federation subgraph over a catalogue of six products, alone: what
//! `tests/subgraph` runs under a router. Prints its address and serves until it is stopped.

use async_trait::async_trait;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use outfitter::catalogue::{Catalogue, Index};
use outfitter::domain::consent::{Consent, Purpose};
use outfitter::domain::event::Event;
use outfitter::domain::ids::ShopperKey;
use outfitter::domain::market::Market;
use outfitter::engine::{self, Context, Engine};
use outfitter::gateway::personalize::sink::{EventSink, Rejection, SinkError};
use outfitter::gateway::personalize::{SlateBook, Subgraph, Viewer};
use outfitter::platform::Entity;
use outfitter::store::{MemoryStore, ShopperState};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::Arc;

const SHOP: &str = "type Query { shop: String } type Product { id: ID! } type Collection { id: ID! }";
const ENTITIES: [Entity; 2] = [
    Entity { canonical: "Product", types: &["Product"], key: "id", needs: "", live: "" },
    Entity { canonical: "Collection", types: &["Collection"], key: "id", needs: "", live: "" },
];

struct App {
    subgraph: Subgraph,
    engine: Arc<Engine>,
    store: Arc<MemoryStore>,
}

/// Takes everything and keeps nothing.
struct Nowhere;

#[async_trait]
impl EventSink for Nowhere {
    async fn track(&self, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>> {
        events.iter().map(|_| Ok(())).collect()
    }

    async fn consent(&self, _: &[(Purpose, bool)]) -> Result<(Consent, Vec<Purpose>), SinkError> {
        Ok((Consent::ALL, Vec::new()))
    }

    async fn forget(&self) -> Result<bool, SinkError> {
        Ok(false)
    }

    async fn context(&self) -> Context {
        context()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
}

fn context() -> Context {
    Context {
        shopper: Some(ShopperKey::new("shopper-1")),
        confirmed: false,
        consent: Consent::ALL,
        state: ShopperState::default(),
        market: Market::default(),
        now: jiff::Timestamp::now(),
    }
}

async fn answer(State(app): State<Arc<App>>, Json(asked): Json<Asked>) -> Json<async_graphql::Response> {
    let viewer = Viewer {
        context: context(),
        engine: app.engine.clone(),
        events: Arc::new(Nowhere),
        decisions: app.store.clone(),
        book: SlateBook::default(),
    };
    let variables = asked.variables.unwrap_or_default();
    Json(app.subgraph.execute(&asked.query, asked.operation_name.as_deref(), variables, Arc::new(viewer)).await)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut products = Vec::new();
    for number in 1..=6 {
        products.push(serde_json::from_value(json!({
            "key": format!("gid://shop/Product/{number}"), "handle": format!("product-{number}"),
            "title": format!("Linen shirt {number}"), "category": "Shirts", "collections": ["gid://shop/Collection/1"],
        }))?);
    }
    let catalogue = Arc::new(Catalogue::default());
    catalogue.replace(Index::build(products), jiff::Timestamp::now());
    let upstream = apollo_compiler::Schema::parse(SHOP, "shop.graphql").map_err(|error| anyhow::anyhow!("{error}"))?;
    let app = App {
        subgraph: Subgraph::new(&ENTITIES, &upstream)?,
        engine: Arc::new(Engine::new(engine::Config::default(), catalogue)),
        store: Arc::default(),
    };
    let routes = Router::new().route("/subgraph", post(answer)).with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}/subgraph", listener.local_addr()?)?;
    axum::serve(listener, routes).await?;
    Ok(())
}
