//! The engine: from a shopper's context to a slate. Knows nothing of HTTP, GraphQL or a platform.
//!
//! `slate.rs` shows the walk. Everything here is computed in memory in well under a millisecond a slate; nothing waits.
//! A decision is a function of the catalogue, the statistics, the context and the request: the same four give the
//! same slate, but for the decision's own id and, where the shop allows it, what that leaves to chance. For some seconds a shopper is served by the same ranking again: see `kept.rs`.

mod affinity;
mod again;
mod basis;
mod candidates;
mod capture;
pub mod config;
mod consent;
mod content;
pub mod context;
mod deadline;
mod diversify;
mod eligibility;
mod encode;
mod explain;
mod explore;
mod facts;
mod fallback;
mod inputs;
mod kept;
pub mod placement;
mod proportions;
mod rank;
mod ranked;
mod reorder;
pub mod request;
pub mod rules;
mod seeds;
mod settle;
mod slate;
mod statistics;
mod taste;
mod tastes;
pub mod tiers;

pub use affinity::Affinity;
pub use again::{Again, again};
pub use config::Config;
pub use context::Context;
pub use encode::{DriftSettings, ModelSettings, Retrain, Search};
pub use placement::Placement;
pub use reorder::Ranking;
pub use request::{MAX_FIRST, RankRequest, SlateRequest};
pub use settle::settle;
pub use slate::Slated;

use crate::catalogue::{Catalogue, Index};
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::domain::slate::Intent;
use crate::model::Served;
use crate::telemetry::events::SlateServed;
use arc_swap::ArcSwap;
use basis::Wave;
use candidates::{Ask, CandidateSource};
use content::Content;
use deadline::Deadline;
use encode::{Encoded, Stage};
use jiff::Timestamp;
use kept::Decisions;
use statistics::Statistics;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;
use tastes::Tastes;
use xxhash_rust::xxh3::xxh3_64;

/// A category with the shopper's share of interest in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Interest {
    /// The category's name.
    pub label: Box<str>,
    /// 0 to 1; all interests of a shopper sum to 1.
    pub weight: f64,
}

/// The engine of one shop.
pub struct Engine {
    settled: ArcSwap<Settled>,
    catalogue: Arc<Catalogue>,
    sources: Vec<Box<dyn CandidateSource>>,
    statistics: RwLock<Statistics>,
    /// The transformer, where one is served.
    encode: Arc<Stage>,
    content: Arc<ArcSwap<Content>>,
    tastes: Tastes,
    decisions: Decisions,
    /// Whether a thread is deriving [`Content`] from a new catalogue.
    building: Arc<AtomicBool>,
}

/// What a shop has set, swapped as a whole: a wave of slates is decided by one.
#[derive(Debug)]
struct Settled {
    /// A number that no other settings of this process have had.
    generation: u64,
    config: Config,
    placements: BTreeMap<Arc<str>, Placement>,
    /// A hash of all of it: decisions name the settings that made them.
    digest: Arc<str>,
}

