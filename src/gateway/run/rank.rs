//! Putting the platform's lists in order: decide, look up what the platform's page did not hold, write the page anew.

use super::Run;
use super::connection::ConnectionWriter;
use crate::domain::consent::Purpose;
use crate::domain::ids::{CollectionKey, ProductKey};
use crate::domain::slate::Decision;
use crate::engine::RankRequest;
use crate::gateway::plan::{Plan, Rank, RankShape, pool};
use crate::gateway::rerank::cursor::Foreign;
use crate::gateway::rerank::page::{Listed, Page};
use crate::gateway::rerank::window::Window;
use crate::gateway::rerank::{Paging, WindowPage};
use crate::gateway::splice::{self, Error, Fragment, FragmentId, Step, Wanted, Writing};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What the keys of ordered connections begin with in the personalization schema.
pub const CONNECTION: &str = "gw:";

/// Arguments that a client writes to sort.
const SORT: [&str; 2] = ["sortKey", "sort"];

impl Run {
    /// Finds out where the pages of ranked fields lie. Call before the platform is asked.
    /// Errors: a cursor that looks like ours and is not.
    pub fn page(&mut self) -> Result<(), Foreign> {
        let plan = Arc::clone(&self.plan);
        self.pagings = plan.ranks.iter().map(|rank| self.paging(rank)).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn paging(&self, rank: &Rank) -> Result<Paging, Foreign> {
        let arguments = self.variables.arguments(&rank.arguments);
        let rule = rank.rules.iter().find(|rule| fits(rule.sort.as_deref(), &arguments));
        let sealed = arguments.values().filter_map(Value::as_str).any(crate::gateway::rerank::Sealer::is_sealed);
        // A sort that the client wrote is kept, unless a rule names it.
        let keeps = rule.is_none() && (!rank.written || !fits(None, &arguments));
        if (keeps && !sealed) || rank.shape == RankShape::List {
            let kept = if keeps { Paging::Platform(arguments) } else { Paging::Platform(Map::new()) };
            return Ok(kept);
        }
        let pool = pool(rank.pool.as_deref(), rule, |ast| self.variables.value(ast));
        Paging::read(&arguments, pool, &self.means.sealer, &self.list_context(rank, &arguments))
    }

    /// What a cursor belongs to: the field with its arguments but paging, and the operation's own context.
    fn list_context(&self, rank: &Rank, arguments: &Map<String, Value>) -> [u8; 16] {
        let list: Map<String, Value> = arguments
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "first" | "after" | "last" | "before"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let market = &self.viewer.context.market;
        xxh3_128(format!("{} {} {market:?}", rank.field, Value::Object(list)).as_bytes()).to_be_bytes()
    }

    /// The values of the paging variables of a document, as the inside of a JSON object.
    pub fn page_variables(&self, document: &str) -> String {
        let mut text = String::new();
        for (rank, paging) in self.pagings.iter().enumerate() {
            if document.contains(&format!("_gw_w{rank}:")) {
                for (name, value) in paging.variables() {
                    text.push_str(&format!(",\"_gw_{name}{rank}\":{value}"));
                }
            }
        }
        text
    }

    /// Fills every place of a fragment where a list is put in order, and of what fills it.
    pub(super) async fn rank(&mut self, root: FragmentId, errors: &mut Vec<Error>) {
        let plan = Arc::clone(&self.plan);
        let mut open = vec![(root, Vec::new())];
        while let Some((id, base)) = open.pop() {
            let places = self.fragments.get(id).map_or(0, |fragment| fragment.holes.len());
            for place in 0..places {
                let Some(listed) = self.listed(id, place, &base) else { continue };
                let Some(rank) = plan.ranks.get(listed.rank) else { continue };
                let (ordered, decision) = self.ordered(&plan, rank, &listed, errors).await;
                let fragment = match ordered {
                    Some(fragment) => fragment,
                    None => kept(rank, &listed, decision.as_deref()),
                };
                let fill = self.add(fragment);
                if let Some(hole) = self.fragments.get_mut(id).and_then(|fragment| fragment.holes.get_mut(place)) {
                    hole.fill = Some(fill);
                }
                open.push((fill, listed.path));
            }
        }
    }

    fn listed(&self, id: FragmentId, place: usize, base: &[Step]) -> Option<Listed> {
        let fragment = self.fragments.get(id)?;
        let hole = fragment.holes.get(place).filter(|hole| hole.fill.is_none())?;
        let Wanted::Rank(rank) = hole.wanted else { return None };
        let window = format!("_gw_w{rank}");
        let window = hole.hidden.iter().find(|(name, _)| **name == *window).map(|(_, range)| range.clone());
        let path = base.iter().cloned().chain(fragment.path(hole)).collect();
        Some(Listed { rank, body: fragment.body.clone(), raw: hole.raw.clone(), window, path })
    }

    /// The list in order, where it can be, and the key of the decision about it, where one was asked for.
    async fn ordered(
        &mut self,
        plan: &Plan,
        rank: &Rank,
        listed: &Listed,
        errors: &mut Vec<Error>,
    ) -> (Option<Fragment>, Option<String>) {
        match (&rank.shape, self.pagings.get(listed.rank).cloned()) {
            (RankShape::List, Some(Paging::Platform(kept))) if kept.is_empty() => {
                (self.list(rank, listed, errors).await, None)
            }
            (RankShape::Connection { .. }, Some(Paging::Window(page))) => {
                let mut decision = None;
                (self.connection((plan, rank), listed, page, errors, &mut decision).await, decision)
            }
            _ => (None, None),
        }
    }

    async fn order_of(&self, rank: &Rank, keys: Vec<ProductKey>) -> (Option<Vec<u32>>, Decision) {
        let arguments = self.variables.arguments(&rank.arguments);
        let query = arguments.get("query").and_then(Value::as_str).map(Into::into);
        let collection: Option<CollectionKey> = None;
        let request = RankRequest { placement: rank.field.as_str().into(), keys, query, collection };
        let ranking = self.viewer.engine.rank(&self.viewer.context, &request).await;
        (ranking.order, ranking.decision)
    }

    /// A plain list: the same products, all of them, in order.
    async fn list(&mut self, rank: &Rank, listed: &Listed, errors: &mut Vec<Error>) -> Option<Fragment> {
        let elements = splice::elements(&listed.body, listed.raw.clone(), &rank.trie).ok()?;
        let elements: Vec<splice::Element> = elements.into_iter().collect::<Option<_>>()?;
        let key = |element: &splice::Element| {
            let (_, range) = element.hidden.iter().find(|(name, _)| &**name == "_gw_key")?;
            listed.body.get(range.clone()).and_then(splice::text).map(|key| ProductKey::new(&*key))
        };
        let keys = elements.iter().map(key).collect::<Option<Vec<_>>>()?;
        let (order, _) = self.order_of(rank, keys).await;
        let mut order = order.unwrap_or_default();
        let all = u32::try_from(elements.len()).ok()?;
        // The platform's order where nothing was decided: the hidden keys are cut all the same.
        if order.len() != elements.len() || (0..all).any(|at| !order.contains(&at)) {
            order = (0..all).collect();
        }
        let mut elements: Vec<Option<Fragment>> = elements.into_iter().map(|element| Some(element.fragment)).collect();
        let mut writing = Writing::default();
        writing.text(b"[");
        for (to, from) in order.into_iter().enumerate() {
            let mut fragment = elements.get_mut(from as usize)?.take()?;
            let at = [listed.path.clone(), vec![Step::Index(from as usize)]].concat();
            fragment.errors.extend(splice::take_below(errors, &at));
            if to > 0 {
                writing.text(b",");
            }
            let fill = self.add(fragment);
            writing.fragment(fill, &[Step::Index(to)]);
        }
        writing.text(b"]");
        Some(writing.done())
    }

    /// A connection: a page of the ordered window.
    async fn connection(
        &mut self,
        (plan, rank): (&Plan, &Rank),
        listed: &Listed,
        page: WindowPage,
        errors: &mut Vec<Error>,
        decided: &mut Option<String>,
    ) -> Option<Fragment> {
        let window = Window::read(listed.body.get(listed.window.clone()?)?)?;
        let context = &self.viewer.context;
        let personal = context.shopper.as_ref().filter(|_| context.consent.allows(Purpose::Preferences));
        let shopper = personal.map_or(0, |key| xxh3_64(key.as_str().as_bytes()));
        let products: Vec<ProductKey> =
            window.slots.iter().filter_map(|slot| slot.key.as_deref().map(ProductKey::new)).collect();
        let carried = page.place.as_ref().filter(|place| personal.is_some() && place.shopper == shopper);
        let (ranked, decision) = self.order_of(rank, products).await;
        let key = format!("{CONNECTION}{}", decision.id);
        self.viewer.book.put_connection(key.clone(), decision);
        *decided = Some(key.clone());
        let order = match (carried, ranked) {
            (Some(place), _) => window.ordered_by(place),
            (None, Some(ranked)) => window.ordered_by_engine(&ranked),
            // Nothing was decided and no page was begun in an order of ours: the platform's page, its own cursors.
            (None, None) if page.place.is_none() => return None,
            (None, None) => (0..window.slots.len()).collect(),
        };
        let page = Page::new(page, window, order, shopper);
        let missing = page.missing(rank);
        if self.look_up(&missing).await.is_err() || missing.iter().any(|(s, key)| self.known(*s, key) != Some(true)) {
            return None;
        }
        let sealer = self.means.sealer.clone();
        let list = self.list_context(rank, &self.variables.arguments(&rank.arguments));
        let seal = |place: &crate::gateway::rerank::cursor::Place| sealer.seal(place, &list);
        let mut write = ConnectionWriter { run: self, plan, rank, listed, page: &page, seal: &seal, key, errors };
        write.connection()
    }
}

/// The list as the platform wrote it; the decision to leave it so stands at its own entry field.
fn kept(rank: &Rank, listed: &Listed, decision: Option<&str>) -> Fragment {
    let kept = splice::value(&listed.body, listed.raw.clone(), &rank.trie);
    let mut fragment = kept.unwrap_or_else(|_| Fragment::whole(Bytes::from_static(b"null")));
    if let Some(decision) = decision {
        fragment.give_key(decision);
    }
    fragment
}

/// Whether a field is sorted as a rule says, or not at all where it says nothing.
fn fits(sort: Option<&str>, arguments: &Map<String, Value>) -> bool {
    let written = SORT.iter().find_map(|name| arguments.get(*name)).filter(|sort| !sort.is_null());
    let reversed = arguments.get("reverse").and_then(Value::as_bool).unwrap_or(false);
    match (sort, written) {
        (None, None) => !reversed,
        (Some(sort), Some(written)) => written.as_str() == Some(sort),
        _ => false,
    }
}

/// Whether any text of a request holds a cursor of ours.
pub fn mentions_cursor(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"\"ofc1.").is_some()
}
