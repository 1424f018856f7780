//! The slates of one wave: collect what is asked, decide all of it at once, look the products up, settle.
//!
//! Candidates are more than were wanted. What the platform does not have in this market, or cannot sell, drops out and
//! the next candidate takes its place; the look-up goes again for those, at most [`ROUNDS`] times.

use super::{Pending, Run};
use crate::domain::audit::{DecisionRecord, InputRead};
use crate::domain::consent::Purpose;
use crate::domain::ids::{DecisionId, ProductKey};
use crate::domain::slate::{FallbackReason, ServedBy, Slate};
use crate::engine::{Slated, settle};
use crate::gateway::debug::Stage;
use crate::gateway::personalize::{EntryField, Settled, SlateAsk, Subject};
use crate::gateway::plan::{Ask, SelectionId, Site, SiteKind};
use crate::telemetry::spans;
use indexmap::{IndexMap, IndexSet};
use std::collections::HashSet;
use std::sync::Arc;

/// How often a wave asks the platform for products.
const ROUNDS: usize = 3;

/// One slate of the wave, with everything that is asked of its products.
struct Asked {
    products: IndexSet<SelectionId>,
    because: IndexSet<SelectionId>,
    candidates: Slate,
    inputs: Arc<[InputRead]>,
    made: Option<Arc<crate::domain::made::Made>>,
}

type Wanted = IndexSet<(SelectionId, ProductKey)>;

impl Run {
    /// Decides and settles every slate that the wave asks for, and puts them into the viewer's book.
    pub(super) async fn slates(&mut self, pending: &[Pending]) {
        let watch = self.watch.clone();
        let mut asked = watch.stage(Stage::Decide, spans::decide(), self.decide(pending)).await;
        let mut logged = self.logged(pending).await;
        let of_logs = logged.clone();
        let mut failed = false;
        for round in 0..ROUNDS {
            let wanted = self.wanted(&asked, &logged, round);
            logged.clear();
            if wanted.is_empty() {
                break;
            }
            if let Err(error) = self.look_up(&wanted).await {
                tracing::warn!(%error, "products of slates could not be looked up");
                failed = true;
                break;
            }
        }
        for (ask, asked) in &mut asked {
            self.settle(ask, asked, failed);
        }
        // An item of a logged decision without its product would take the whole decision with it.
        let gone = of_logs.into_iter().filter(|(selection, key)| self.known(*selection, key) != Some(true));
        self.viewer.book.put_gone(gone.map(|(_, key)| key));
    }

    /// What the wave asks for, each slate once, decided.
    async fn decide(&self, pending: &[Pending]) -> IndexMap<SlateAsk, Asked> {
        let mut asks: IndexMap<SlateAsk, (IndexSet<SelectionId>, IndexSet<SelectionId>)> = IndexMap::new();
        for pending in pending {
            let Some(site) = self.plan.sites.get(pending.site) else { continue };
            for ask in site.asks.iter().filter(|ask| self.variables.any(&ask.guards)) {
                // Arguments that are no good are told by the resolver, at the field's own path.
                let Some(slate) = self.slate_ask(site, ask, pending) else { continue };
                if self.viewer.book.get(&slate).is_none() {
                    let (products, because) = asks.entry(slate).or_default();
                    products.extend(&ask.products);
                    because.extend(&ask.because);
                }
            }
        }
        let mut requests = Vec::with_capacity(asks.len());
        asks.retain(|ask, _| ask.request(&*self.viewer.engine).map(|request| requests.push(request)).is_ok());
        if requests.is_empty() {
            return IndexMap::new();
        }
        let slates = self.viewer.engine.slates(&self.viewer.context, &requests).await;
        spans::decided(slates.iter().map(|Slated { slate, .. }| (&*slate.placement, slate.decision.served_by.label())));
        let decided = asks.into_iter().zip(slates).map(|((ask, (products, because)), slated)| {
            let inputs = if self.viewer.context.away { without_store(&slated.inputs) } else { slated.inputs };
            (ask, Asked { products, because, candidates: slated.slate, inputs, made: slated.made })
        });
        decided.collect()
    }

