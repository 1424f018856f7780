//! The stage that reads a shopper's events by the transformer: from a session to one vector, in the space of the products.
//!
//! The model is held here, swapped as a whole: a wave of slates is decided by the one that it began with. What hinders
//! the stage never hinders the slate, which is then decided without it and says so. Only events that the context opens are
//! read, which takes consent to preferences.

mod config;
mod drift;
#[cfg(test)]
pub(super) mod fixture;
mod matched;
mod pool;

pub use config::{DriftSettings, ModelSettings, Retrain, Search};
pub(super) use matched::{Matched, Proposed};

use super::context::Context;
use crate::catalogue::Index;
use crate::domain::slate::FallbackReason;
use crate::features::Sequence;
use crate::model::Served;
use crate::telemetry::model::{EncodingShed, GraphBuilt, ModelStands};
use arc_swap::ArcSwapOption;
use drift::Watcher;
use pool::Pool;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The model in use and the threads that run it.
pub(super) struct Stage {
    settings: ModelSettings,
    served: ArcSwapOption<Served>,
    matched: ArcSwapOption<Matched>,
    /// Started with the first model.
    pool: OnceLock<Pool>,
    watcher: Watcher,
}

/// What the stage made of the shopper's events.
#[derive(Clone, Debug, Default)]
pub(super) enum Encoded {
    /// There is no model, nothing that it knows, or nothing that may be read.
    #[default]
    Nothing,
    /// A model is there and did not come to it.
    Shed(FallbackReason),
    /// The session's vector.
    Session(Session),
}

/// A session as the model reads it.
#[derive(Clone)]
pub(super) struct Session {
    /// Whose space it is.
    pub(super) by: Arc<Matched>,
    /// As wide as the model.
    pub(super) vector: Arc<[f32]>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("by", self.by.served()).finish_non_exhaustive()
    }
}

impl Encoded {
    /// The session, where there is one.
    pub(super) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Nothing | Self::Shed(_) => None,
        }
    }
}

impl Stage {
    /// A stage without a model.
    pub(super) fn new(settings: ModelSettings) -> Self {
        let watcher = Watcher::new(settings.drift.clone());
        let (served, matched) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        Self { settings, served, matched, pool: OnceLock::new(), watcher }
    }

    /// Serves by another model from the next wave on, or by none. Matches it with the catalogue first: a model that
    /// shares no product with a catalogue that has some is refused.
    /// Errors: what does not fit, for whoever rolls it out; then the one before stays.
    pub(super) fn serve(&self, model: Option<Arc<Served>>, index: &Arc<Index>) -> Result<(), String> {
        let before = self.served();
        let before = before.as_ref().map(|before| &**before.name());
        let Some(model) = model else {
            self.served.store(None);
            self.matched.store(None);
            ModelStands { before, now: None, products: 0 }.emit();
            return Ok(());
        };
        let matched = Matched::new(model.clone(), index.clone()).map_err(|error| error.to_string())?;
        let products = matched.len();
        if !index.is_empty() && products == 0 {
            return Err(format!(
                "the model {} knows none of the {} products of the catalogue: it is another shop's, or its keys are of another \
                 form; train one on this shop's events",
                model.name(),
                index.len()
            ));
        }
        ModelStands { before, now: Some(model.name()), products }.emit();
        if self.settings.index == Search::Hnsw {
            build_graph(model.clone());
        }
        self.served.store(Some(model));
        self.matched.store(Some(Arc::new(matched)));
        Ok(())
    }

    /// The model in use.
    pub(super) fn served(&self) -> Option<Arc<Served>> {
        self.served.load_full()
    }

    /// The number of the model with the catalogue that it was matched with; `None` without one.
    pub(super) fn generation(&self) -> Option<u64> {
        self.matched.load().as_ref().map(|matched| matched.generation())
    }

    /// Whether the model has yet to be matched with this catalogue.
    pub(super) fn is_behind(&self, index: &Arc<Index>) -> bool {
        let served = self.served.load();
        served.as_ref().is_some_and(|served| !self.matched.load().as_ref().is_some_and(|now| now.is_of(served, index)))
    }

