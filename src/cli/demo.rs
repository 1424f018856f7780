//! `outfitter demo`: the demo store and the gateway before it, in one process.

use super::assemble::{self, Assembled};
use super::live::{Keeper, Signals};
use super::serve::{listen, scheme, telemetry, tls, until_stopped};
use super::{export, say};
use crate::demo::{self, Store};
use crate::domain::consent::Consent;
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::domain::product::CatalogueProduct;
use crate::features::described;
use crate::gateway::rerank::Rule;
use crate::ingest::Evidence;
use crate::platform::secret::Secret;
use crate::settings::{Settings, TelemetrySettings};
use crate::telemetry::init::{LOG, Telemetry};
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The gateway's port; 0 takes a free one.
    #[arg(long, default_value_t = 4000)]
    port: u16,
    /// The demo store's port; 0 takes a free one.
    #[arg(long, default_value_t = 4001)]
    store_port: u16,
    /// The address that both listen on.
    #[arg(long, default_value = "127.0.0.1")]
    listen_host: IpAddr,
    /// What the store's products and shoppers grow from: the same seed, the same store.
    #[arg(long)]
    seed: Option<u64>,
    /// Settings of gateway and demo store.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write the store's products and history into this folder, for `outfitter train`, and end.
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// The gateway speaks TLS with a certificate made for this run.
    #[arg(long)]
    tls_self_signed: bool,
    /// Keep shoppers in the Redis at this URL, which several demos may share: `redis://localhost:6379/0`.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Stand before the store of another demo of the same seed, at this address, and start none.
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "store_port")]
    store: Option<SocketAddr>,
}

/// What the keys of shoppers are made with where a demo shares a Redis and no secret is set. Its shoppers are made up, so
/// it need not be one; all demos before one Redis need the same.
const MADE_UP: &str = "the shoppers of a demo are made up";

impl Arguments {
    /// The settings with the arguments over them. Errors: settings that cannot be read.
    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::load(self.config.as_deref())?;
        settings.demo.seed = self.seed.unwrap_or(settings.demo.seed);
        settings.server.listen = SocketAddr::new(self.listen_host, self.port);
        settings.store.url = self.redis.clone().or(settings.store.url);
        if settings.store.url.is_some() && settings.ingest.secrets.is_empty() {
            settings.ingest.secrets.push(Secret::Command(vec!["echo".to_owned(), MADE_UP.to_owned()]));
        }
        Ok(settings)
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let signals = Signals::new()?;
    let mut settings = arguments.settings()?;
    if let Some(folder) = &arguments.export {
        return export::run(settings, folder).await;
    }
    // Its screen is for what it says at the start, so it logs only where that is asked for.
    let asked = std::env::var_os(LOG).is_some() || settings.telemetry != TelemetrySettings::default();
    let telemetry = if asked { telemetry(&settings)? } else { Telemetry::default() };
    let tls = tls(&settings, arguments.tls_self_signed)?;
    let listener = listen(settings.server.listen).await?;
    let config = settings.demo.clone();
    let store = Arc::new(tokio::task::spawn_blocking(move || Store::generate(&config)).await?);
    let address = listener.local_addr()?;
    let (store_address, shop) = shop(&arguments, &store).await?;
    let url = format!("http://{store_address}/graphql");
    let ready = ready(&mut settings, &store, url.clone()).await?;
    let address = format!("{}://{}", scheme(tls.as_ref()), reachable(address));
    say(&greeting(&address, store_address, &ready));
    let assembled = ready.assembled;
    let file = arguments.config.clone();
    // Read again while it runs, as `serve` does; what the store grew from stays.
    let read = move || arguments.settings().map(|settings| before_store(settings, url.clone()));
    let keeper = Keeper::new(assembled.running.clone(), settings.clone(), file, Box::new(read));
    let kept = tokio::spawn(keeper.forever(signals));
    let ended = until_stopped(listener, &settings, tls, &assembled.running).await;
    kept.abort();
    if let Some(shop) = shop {
        shop.abort();
    }
    telemetry.close(settings.server.grace.min(settings.telemetry.otlp.timeout)).await;
    ended
}

/// Where the store is: another demo's, or this one's, which is then served until its task is ended.
/// Errors: an address that is taken.
async fn shop(arguments: &Arguments, store: &Arc<Store>) -> anyhow::Result<(SocketAddr, Option<Served>)> {
    if let Some(other) = arguments.store {
        return Ok((other, None));
    }
    let listener = listen(SocketAddr::new(arguments.listen_host, arguments.store_port)).await?;
    let address = reachable(listener.local_addr()?);
    Ok((address, Some(tokio::spawn(demo::serve(store.clone(), listener, std::future::pending())))))
}

/// The task that serves the demo store.
type Served = JoinHandle<std::io::Result<()>>;

/// The demo's gateway, and what it has read of the store.
pub struct Ready {
    /// The gateway.
    pub assembled: Assembled,
    /// Products crawled.
    pub products: usize,
    /// Seeded shoppers.
    pub shoppers: usize,
    /// Their events.
    pub events: usize,
    /// The model that is served; `None` where this store is another than the one that it was trained on.
    pub model: Option<Arc<str>>,
}