    fn slate_ask(&self, site: &Site, ask: &Ask, pending: &Pending) -> Option<SlateAsk> {
        let (subject, field) = match &site.kind {
            SiteKind::Query(_) => (Subject::Shopper, EntryField::Root),
            SiteKind::Entity(entity, _) => match entity.canonical {
                "Product" => (Subject::Product(ProductKey::new(&*pending.key)), EntryField::Product),
                "Cart" => {
                    let (key, products) = ((&*pending.key).into(), pending.products.clone());
                    (Subject::Cart { key, products }, EntryField::Cart)
                }
                "Collection" => {
                    let key = crate::domain::ids::CollectionKey::new(&*pending.key);
                    (Subject::Collection(key), EntryField::Collection)
                }
                _ => return None,
            },
            SiteKind::Mutation(_) | SiteKind::Introspection(_) => return None,
        };
        if ask.field != "recommendations" {
            return None;
        }
        SlateAsk::from_args(subject, field, &self.variables.arguments(&ask.arguments)).ok()
    }

    /// Products of logged decisions that the wave asks for.
    async fn logged(&self, pending: &[Pending]) -> Wanted {
        let mut wanted = Wanted::new();
        let Some(shopper) = &self.viewer.context.shopper else { return wanted };
        for site in pending.iter().filter_map(|pending| self.plan.sites.get(pending.site)) {
            for ask in site.asks.iter().filter(|ask| ask.field == "decision" && self.variables.any(&ask.guards)) {
                let arguments = self.variables.arguments(&ask.arguments);
                let Some(id) = arguments.get("id").and_then(|id| id.as_str()) else { continue };
                let Ok(Some(record)) = self.viewer.decisions.get(shopper, &DecisionId::new(id)).await else { continue };
                for item in &record.slate.items {
                    wanted.extend(ask.products.iter().map(|selection| (*selection, item.product.clone())));
                    let because = item.because.iter();
                    wanted.extend(because.flat_map(|key| ask.because.iter().map(|s| (*s, key.clone()))));
                }
            }
        }
        wanted
    }

    /// What is to be looked up before the slates can settle; nothing where all of it is known.
    fn wanted(&self, asked: &IndexMap<SlateAsk, Asked>, logged: &Wanted, round: usize) -> Wanted {
        let mut wanted = logged.clone();
        let mut taken = self.taken.clone();
        for (ask, asked) in asked {
            let gone = self.gone(asked);
            let settled = settle(&asked.candidates, &gone, &taken_by(ask, &taken));
            // In the first round a quarter more, so that one sold-out product does not cost another request.
            let spare = if round == 0 { asked.candidates.wanted.div_ceil(4) } else { 0 };
            let mut generous = asked.candidates.clone();
            generous.wanted += spare;
            let items = settle(&generous, &gone, &taken_by(ask, &taken)).items;
            let missing = settled.items.iter().any(|item| {
                let unknown = |selection: &SelectionId, key| self.known(*selection, key).is_none();
                asked.products.iter().any(|selection| unknown(selection, &item.product))
                    || item.because.iter().any(|key| asked.because.iter().any(|selection| unknown(selection, key)))
            });
            for item in items.iter().filter(|_| missing) {
                wanted.extend(asked.products.iter().map(|selection| (*selection, item.product.clone())));
                let because = item.because.iter();
                wanted.extend(because.flat_map(|key| asked.because.iter().map(|s| (*s, key.clone()))));
            }
            if matches!(ask.subject, Subject::Shopper) {
                taken.extend(settled.items.into_iter().map(|item| item.product));
            }
        }
        wanted.retain(|(selection, key)| self.known(*selection, key).is_none());
        wanted
    }

