//! Run: one planned operation from its sites to filled fragments.
//!
//! A wave is all sites whose keys are known at one moment. Each wave asks for its slates at once, looks the products of
//! all of them up together, settles, and executes the personalization schema; the products that were placed bring the
//! sites of the next wave. Waves are as many as `personalized` is nested.

mod batch;
mod connection;
mod keeping;
mod keyed;
mod look_up;
mod personal;
pub mod rank;
mod slates;

use super::debug::{Stage, Watch};
use super::introspect::Introspection;
use super::personalize::{Personalization, Viewer};
use super::plan::{Fetch, LocalField, Plan, SiteId, SiteKind};
use super::products::Products;
use super::products::key::Sent;
use super::rerank::{Paging, Sealer};
use super::splice::{self, Fragment, FragmentId, Wanted};
use super::variables::Variables;
use crate::domain::ids::ProductKey;
use crate::platform::Platform;
use crate::platform::upstream::Upstream;
use crate::telemetry::spans;
use bytes::Bytes;
use http::HeaderMap;
use keyed::Keyed;
use std::collections::HashSet;
use std::sync::Arc;

/// What a run leans on.
#[derive(Clone)]
pub struct Means {
    /// The shop.
    pub upstream: Upstream,
    /// How products are looked up there, and what of a request says who asks.
    pub platform: Arc<dyn Platform>,
    /// Those that were a moment ago.
    pub products: Products,
    /// The personalization schema.
    pub personalization: Personalization,
    /// Answers `__schema` and `__type`.
    pub introspection: Arc<Introspection>,
    /// How many entities one operation may personalize.
    pub max_entities: usize,
    /// Seals the cursors of lists that are put in order.
    pub sealer: Sealer,
}

/// One operation on its way.
pub struct Run {
    means: Means,
    /// What is done.
    pub plan: Arc<Plan>,
    /// Its variables.
    pub variables: Variables,
    /// Who asks.
    pub viewer: Arc<Viewer>,
    /// The headers for the platform.
    pub headers: HeaderMap,
    /// Everything that was read or written, by [`FragmentId`].
    pub fragments: Vec<Fragment>,
    /// What goes out with look-ups whose products are kept, once that is known; `None` within: they are not.
    sent: Option<Option<Arc<Sent>>>,
    /// Products by selection, as it asks for them; `None`: not to be had in this market.
    loaded: Keyed<Option<FragmentId>>,
    /// Answers by site and entity key.
    answered: Keyed<FragmentId>,
    /// Products that a placement of this operation shows already.
    taken: HashSet<ProductKey>,
    /// Where the pages of ranked fields lie, by rank; empty where nothing is put in order.
    pub pagings: Vec<Paging>,
    /// Requests sent to the platform.
    pub requests: usize,
    /// Sees the stages.
    pub watch: Watch,
}

/// A site to answer, with its entity.
#[derive(Clone, Debug)]
struct Pending {
    site: SiteId,
    key: Box<str>,
    /// Products that the entity holds, where its needs tell.
    products: Vec<ProductKey>,
}

impl Run {
    /// A run with nothing done yet.
    pub fn new(means: Means, plan: Arc<Plan>, variables: Variables, viewer: Arc<Viewer>, headers: HeaderMap) -> Self {
        Self {
            means,
            loaded: Keyed::new(plan.selections.len()),
            answered: Keyed::new(plan.sites.len()),
            plan,
            variables,
            viewer,
            headers,
            fragments: Vec::new(),
            sent: None,
            taken: HashSet::new(),
            pagings: Vec::new(),
            requests: 0,
            watch: Watch::default(),
        }
    }

    /// Takes a fragment in.
    pub fn add(&mut self, fragment: Fragment) -> FragmentId {
        self.fragments.push(fragment);
        self.fragments.len() - 1
    }

    /// Answers the query's own entry fields, which need nothing of the platform, so far as their conditions hold.
    pub async fn root(&mut self) {
        let plan = Arc::clone(&self.plan);
        let wanted = plan
            .sites
            .iter()
            .enumerate()
            .filter(|(_, site)| matches!(site.kind, SiteKind::Query(_)) && self.variables.any(&site.guards));
        let pending = wanted.map(|(site, _)| Pending { site, key: Box::default(), products: Vec::new() }).collect();
        self.waves(pending).await;
    }

    /// Answers root fields of a step without the platform: a query's at once, a mutation's one after the other.
    pub async fn local(&mut self, fields: &[LocalField]) {
        let fields = self.variables.in_order(fields);
        let pending = |site| Pending { site, key: Box::default(), products: Vec::new() };
        let pending: Vec<Pending> = fields.into_iter().filter_map(|field| field.site).map(pending).collect();
        if self.plan.operation == apollo_compiler::ast::OperationType::Mutation {
            for one in pending {
                self.waves(vec![one]).await;
            }
        } else {
            self.waves(pending).await;
        }
    }

