//! The running gateway, put together from the settings: the one place that knows every module. `serve`, `demo` and the
//! integration tests use it.

pub(in crate::cli) mod customers;
mod learns;

use super::stores::Stores;
use crate::catalogue::crawl::Crawler;
use crate::catalogue::{Catalogue, Index, import};
use crate::engine::{Engine, ModelSettings};
use crate::gateway::compose::Composed;
use crate::gateway::persisted::Persisted;
use crate::gateway::persisted::remembered::Remembered;
use crate::gateway::products::Products;
use crate::gateway::rerank::Sealer;
use crate::gateway::share::Share;
use crate::gateway::{Gateway, Modules, personalize};
use crate::ingest::identity::Hasher;
use crate::ingest::{Deps, Ingest};
use crate::model::Served;
use crate::model::versions::Versions;
use crate::platform::upstream::{Upstream, UpstreamConfigError};
use crate::platform::{self, Platform, Wanted, introspect};
use crate::server::graphiql::{self, PageSettings};
use crate::server::incoming;
use crate::server::{self, App, AppParts, Lifecycle, Live, Reloaded, Routes};
use crate::settings::Settings;
use crate::store::{DecisionLog, DecisionStore, Store};
use crate::telemetry::init::{self, Metrics};
use crate::telemetry::reload::ReadAgain;
use anyhow::Context;
use arc_swap::ArcSwap;
use http::HeaderName;
use learns::{InUse, Learns};
use std::sync::{Arc, Mutex, PoisonError};

/// What the keys of cursors are derived for.
const CURSORS: &str = "cursors";

/// The way to the shop: what the settings say of it, opened.
pub struct Shop {
    /// The adapter.
    pub platform: Arc<dyn Platform>,
    /// The client.
    pub upstream: Upstream,
    /// What is to be known of customers.
    pub wanted: Wanted,
}

