//! The running gateway, put together from the settings: the one place that knows every module. `serve`, `demo` and the
//! integration tests use it.

use crate::catalogue::crawl::Crawler;
use crate::catalogue::{Catalogue, Index, import};
use crate::engine::Engine;
use crate::gateway::compose::Composed;
use crate::gateway::rerank::Sealer;
use crate::gateway::{Gateway, Modules, personalize};
use crate::ingest::identity::AskPlatform;
use crate::ingest::{Deps, Ingest};
use crate::platform::upstream::{Upstream, UpstreamConfigError};
use crate::platform::{self, Platform, introspect};
use crate::server::graphiql::{self, PageSettings};
use crate::server::{self, App, AppParts, Lifecycle};
use crate::settings::Settings;
use crate::store::MemoryStore;
use crate::telemetry::init;
use anyhow::Context;
use axum::Router;
use http::HeaderName;
use std::sync::Arc;
use std::time::Duration;

/// The way to the shop: what the settings say of it, opened.
pub struct Shop {
    /// The adapter.
    pub platform: Arc<dyn Platform>,
    /// The client.
    pub upstream: Upstream,
}

/// Opens the platform and the client to it. Connects to nothing yet.
/// Errors: a missing address, a secret that cannot be read.
pub fn shop(settings: &Settings) -> anyhow::Result<Shop> {
    let platform = platform::open(&settings.platform).context("the platform cannot be opened")?;
    let upstream = Upstream::new(settings.upstream.clone(), platform.credentials())?;
    Ok(Shop { platform, upstream })
}

/// The shop's schema as SDL: from the file of the settings, or by introspection.
/// Errors: a file that cannot be read, a shop that does not tell.
pub async fn schema(settings: &Settings, shop: &Shop) -> anyhow::Result<String> {
    match &settings.platform.schema {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("the schema file {} cannot be read", path.display()))
        }
        None => Ok(introspect::pull(&shop.upstream).await?),
    }
}

/// The catalogue as the file of the settings has it; empty where there is none yet.
/// Errors: a file that holds something else.
pub fn catalogue(settings: &Settings) -> anyhow::Result<Catalogue> {
    let catalogue = Catalogue::default();
    if let Some(path) = settings.catalogue.file.as_ref().filter(|path| path.exists()) {
        let written = std::fs::metadata(path).and_then(|about| about.modified());
        let read_at = written.ok().and_then(|at| at.try_into().ok()).unwrap_or_else(jiff::Timestamp::now);
        catalogue.replace(Index::build(import::read(path)?), read_at);
    }
    Ok(catalogue)
}

/// The crawl of the shop into a catalogue; it has not begun.
/// Errors: a missing address.
pub fn crawler(settings: &Settings, shop: &Shop, catalogue: &Arc<Catalogue>) -> anyhow::Result<Crawler> {
    let url = settings.upstream.url.clone().ok_or(UpstreamConfigError::Missing)?;
    let pages = shop.platform.pages(shop.upstream.asking_for("crawl"));
    Ok(Crawler::new(pages, settings.catalogue.clone(), url, catalogue.clone()))
}

/// A gateway ready to be served, and what its surroundings need of it.
pub struct Assembled {
    /// Every route.
    pub router: Router,
    /// To say that the process is stopping.
    pub lifecycle: Lifecycle,
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// The crawl, which has not begun: [`Assembled::keep_fresh`].
    pub crawler: Arc<Crawler>,
    /// What the crawl fills.
    pub catalogue: Arc<Catalogue>,
    /// Decides.
    pub engine: Arc<Engine>,
    /// Who is asking, and what they did.
    pub ingest: Arc<Ingest>,
    /// Sessions, profiles, decisions.
    pub store: Arc<MemoryStore>,
}

/// Puts the gateway together: reads the shop's schema and the catalogue file; crawls nothing yet.
/// Errors: settings that cannot be used, a shop that does not tell its schema.
pub async fn gateway(settings: &Settings, demo: bool) -> anyhow::Result<Assembled> {
    // Before the shop is asked for the first time: what happens earlier is not counted.
    let metrics = init::metrics();
    let shop = shop(settings)?;
    let theirs = schema(settings, &shop).await?;
    let composed = Arc::new(Composed::new(&theirs, &personalize::sdl(), shop.platform.entities())?);
    let catalogue = Arc::new(catalogue(settings)?);
    let crawler = Arc::new(crawler(settings, &shop, &catalogue)?);
    let engine = Arc::new(Engine::new(settings.engine.clone(), catalogue.clone()));
    let store = Arc::new(MemoryStore::new(&settings.store.memory));
    let customers = AskPlatform { platform: shop.platform.clone(), upstream: shop.upstream.asking_for("customer") };
    let deps = Deps {
        platform: shop.platform.clone(),
        customers: Some(Arc::new(customers)),
        store: store.clone(),
        decisions: store.clone(),
        catalogue: catalogue.clone(),
        learner: engine.clone(),
    };
    let ingest = Ingest::new(settings.ingest.clone(), deps)?;
    let modules = Modules {
        platform: shop.platform.clone(),
        upstream: shop.upstream.clone(),
        who: Arc::new(ingest.clone()),
        engine: engine.clone(),
        decisions: store.clone(),
        rerank: settings.rerank.clone(),
        sealer: Sealer::new(&ingest.derived_key("cursors")),
    };
    let gateway = Arc::new(Gateway::new(modules, composed, settings.limits.clone()));
    let app = App::new(AppParts {
        backend: gateway.clone(),
        config: settings.server.clone(),
        paths: shop.platform.paths().iter().map(|path| (*path).to_owned()).collect(),
        exposed: EXPOSED.map(HeaderName::from_static).to_vec(),
        body_limit: settings.limits.body.as_u64(),
        metrics,
    })?;
    let page = PageSettings { endpoint: "/graphql", demo, consent: settings.ingest.default_consent };
    let lifecycle = app.lifecycle();
    let router = server::router(app, graphiql::routes(&page));
    Ok(Assembled { router, lifecycle, gateway, crawler, catalogue, engine, ingest, store })
}

/// Headers of the platform that pages of other origins may read.
const EXPOSED: [&str; 3] = ["server-timing", "x-request-id", "content-language"];

impl Assembled {
    /// Crawls now and on the interval, and tells the metrics how the catalogue stands, until the task is dropped.
    pub async fn keep_fresh(crawler: Arc<Crawler>, catalogue: Arc<Catalogue>) {
        let told = async {
            loop {
                catalogue.tell(jiff::Timestamp::now());
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        };
        tokio::join!(crawler.forever(), told);
    }
}