    /// Matches the model in use with a new catalogue: a microsecond a product.
    pub(super) fn refresh(&self, index: &Arc<Index>) {
        while let (true, Some(served)) = (self.is_behind(index), self.served()) {
            match Matched::new(served.clone(), index.clone()) {
                // A model that was swapped in meanwhile has brought its own.
                Ok(matched) if self.served().is_some_and(|now| Arc::ptr_eq(&now, &served)) => {
                    let name: &str = served.name();
                    ModelStands { before: None, now: Some(name), products: matched.len() }.emit();
                    if matched.len() == 0 && !index.is_empty() {
                        tracing::warn!(
                            model = name,
                            "the model knows no product of the catalogue: it is another shop's"
                        );
                    }
                    self.matched.store(Some(Arc::new(matched)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the model could not be matched with the new catalogue; the old one stays");
                    return;
                }
            }
        }
    }

    /// Encodes the shopper's events, within its share of the deadline.
    pub(super) async fn encode(&self, context: &Context, deadline: Duration) -> Encoded {
        let (Some(by), Some(state)) = (self.matched.load_full(), context.readable()) else { return Encoded::Nothing };
        let events = state.session.events.iter();
        let model = by.served();
        let session = Sequence::of_events(model.vocabulary(), events, model.max_length(), model.reads_searches());
        if session.is_empty() {
            return Encoded::Nothing;
        }
        // Who has only searched has met no item, and is not among the sessions that the model was measured on.
        let (length, newest) = (session.items().count(), session.items().next_back());
        let pool = self.pool.get_or_init(|| Pool::start(self.settings.threads, self.settings.queue));
        let Ok(told) = pool.encode(by.clone(), session) else {
            EncodingShed { reason: "queue" }.emit();
            return Encoded::Shed(FallbackReason::Overload);
        };
        let share = if self.settings.share.is_finite() { self.settings.share.clamp(0.0, 1.0) } else { 1.0 };
        match within(deadline.mul_f64(share), told).await {
            Some(Ok(Ok(vector))) => {
                let vector: Arc<[f32]> = vector.into();
                if let Some(newest) = newest {
                    self.watcher.see(&by, length, newest, &vector);
                }
                Encoded::Session(Session { by, vector })
            }
            Some(Ok(Err(error))) => {
                tracing::error!(%error, model = %by.served().name(), "a session could not be encoded");
                EncodingShed { reason: "failed" }.emit();
                Encoded::Shed(FallbackReason::NoModel)
            }
            // The threads are gone, which they are not while this stage is there.
            Some(Err(_)) => Encoded::Shed(FallbackReason::NoModel),
            None => {
                EncodingShed { reason: "deadline" }.emit();
                Encoded::Shed(FallbackReason::Deadline)
            }
        }
    }
}

/// Builds the graph of a model's items beside everything else, on half of the processors. Until it is there every product is
/// scored, and so it stays where it cannot be built.
fn build_graph(model: Arc<Served>) {
    let (named, began) = (model.name().clone(), Instant::now());
    let build = move || {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        match model.build_graph(threads) {
            Ok(()) => GraphBuilt { model: model.name(), took: began.elapsed() }.emit(),
            Err(error) => tracing::error!(%error, model = %model.name(), "the graph could not be built"),
        }
    };
    if let Err(error) = std::thread::Builder::new().name("graph".to_owned()).spawn(build) {
        tracing::error!(%error, model = %named, "no thread for the graph");
    }
}

/// The future's output, or nothing where it takes longer; no time at all is not even asked. Without a runtime there is no clock, and it is waited for.
async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    if time.is_zero() {
        return None;
    }
    match tokio::runtime::Handle::try_current() {
        Ok(_) => tokio::time::timeout(time, future).await.ok(),
        Err(_) => Some(future.await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::world::{shopper, viewed};

    #[tokio::test]
    async fn a_full_queue_is_told_at_once_and_room_is_used_again() {
        let index = Arc::new(Index::default());
        let stage = Stage::new(ModelSettings::default());
        stage.serve(Some(fixture::served("shop/1", &["a", "b"], 1)), &index).unwrap();
        let (pool, queue) = pool::idle(1);
        assert!(stage.pool.set(pool).is_ok());
        let context = shopper(9, &[viewed(1, "a")]);
        let minute = Duration::from_secs(60);
        let first = stage.encode(&context, minute);
        let mut first = std::pin::pin!(first);
        assert!(futures::poll!(&mut first).is_pending());
        let second = stage.encode(&context, minute).await;
        assert!(matches!(second, Encoded::Shed(FallbackReason::Overload)), "{second:?}");
        std::thread::spawn(move || pool::work(&std::sync::Mutex::new(queue)));
        assert!(first.await.session().is_some());
        assert!(stage.encode(&context, minute).await.session().is_some());
    }

    #[tokio::test]
    async fn what_is_read_is_looked_at_for_drift() {
        let by = fixture::watched();
        let drift = DriftSettings { every: Duration::ZERO, ..DriftSettings::default() };
        let stage = Stage::new(ModelSettings { drift, ..ModelSettings::default() });
        stage.serve(Some(by.served().clone()), &Arc::new(Index::default())).unwrap();
        let seen = stage.watcher.listen();
        assert!(stage.encode(&shopper(9, &[viewed(1, "a")]), Duration::from_secs(60)).await.session().is_some());
        assert_eq!(seen.try_iter().count(), 1);
        // Nothing was read of this one.
        stage.encode(&shopper(9, &[viewed(1, "unknown")]), Duration::from_secs(60)).await;
        assert_eq!(seen.try_iter().count(), 0);
    }
}