/// Opens the platform and the client to it. Connects to nothing yet.
/// Errors: a missing address, a secret that cannot be read.
pub fn shop(settings: &Settings) -> anyhow::Result<Shop> {
    let platform = platform::open(&settings.platform).context("the platform cannot be opened")?;
    let upstream = Upstream::new(settings.upstream.clone(), platform.credentials())?;
    Ok(Shop { platform, upstream, wanted: customers::wanted(settings) })
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

/// Serves the version of the model that is active by the settings, or none. What is served from now on in words; `None`
/// where it is the same as before. Blocks for the reading.
/// Errors: a version that cannot be served; then the one before stays.
pub fn serve_model(settings: &ModelSettings, engine: &Engine) -> anyhow::Result<Option<String>> {
    let before = engine.model();
    // Without a folder what is served came from elsewhere, as the demo's does.
    let Some(versions) = settings.dir.as_ref().map(Versions::new) else { return Ok(None) };
    let Some(version) = versions.active()? else {
        engine.serve(None).map_err(anyhow::Error::msg)?;
        return Ok(before.map(|_| "no model".to_owned()));
    };
    let model = versions.open(&version)?;
    let same = |before: &Arc<Served>| {
        before.name() == model.name() && before.manifest().weights_sha256 == model.manifest().weights_sha256
    };
    if before.as_ref().is_some_and(same) {
        return Ok(None);
    }
    let name = model.name().to_string();
    engine.serve(Some(Arc::new(model))).map_err(anyhow::Error::msg)?;
    Ok(Some(name))
}

/// The crawl of the shop into a catalogue; it has not begun.
/// Errors: a missing address.
pub fn crawler(settings: &Settings, shop: &Shop, catalogue: &Arc<Catalogue>) -> anyhow::Result<Crawler> {
    let url = settings.upstream.url.clone().ok_or(UpstreamConfigError::Missing)?;
    let pages = shop.platform.pages(shop.upstream.asking_for("crawl"));
    Ok(Crawler::new(pages, settings.catalogue.clone(), url, catalogue.clone()))
}

/// What lives as long as the process, whatever becomes of settings and schema.
pub struct State {
    /// What ranking knows of the products.
    pub catalogue: Arc<Catalogue>,
    /// Decides.
    pub engine: Arc<Engine>,
    /// Who is asking, and what they did.
    pub ingest: Arc<Ingest>,
    /// Sessions, profiles, decisions of the last hours.
    pub store: Arc<dyn Store>,
    /// All decisions.
    pub decisions: Arc<dyn DecisionStore>,
    /// Decisions of months, where a log is configured.
    pub log: Option<Arc<DecisionLog>>,
    /// To say that the process is stopping.
    pub lifecycle: Lifecycle,
    /// Tells who keeps something of a file that it may have changed.
    pub reloaded: Reloaded,
    /// Products that slates show; who learns that one changed tells it here.
    pub products: Products,
    metrics: Metrics,
    /// Shared by every gateway, and given other keys where the secrets change.
    sealer: Sealer,
    /// Documents that clients name by hash; as much memory as the settings at start gave.
    remembered: Remembered,
    in_use: InUse,
    demo: bool,
}

impl State {
    /// Errors: settings that cannot be used.
    fn new(settings: &Settings, shop: &Arc<ArcSwap<Shop>>, metrics: Metrics, demo: bool) -> anyhow::Result<Self> {
        let catalogue = Arc::new(catalogue(settings)?);
        let engine = Arc::new(Engine::with_model(settings.engine.clone(), settings.model.clone(), catalogue.clone()));
        // A model that cannot be served is no reason not to start: the statistics decide.
        match serve_model(&settings.model, &engine) {
            Ok(_) => {}
            Err(error) => ReadAgain { kind: "model", outcome: "refused", detail: &format!("{error:#}") }.emit(),
        }
        let Stores { store, decisions, log } = Stores::open(settings)?;
        let products = Products::new(&settings.products);
        let remembered = Remembered::new(settings.persisted.memory.as_u64());
        let in_use = InUse::default();
        let deps = Deps {
            platform: shop.load().platform.clone(),
            customers: Some(Arc::new(customers::Customers(shop.clone()))),
            store: store.clone(),
            decisions: decisions.clone(),
            shop: store.clone(),
            catalogue: catalogue.clone(),
            learner: Arc::new(Learns::new(&engine, &products, &remembered, &in_use)),
        };
        let ingest = Ingest::new(settings.ingest.clone(), deps)?;
        ingest.name_tags(customers::tags(settings));
        let (key, older) = ingest.derived_keys(CURSORS);
        let sealer = Sealer::new(&key);
        sealer.rekey(&key, &older);
        let shown = products.clone();
        catalogue.listen(move |product| product.map_or_else(|| shown.clear(), |product| shown.invalidate(product)));
        let (lifecycle, reloaded) = (Lifecycle::default(), Reloaded::default());
        Ok(Self {
            catalogue,
            engine,
            ingest,
            store,
            decisions,
            log,
            lifecycle,
            reloaded,
            products,
            metrics,
            sealer,
            remembered,
            in_use,
            demo,
        })
    }

    /// Waits until what was learned and decided so far is on disk. For shutdown and tests.
    pub async fn settle(&self) {
        self.ingest.settle().await;
        if let Some(log) = &self.log {
            log.flush().await;
        }
    }

    /// Hashes shoppers and seals cursors by other secrets from now on.
    pub fn rekey(&self, hasher: Hasher) {
        self.ingest.rekey(hasher);
        let (key, older) = self.ingest.derived_keys(CURSORS);
        self.sealer.rekey(&key, &older);
    }

    /// A gateway before the shop that knows no schema yet, and what its routes share.
    /// Errors: settings that cannot be used.
    fn gateway(&self, settings: &Settings, shop: &Shop) -> anyhow::Result<(Arc<Gateway>, App)> {
        let modules = Modules {
            platform: shop.platform.clone(),
            upstream: shop.upstream.clone(),
            who: Arc::new(self.ingest.clone()),
            engine: self.engine.clone(),
            decisions: self.decisions.clone(),
            rerank: settings.rerank.clone(),
            sealer: self.sealer.clone(),
            share: Share::new(&settings.share),
            products: self.products.clone(),
            caching: settings.cache.clone(),
            persisted: Persisted::open(&settings.persisted, &settings.limits, self.remembered.clone())?,
            debug: settings.debug,
        };
        let gateway = Arc::new(Gateway::waiting(modules, settings.limits.clone()));
        self.in_use.set(&gateway);
        let app = App::new(AppParts {
            backend: gateway.clone(),
            config: settings.server.clone(),
            paths: shop.platform.paths().iter().map(|path| (*path).to_owned()).collect(),
            exposed: EXPOSED.map(HeaderName::from_static).to_vec(),
            body_limit: settings.limits.body.as_u64(),
            metrics: self.metrics.clone(),
        })?;
        Ok((gateway, app.within(self.lifecycle.clone())))
    }

    fn routes(&self, settings: &Settings, app: App) -> Routes {
        let page = PageSettings { endpoint: "/graphql", demo: self.demo, consent: settings.ingest.default_consent };
        let doors = incoming::routes(&app, &self.ingest, &settings.ingest);
        server::router(app, graphiql::routes(&page).merge(doors))
    }
}

/// A gateway that can change while it runs: what survives, and what is served at this moment.
pub struct Running {
    /// What survives.
    pub state: State,
    /// The routes in use.
    pub live: Live,
    shop: Arc<ArcSwap<Shop>>,
    gateway: ArcSwap<Gateway>,
    /// What the routes share. Held while what is served changes: settings and schema change each on its own.
    app: Mutex<App>,
}

impl Running {
    /// Builds everything that the settings ask for, the schema excepted. Asks the shop nothing.
    /// Errors: settings that cannot be used.
    pub fn new(settings: &Settings, demo: bool) -> anyhow::Result<Self> {
        // Before the shop is asked for the first time: what happens earlier is not counted.
        let metrics = init::metrics();
        let shop = Arc::new(ArcSwap::from_pointee(shop(settings)?));
        let state = State::new(settings, &shop, metrics, demo)?;
        let (gateway, app) = state.gateway(settings, &shop.load())?;
        let live = state.routes(settings, app.clone()).into();
        Ok(Self { state, live, shop, gateway: ArcSwap::from(gateway), app: Mutex::new(app) })
    }

    /// The shop as the settings in use have it.
    pub fn shop(&self) -> Arc<Shop> {
        self.shop.load_full()
    }

    /// The gateway that takes the next request.
    pub fn gateway(&self) -> Arc<Gateway> {
        self.gateway.load_full()
    }

    /// Builds everything anew beside what survives and serves it from the next request on.
    /// Errors: settings that cannot be used; then what was served is served on.
    pub fn apply(&self, settings: &Settings, shop: Shop) -> anyhow::Result<()> {
        let mut app = self.app.lock().unwrap_or_else(PoisonError::into_inner);
        let (gateway, next) = self.state.gateway(settings, &shop)?;
        if let Some(composed) = self.gateway().composed() {
            gateway.serve(composed);
        }
        self.state.engine.configure(settings.engine.clone());
        self.state.ingest.name_tags(customers::tags(settings));
        self.state.products.configure(&settings.products);
        self.shop.store(Arc::new(shop));
        self.gateway.store(gateway);
        *app = next.after(&app);
        self.live.serve(self.state.routes(settings, app.clone()));
        Ok(())
    }

    /// Serves another schema from the next request on.
    pub fn serve(&self, composed: Arc<Composed>) {
        let _held = self.app.lock().unwrap_or_else(PoisonError::into_inner);
        self.gateway().serve(composed);
    }
}

/// A gateway ready to be served, and what its surroundings need of it.
pub struct Assembled {
    /// Every route.
    pub routes: Routes,
    /// To say that the process is stopping.
    pub lifecycle: Lifecycle,
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// The crawl, which has not begun: [`keep_fresh`].
    pub crawler: Arc<Crawler>,
    /// What the crawl fills.
    pub catalogue: Arc<Catalogue>,
    /// Decides.
    pub engine: Arc<Engine>,
    /// Who is asking, and what they did.
    pub ingest: Arc<Ingest>,
    /// Sessions, profiles, decisions.
    pub store: Arc<dyn Store>,
    /// To change it while it runs.
    pub running: Arc<Running>,
}

/// Puts the gateway together: reads the shop's schema and the catalogue file; crawls nothing yet.
/// Errors: settings that cannot be used, a shop that does not tell its schema.
pub async fn gateway(settings: &Settings, demo: bool) -> anyhow::Result<Assembled> {
    let running = Arc::new(Running::new(settings, demo)?);
    let shop = running.shop();
    let theirs = schema(settings, &shop).await?;
    running.serve(Arc::new(Composed::new(&theirs, &personalize::sdl(), shop.platform.entities())?));
    let state = &running.state;
    Ok(Assembled {
        routes: running.live.routes(),
        lifecycle: state.lifecycle.clone(),
        gateway: running.gateway(),
        crawler: Arc::new(crawler(settings, &shop, &state.catalogue)?),
        catalogue: state.catalogue.clone(),
        engine: state.engine.clone(),
        ingest: state.ingest.clone(),
        store: state.store.clone(),
        running,
    })
}

/// Headers of the platform that pages of other origins may read.
const EXPOSED: [&str; 4] = ["outfitter-plan", "server-timing", "x-request-id", "content-language"];

/// Crawls now and on the interval, tells the metrics how the catalogue stands and settles them, until the task is dropped.
pub async fn keep_fresh(crawler: Arc<Crawler>, catalogue: Arc<Catalogue>) {
    let told = async {
        loop {
            catalogue.tell(jiff::Timestamp::now());
            init::metrics().settle();
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        }
    };
    tokio::join!(crawler.forever(), told);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::rerank::cursor::Place;
    use crate::platform::secret::Secret;

    #[tokio::test]
    async fn cursors_are_sealed_by_the_current_secret_and_open_under_the_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |name: &str| Secret::File(folder.path().join(name));
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let running = |secrets: Vec<Secret>| {
            let mut settings = Settings::default();
            settings.upstream.url = Some("http://127.0.0.1:9/graphql".to_owned());
            settings.ingest.secrets = secrets;
            Running::new(&settings, false).unwrap()
        };
        let place = Place {
            anchor: None,
            backward: false,
            size: 2,
            ends: ("a".to_owned(), "b".to_owned()),
            offset: 0,
            shopper: 7,
            order: vec![1, 2],
        };
        write("one", "the first secret of all");
        write("two", "the second secret of all");
        let one = running(vec![secret("one")]);
        let old = one.state.sealer.seal(&place, b"list");
        let changed = one.state.ingest.reread(&[secret("two")]).unwrap().unwrap();
        one.state.rekey(changed);
        let new = one.state.sealer.seal(&place, b"list");
        assert_eq!(one.state.sealer.open(&old, b"list").as_ref(), Ok(&place));
        // After a restart, or in a replica.
        let both = running(vec![secret("two"), secret("one")]).state.sealer;
        assert_eq!((both.open(&old, b"list").is_ok(), both.open(&new, b"list").is_ok()), (true, true));
        let two = running(vec![secret("two")]).state.sealer;
        assert_eq!((two.open(&old, b"list").is_ok(), two.open(&new, b"list").is_ok()), (false, true));
    }
}