/// Puts the gateway together before the demo store that answers at `url`, with its catalogue crawled and its history
/// learned. Errors: settings that cannot be used, a store that does not answer.
pub async fn ready(settings: &mut Settings, store: &Store, url: String) -> anyhow::Result<Ready> {
    *settings = before_store(std::mem::take(settings), url);
    let assembled = assemble::gateway(settings, true).await?;
    let products = assembled.crawler.once().await?;
    let (shoppers, events) = remember(&assembled, &settings.demo, store).await?;
    let model = model(settings, &assembled)?;
    Ok(Ready { assembled, products, shoppers, events, model })
}

/// Serves the model that comes with the program, unless the settings name another or the store's products are not those
/// that it learned: other seeds give other products under the same ids. Returns what is served.
fn model(settings: &Settings, assembled: &Assembled) -> anyhow::Result<Option<Arc<str>>> {
    let engine = &assembled.engine;
    if settings.model.dir.is_none() {
        let model = demo::model()?;
        let index = assembled.catalogue.current();
        let learned = |(ordinal, product): (u32, &CatalogueProduct)| {
            let row = model.vocabulary().row(product.key.as_str());
            row.is_some_and(|row| model.knows(row, &described(product, index.band(ordinal))))
        };
        if (0_u32..).zip(index.products()).all(learned) {
            engine.serve(Some(Arc::new(model))).map_err(anyhow::Error::msg)?;
        }
    }
    Ok(engine.model().map(|model| model.name().clone()))
}

/// What is different about a gateway before the demo store at `url`.
fn before_store(mut settings: Settings, url: String) -> Settings {
    settings.upstream.url = Some(url);
    // Everybody in the demo has agreed to everything, and its page says so.
    settings.ingest.default_consent = Consent::ALL;
    settings.catalogue.delay = Duration::ZERO;
    settings.debug.extensions = true;
    if settings.rerank.is_empty() {
        // What the stock Hydrogen home page asks for as "Recommended Products".
        let hydrogen = Rule { field: "products".to_owned(), sort: Some("UPDATED_AT".to_owned()), ..Rule::default() };
        settings.rerank.push(hydrogen);
    }
    settings
}

/// Gives the engine and the store of shoppers the history of the seeded ones, moved so that it ends now: what is rising
/// should be rising today. Session `shopper-17` is then that shopper. Returns how many shoppers and events.
async fn remember(assembled: &Assembled, config: &demo::Config, store: &Store) -> anyhow::Result<(usize, usize)> {
    let by = Timestamp::now().duration_since(config.now);
    let mut history: Vec<(ShopperKey, Vec<Event>)> = Vec::new();
    for (label, mut events) in store.history() {
        let mut headers = HeaderMap::new();
        headers.insert("outfitter-session", HeaderValue::from_str(&label)?);
        let caller = assembled.ingest.identify(&Evidence { headers, ..Evidence::default() }).await?;
        events.iter_mut().for_each(|event| event.at = moved(event.at, by));
        if let Some(shopper) = caller.shopper {
            assembled.store.append(&shopper, &events).await?;
            history.push((shopper, events));
        }
    }
    let count = history.iter().map(|(_, events)| events.len()).sum();
    let shoppers = history.len();
    let engine = assembled.engine.clone();
    let learned = tokio::task::spawn_blocking(move || {
        engine.refresh();
        let mut all: Vec<_> =
            history.iter().flat_map(|(who, events)| events.iter().map(move |event| (who, event))).collect();
        all.sort_by_key(|(_, event)| event.at);
        engine.learn_history(all);
    });
    learned.await?;
    Ok((shoppers, count))
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// Where a client on this machine reaches what listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

/// What the demo says once it runs: addresses, and three queries to try.
fn greeting(gateway: &str, store: SocketAddr, ready: &Ready) -> String {
    let Ready { products, shoppers, events, model, .. } = ready;
    let model = match model {
        Some(model) => format!("The model {model} reads their sessions."),
        None => "Statistics decide: the model that comes along was trained on another store.".to_owned(),
    };
    // A certificate made for this run is known to no authority.
    let insecure = if gateway.starts_with("https") { "k" } else { "" };
    let ask = |session: &str, query: &str| {
        format!(
            "  curl -s{insecure} {gateway}/graphql -H 'content-type: application/json' -H 'outfitter-session: {session}' \\\n    \
             -d '{{\"query\":\"{}\"}}'",
            query.replace('"', "\\\"")
        )
    };
    let shelf = ask(
        "shopper-1",
        r#"{ personalized { recommendations(placement: "home", first: 4) { items { product { title } reason { text } } } } }"#,
    );
    let page = ask(
        "shopper-1",
        "{ products(first: 2) { nodes { title personalized { affinity recommendations(intent: COMPLEMENTARY, first: 3) \
         { items { product { title priceRange { minVariantPrice { amount currencyCode } } } } } } } } }",
    );
    let other = ask(
        "shopper-2",
        r#"{ personalized { recommendations(placement: "home", first: 4) { items { product { title } reason { text } } } } }"#,
    );
    format!(
        "Outfitter demo: {products} products, {shoppers} seeded shoppers, {events} events. Every shopper has agreed to everything.\n\
         {model}\n\n\
         GraphiQL     {gateway}/\n\
         GraphQL      {gateway}/graphql and {gateway}/api/2026-04/graphql.json\n\
         Demo store   http://{store}/graphql\n\n\
         The shelf of one shopper:\n{shelf}\n\n\
         Products of the shop, each with what goes with it:\n{page}\n\n\
         The same shelf for another shopper:\n{other}\n\n\
         Ctrl-C stops both."
    )
}