    /// The request of one document for the platform, which counts as sent.
    pub fn request_of(&mut self, fetch: &Fetch) -> Bytes {
        self.requests += 1;
        let variables = self.variables.subset(&fetch.variables) + &self.page_variables(&fetch.document);
        format!("{},\"variables\":{{{}}}}}", fetch.head, variables.trim_start_matches(',')).into()
    }

    /// Puts into order what is to be, then answers every site of these fragments, and every site of what fills them.
    /// `errors`: the platform's own; those below what moves move with it.
    pub async fn fill(&mut self, fragments: &[FragmentId], errors: &mut Vec<splice::Error>) {
        for fragment in fragments {
            self.rank(*fragment, errors).await;
        }
        let pending = self.open(fragments);
        self.waves(pending).await;
        self.link();
    }

    /// Reads the shopper again: one of our mutations may have changed what is stored or allowed.
    pub async fn look_again(&mut self) {
        let context = self.viewer.events.context().await;
        let Viewer { engine, events, decisions, .. } = &*self.viewer;
        let (engine, events, decisions) = (Arc::clone(engine), Arc::clone(events), Arc::clone(decisions));
        self.viewer = Arc::new(Viewer { context, engine, events, decisions, book: Default::default() });
    }

    /// The answer of a site.
    pub fn answer(&self, site: SiteId, key: &str) -> Option<FragmentId> {
        self.answered.get(site, key)
    }

    async fn waves(&mut self, mut pending: Vec<Pending>) {
        // Plans are bounded in nesting, so this ends; the bound here says so again.
        for _ in 0..=self.plan.sites.len() {
            pending = self.unanswered(pending);
            if pending.is_empty() {
                return;
            }
            let room = self.means.max_entities.saturating_sub(self.answered.len());
            for refused in pending.split_off(room.min(pending.len())) {
                let fragment = personal::refused(self.means.max_entities);
                let fragment = self.add(fragment);
                self.answered.insert(refused.site, refused.key, fragment);
            }
            self.slates(&pending).await;
            let watch = self.watch.clone();
            let span = spans::personalize(pending.len());
            let placed = watch.stage(Stage::Personalize, span, self.personal(&pending)).await;
            pending = self.open(&placed);
        }
    }

    /// Each place that has no answer yet, once.
    fn unanswered(&self, mut pending: Vec<Pending>) -> Vec<Pending> {
        let mut seen: HashSet<(SiteId, &str), ahash::RandomState> = HashSet::default();
        let fresh = |p: &Pending| self.answered.get(p.site, &p.key).is_none();
        let keep: Vec<bool> = pending.iter().map(|p| fresh(p) && seen.insert((p.site, &p.key))).collect();
        let mut keep = keep.into_iter();
        pending.retain(|_| keep.next() == Some(true));
        pending
    }

    /// The sites that stand in these fragments, and in the products that fill them.
    fn open(&self, fragments: &[FragmentId]) -> Vec<Pending> {
        let mut pending = Vec::new();
        let mut products = HashSet::new();
        let mut open: Vec<FragmentId> = fragments.to_vec();
        while let Some(id) = open.pop() {
            let Some(fragment) = self.fragments.get(id) else { continue };
            for hole in &fragment.holes {
                match hole.wanted {
                    Wanted::Site(site) => pending.push(Pending {
                        site,
                        key: self.entity_key(site, &hole.key),
                        products: look_up::needed_products(&fragment.body, &hole.hidden),
                    }),
                    Wanted::Rank(_) | Wanted::Given => open.extend(hole.fill),
                    Wanted::Product(selection) => {
                        if let Some(Some(product)) = self.loaded.get(selection, &hole.key)
                            && products.insert(product)
                        {
                            open.push(product);
                        }
                    }
                }
            }
        }
        pending
    }

    /// Root fields, and entities without a key, are one each: what stood in their hole is only a type's name.
    fn entity_key(&self, site: SiteId, key: &str) -> Box<str> {
        key_of(&self.plan, site, key).into()
    }

    /// Puts into every hole what fills it.
    pub fn link(&mut self) {
        let Self { fragments, plan, answered, loaded, .. } = self;
        for hole in fragments.iter_mut().flat_map(|fragment| &mut fragment.holes) {
            hole.fill = match hole.wanted {
                Wanted::Site(site) => answered.get(site, key_of(plan, site, &hole.key)),
                Wanted::Product(selection) => loaded.get(selection, &hole.key).flatten(),
                Wanted::Rank(_) | Wanted::Given => hole.fill,
            };
        }
    }
}

/// The part of what stood in a hole that tells its entity from others.
fn key_of<'a>(plan: &Plan, site: SiteId, key: &'a str) -> &'a str {
    match plan.sites.get(site).map(|site| &site.kind) {
        Some(SiteKind::Entity(entity, _)) if entity.key != "__typename" => key,
        // A connection has no key of its own; one that was put in order got one.
        Some(SiteKind::Entity(..)) if key.starts_with(rank::CONNECTION) => key,
        _ => "",
    }
}
