//! The data loader: products of a whole wave in as few requests as the platform's batches allow. Each product is asked
//! for once an operation and selection, always in the operation's own context.

use super::Run;
use crate::domain::ids::ProductKey;
use crate::gateway::debug::Stage;
use crate::gateway::plan::SelectionId;
use crate::gateway::splice;
use crate::platform::Lookup;
use crate::platform::upstream::{Repeat, UpstreamError};
use crate::telemetry::spans;
use bytes::Bytes;
use futures::future::join_all;
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};
use std::ops::Range;

/// Why a look-up failed. Inside only: the slates that wanted it fall back.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookUpError {
    /// No answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Not a GraphQL answer.
    #[error(transparent)]
    Malformed(#[from] splice::Malformed),
    /// An answer without the products.
    #[error("the shop answered the look-up of products with status {0} and without them")]
    Refused(u16),
}

/// Keys of one selection, in the order in which they are sent.
type Batch = IndexMap<SelectionId, Vec<Box<str>>>;

impl Run {
    /// Whether a product is known under a selection: `Some(false)` where the platform does not have it.
    pub(super) fn known(&self, selection: SelectionId, key: &ProductKey) -> Option<bool> {
        self.loaded.get(selection, key.as_str()).map(|found| found.is_some())
    }

    /// Asks for what is not known yet.
    /// Errors: where any batch failed; what other batches brought stays.
    pub(super) async fn look_up(&mut self, wanted: &IndexSet<(SelectionId, ProductKey)>) -> Result<(), LookUpError> {
        let Lookup::Nodes { max } = self.means.lookup;
        let missing = wanted.iter().filter(|(selection, key)| self.known(*selection, key).is_none());
        let mut batches: Vec<Batch> = Vec::new();
        for (selection, key) in missing {
            // The limit is on the ids of one list; lists of several selections share a request.
            let open = batches.iter_mut().find(|batch| batch.get(selection).is_none_or(|keys| keys.len() < max));
            let batch = match open {
                Some(batch) => batch,
                None => {
                    batches.push(Batch::new());
                    let Some(last) = batches.last_mut() else { continue };
                    last
                }
            };
            batch.entry(*selection).or_default().push(key.as_str().into());
        }
        self.requests += batches.len();
        let answers = join_all(batches.iter().map(|batch| {
            let body = self.request(batch);
            let sent = body.len();
            self.watch.asking("lookup", sent, self.means.upstream.ask(self.headers.clone(), body, Repeat::Once))
        }));
        let products = batches.iter().flat_map(Batch::values).map(Vec::len).sum();
        let span = spans::look_up(batches.len(), products);
        let answers = self.watch.stage(Stage::LookUp, span, answers).await;
        let mut failed = None;
        for (batch, answer) in batches.iter().zip(answers) {
            let taken = match answer {
                Ok(answer) => self.take(batch, &answer.body, answer.status.as_u16()),
                Err(error) => Err(error.into()),
            };
            failed = failed.or(taken.err());
        }
        failed.map_or(Ok(()), Err)
    }

    fn request(&self, batch: &Batch) -> Bytes {
        let selections: Vec<SelectionId> = batch.keys().copied().collect();
        let (document, used) = self.plan.look_up(&selections);
        let mut variables = self.variables.subset(&used);
        for (selection, keys) in batch {
            if !variables.is_empty() {
                variables.push(',');
            }
            let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
            variables.push_str(&format!("\"_gw_i{selection}\":{}", Value::from(keys)));
        }
        format!("{{\"query\":{},\"variables\":{{{variables}}}}}", Value::from(document)).into()
    }

    /// Takes the products of an answer in.
    fn take(&mut self, batch: &Batch, body: &Bytes, status: u16) -> Result<(), LookUpError> {
        let members = splice::members(body)?;
        let plan = std::sync::Arc::clone(&self.plan);
        let mut errors = errors_by_element(body);
        let mut complete = true;
        for (selection, keys) in batch {
            let name = format!("_gw_s{selection}");
            let list = members.iter().find(|(member, _)| **member == *name).map(|(_, range)| range.clone());
            let (Some(list), Some(trie)) = (list, plan.selections.get(*selection).map(|s| &s.trie)) else {
                complete = false;
                continue;
            };
            if body.get(list.clone()) == Some(b"null") {
                complete = false;
                continue;
            }
            let mut found: Vec<Option<splice::Element>> = splice::elements(body, list, trie)?;
            found.resize_with(keys.len(), || None);
            for (index, (key, element)) in keys.iter().zip(found).enumerate() {
                let live = element.and_then(|element| {
                    let hidden = |name: &str| {
                        let range = element.hidden.iter().find(|(hidden, _)| &**hidden == name)?.1.clone();
                        body.get(range)
                    };
                    // The key is compared, so that an answer out of order never shows one product as another.
                    let found = hidden("_gw_key").or(hidden("_gw_any")).and_then(splice::text);
                    let same = found.is_some_and(|found| *found == **key);
                    (same && hidden("_gw_live") != Some(b"false")).then_some(element.fragment)
                });
                let fragment = live.map(|mut fragment| {
                    fragment.errors = errors.remove(&(name.clone(), index)).unwrap_or_default();
                    self.add(fragment)
                });
                self.loaded.insert(*selection, key.clone(), fragment);
            }
        }
        if complete { Ok(()) } else { Err(LookUpError::Refused(status)) }
    }
}

type Below = Vec<(Vec<splice::Step>, Map<String, Value>)>;

/// The errors of a look-up by the element that they belong to, with the rest of their paths.
fn errors_by_element(body: &Bytes) -> std::collections::HashMap<(String, usize), Below> {
    let mut by_element: std::collections::HashMap<(String, usize), Below> = Default::default();
    for (path, error) in splice::errors_of(body) {
        let mut path = path.into_iter();
        if let (Some(splice::Step::Key(name)), Some(splice::Step::Index(index))) = (path.next(), path.next()) {
            by_element.entry((name.into(), index)).or_default().push((path.collect(), error));
        }
    }
    by_element
}

/// The products named in an entity's hidden members: every `id` in them. At most 250.
pub(super) fn needed_products(body: &[u8], hidden: &[(Box<str>, Range<usize>)]) -> Vec<ProductKey> {
    fn walk(value: &Value, out: &mut IndexSet<ProductKey>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, out)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(id) if name == "id" => {
                            if out.len() < 250 {
                                out.insert(ProductKey::new(id.as_str()));
                            }
                        }
                        value => walk(value, out),
                    }
                }
            }
            _ => {}
        }
    }
    let mut products = IndexSet::new();
    for (_, range) in hidden {
        if let Some(value) = body.get(range.clone()).and_then(|raw| serde_json::from_slice::<Value>(raw).ok()) {
            walk(&value, &mut products);
        }
    }
    products.into_iter().collect()
}