    /// Candidates that the platform was asked for and does not have.
    fn gone(&self, asked: &Asked) -> HashSet<ProductKey> {
        let keys = asked.candidates.items.iter().map(|item| &item.product);
        let gone =
            |key: &&ProductKey| asked.products.iter().any(|selection| self.known(*selection, key) == Some(false));
        keys.filter(gone).cloned().collect()
    }

    fn settle(&mut self, ask: &SlateAsk, asked: &mut Asked, failed: bool) {
        let mut gone = self.gone(asked);
        gone.extend(taken_by(ask, &self.taken));
        let mut dropped = gone.clone();
        // What nobody could look up cannot be shown.
        let unknown = |key: &&ProductKey| asked.products.iter().any(|selection| self.known(*selection, key).is_none());
        let keys = asked.candidates.items.iter().map(|item| &item.product);
        let unknown: Vec<ProductKey> = keys.filter(unknown).cloned().collect();
        dropped.extend(unknown);
        if failed && asked.candidates.items.iter().all(|item| dropped.contains(&item.product)) {
            asked.candidates.decision.served_by = ServedBy::Fallback;
            asked.candidates.decision.fallback = Some(FallbackReason::Upstream);
        }
        let slate = settle(&asked.candidates, &dropped, &HashSet::new());
        if matches!(ask.subject, Subject::Shopper) {
            self.taken.extend(slate.items.iter().map(|item| item.product.clone()));
        }
        self.watch.decided(&slate);
        self.log(asked, &slate, (&gone, &dropped));
        self.viewer.book.put(ask.clone(), Settled { decision: slate.decision, items: slate.items });
    }

    /// Logs the slate as served, beside the request. `gone`: what the platform does not have or another slate shows; `dropped`:
    /// that and what could not be looked up.
    fn log(&self, asked: &Asked, slate: &Slate, (gone, dropped): (&HashSet<ProductKey>, &HashSet<ProductKey>)) {
        let context = &self.viewer.context;
        let Some(shopper) = context.shopper.clone().filter(|_| context.consent.allows(Purpose::Analytics)) else {
            return;
        };
        let candidates = &asked.candidates;
        // Where the slate is full the platform was not asked about what comes after its last product.
        let last = slate.items.last().filter(|_| slate.items.len() >= slate.wanted);
        let last = last.and_then(|last| candidates.items.iter().position(|item| item.product == last.product));
        let is_dropped = |at: usize, key: &ProductKey| {
            gone.contains(key) || (last.is_none_or(|last| at < last) && dropped.contains(key))
        };
        let keys = candidates.items.iter().map(|item| &item.product).enumerate();
        let mut dropped: Vec<ProductKey> =
            keys.filter(|(at, key)| is_dropped(*at, key)).map(|(_, key)| key.clone()).collect();
        dropped.sort();
        let record = DecisionRecord {
            shopper,
            market: context.market.clone(),
            slate: slate.clone(),
            inputs: asked.inputs.clone(),
            candidates: candidates.clone(),
            dropped,
            made: asked.made.clone(),
            erased: Vec::new(),
        };
        let decisions = Arc::clone(&self.viewer.decisions);
        tokio::spawn(async move {
            if let Err(error) = decisions.put(record).await {
                tracing::warn!(%error, "a decision could not be logged");
            }
        });
    }
}

/// The inputs of a decision that knew nothing of the shopper because the store did not answer.
fn without_store(inputs: &[InputRead]) -> Arc<[InputRead]> {
    let missing = InputRead {
        name: "shopper".into(),
        purpose: Some(Purpose::Preferences),
        value: "not read: the store did not answer".into(),
    };
    inputs.iter().cloned().chain([missing]).collect()
}

/// What other placements of the operation show already; it concerns placements only.
fn taken_by(ask: &SlateAsk, taken: &HashSet<ProductKey>) -> HashSet<ProductKey> {
    if matches!(ask.subject, Subject::Shopper) { taken.clone() } else { HashSet::new() }
}