impl From<Config> for Settled {
    fn from(config: Config) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let generation = NEXT.fetch_add(1, Ordering::Relaxed);
        let known = |name: &str| config.tiers.iter().any(|tier| &*tier.name == name);
        for tier in config.rules.iter().flat_map(|rule| &rule.tiers).filter(|name| !known(name)) {
            tracing::warn!(%tier, "a rule holds for a tier that engine.tiers does not have, so for nobody");
        }
        // A configuration that was read can be written.
        let written = serde_json::to_vec(&config).unwrap_or_default();
        let digest = format!("{:016x}", xxh3_64(&written)).into();
        Self { generation, placements: placement::table(&config), digest, config }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.settled.load().config).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine over a catalogue, which may still be empty. Reads what is there: some ten microseconds a product.
    pub fn new(config: Config, catalogue: Arc<Catalogue>) -> Self {
        Self::with_model(config, ModelSettings::default(), catalogue)
    }

    /// The same with settings for the model, which [`Engine::serve`] brings.
    pub fn with_model(config: Config, model: ModelSettings, catalogue: Arc<Catalogue>) -> Self {
        let engine = Self {
            encode: Arc::new(Stage::new(model)),
            sources: candidates::all(),
            statistics: RwLock::new(Statistics::new(config.statistics.clone())),
            content: Arc::default(),
            building: Arc::default(),
            tastes: Tastes::new(config.cache.memory.as_u64()),
            decisions: Decisions::new(config.cache.memory.as_u64()),
            settled: ArcSwap::from_pointee(config.into()),
            catalogue,
        };
        engine.refresh();
        engine
    }

    /// Decides by other settings from the next wave on. What was counted stays, and is counted on as
    /// `config.statistics` had it at the start.
    pub fn configure(&self, config: Config) {
        self.settled.store(Arc::new(config.into()));
    }

    /// Derives what is derived from the catalogue, if it has changed. Blocks for some ten microseconds a product:
    /// call it from a thread of its own after a crawl. Left out, the next request starts it beside itself, and
    /// similarity speaks for the catalogue before until it is done.
    pub fn refresh(&self) {
        let index = self.catalogue.current();
        if !self.content.load().is_of(&index) {
            self.content.store(Arc::new(Content::build(index.clone())));
        }
        self.encode.refresh(&index);
    }

    /// Decides by this model from the next wave on, or by none. A wave in progress ends with the one that it began with.
    /// Errors: it shares no product with the catalogue, or cannot be laid out; then the one before stays.
    pub fn serve(&self, model: Option<Arc<Served>>) -> Result<(), String> {
        self.encode.serve(model, &self.catalogue.current())
    }

    /// The model in use; its name is part of what decisions depend on.
    pub fn model(&self) -> Option<Arc<Served>> {
        self.encode.served()
    }

    /// Live events feed pairs, popularity and trends. Only events whose consent allows it: the caller has checked.
    pub fn learn<'a>(&self, shopper: &ShopperKey, events: impl IntoIterator<Item = &'a Event>) {
        self.learn_history(events.into_iter().map(|event| (shopper, event)));
    }

    /// The same for many shoppers at once, in the order of time. About a microsecond an event.
    pub fn learn_history<'a>(&self, history: impl IntoIterator<Item = (&'a ShopperKey, &'a Event)>) {
        let (index, clock) = (self.catalogue.current(), Timestamp::now());
        let mut statistics = self.write();
        for (shopper, event) in history {
            statistics.learn(shopper, event, &index, clock);
        }
    }

    /// Forgets the products this shopper saw last, which wait for the next to make a pair, and what is kept of decisions
    /// and taste. To be called when the shopper is erased or withdraws consent.
    pub fn forget(&self, shopper: &ShopperKey) {
        self.write().forget(shopper);
        self.tastes.forget(shopper);
        self.decisions.forget(shopper);
    }

    /// Forgets everything that was learned, of every shopper and of all together: the shop has left.
    pub fn forget_everyone(&self) {
        self.write().clear();
        self.tastes.clear();
        self.decisions.clear();
    }

    /// All slates of one request wave, in the order asked. Together they take no longer than `config.deadline`: those
    /// not decided by then are the fallback slate, marked `DEADLINE`. Each is a decision of its own, also where its
    /// ranking was kept from a moment ago. Never fails.
    pub async fn slates(&self, context: &Context, requests: &[SlateRequest]) -> Vec<Slated> {
        let settled = self.settled.load_full();
        let deadline = Deadline::after(settled.config.deadline);
        let (index, content) = self.snapshot();
        let known = self.tastes.of(context, &index, &content);
        let wave = Wave {
            context,
            index: &index,
            content: &content,
            known: known.as_deref(),
            model: self.encode.generation(),
            settled: &settled,
        };
        let mut slates: Vec<Option<Slated>> = {
            let statistics = self.read();
            let find = |request| self.decisions.find(&wave.basis(request, &statistics, &Encoded::Nothing));
            requests.iter().map(find).collect()
        };
        if slates.iter().any(Option::is_none) {
            let encoded = self.encoded(context, &settled.config, requests).await;
            for (request, slot) in requests.iter().zip(&mut slates) {
                if slot.is_some() {
                    continue;
                }
                let began = Instant::now();
                let slated = {
                    let statistics = self.read();
                    let basis = wave.basis(request, &statistics, &encoded);
                    let slated = slate::decide(&basis, &self.sources, deadline);
                    self.decisions.keep(&basis, &slated);
                    slated
                };
                SlateServed { served_by: slated.slate.decision.served_by.label(), took: began.elapsed() }.emit();
                *slot = Some(slated);
                // A wave may be long; other requests of this thread should not wait for all of it.
                tokio::task::yield_now().await;
            }
        }
        let share = settled.config.explore;
        slates.into_iter().flatten().map(|slated| explore::explore(slated, share)).collect()
    }

    /// How well products fit the shopper. Reads the shopper's events once: ask it for every product of a page.
    pub fn affinity(&self, context: &Context) -> Affinity {
        let (index, content) = self.snapshot();
        let known = self.tastes.of(context, &index, &content);
        Affinity { index, known }
    }

    /// The shopper's interests by category, strongest first, at most `first`, summing to at most 1. Empty without
    /// consent to preferences.
    pub fn interests(&self, context: &Context, first: usize) -> Vec<Interest> {
        let (index, content) = self.snapshot();
        let known = self.tastes.of(context, &index, &content);
        let interests =
            known.iter().filter_map(|known| known.taste.as_ref()).flat_map(|taste| &taste.interests).take(first);
        interests.map(|(label, weight)| Interest { label: label.clone(), weight: *weight }).collect()
    }

    /// The order of a window of products for this shopper. The platform's order stands, `NO_CONSENT` or `NO_DATA`,
    /// without consent to preferences or while nothing is known of the shopper. Never fails.
    pub async fn rank(&self, context: &Context, request: &RankRequest) -> Ranking {
        let settled = self.settled.load_full();
        let deadline = Deadline::after(settled.config.deadline);
        let (index, content) = self.snapshot();
        let known = self.tastes.of(context, &index, &content);
        let encoded = self.encode.encode(context, settled.config.deadline).await;
        let statistics = self.read();
        // The sources speak as for a slate without seeds.
        let unseeded = SlateRequest {
            placement: request.placement.clone(),
            intent: Intent::ForYou,
            seeds: Vec::new(),
            collection: request.collection.clone(),
            exclude: Vec::new(),
            first: 1,
        };
        let ask = Ask {
            request: &unseeded,
            index: &index,
            statistics: &statistics,
            content: &content,
            taste: known.as_ref().and_then(|known| known.taste.as_ref()),
            encoded: &encoded,
            now: context.now,
        };
        reorder::decide(context, request, &ask, &settled.config, &self.sources, deadline)
    }

    /// The shopper's events as the model reads them, where a request of the wave has a use for that.
    async fn encoded(&self, context: &Context, config: &Config, requests: &[SlateRequest]) -> Encoded {
        let weighs = |request: &SlateRequest| {
            consent::is_personal(request.intent) && config.blend.of(request.intent).encoder > 0.0
        };
        if requests.iter().any(weighs) { self.encode.encode(context, config.deadline).await } else { Encoded::Nothing }
    }

    /// A placement by name: built in (home, product, cart, search-empty, recently-viewed, buy-again, trending,
    /// post-purchase) or configured.
    pub fn placement(&self, name: &str) -> Option<Placement> {
        self.settled.load().placements.get(name).cloned()
    }

    /// All placements, by name.
    pub fn placements(&self) -> Vec<Placement> {
        self.settled.load().placements.values().cloned().collect()
    }

    /// The catalogue in use and what was last derived from one. Where that was another, a thread catches up.
    fn snapshot(&self) -> (Arc<Index>, Arc<Content>) {
        let (index, content) = (self.catalogue.current(), self.content.load_full());
        let behind = !content.is_of(&index) || self.encode.is_behind(&index);
        if behind && !self.building.swap(true, Ordering::AcqRel) {
            let (fresh, slot, building) = (index.clone(), self.content.clone(), self.building.clone());
            let encode = self.encode.clone();
            let build = move || {
                if !slot.load().is_of(&fresh) {
                    slot.store(Arc::new(Content::build(fresh.clone())));
                }
                encode.refresh(&fresh);
                building.store(false, Ordering::Release);
            };
            if std::thread::Builder::new().name("content".to_owned()).spawn(build).is_err() {
                self.building.store(false, Ordering::Release);
            }
        }
        (index, content)
    }

    /// Counts stay usable if a thread died while counting: at worst one event is half counted.
    fn read(&self) -> RwLockReadGuard<'_, Statistics> {
        self.statistics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Statistics> {
        self.statistics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
