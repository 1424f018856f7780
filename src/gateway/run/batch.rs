//! Products in as few requests as the platform's batches allow, and what an answer holds of them.

use super::Run;
use crate::domain::ids::ProductKey;
use crate::gateway::plan::{Plan, SelectionId, Trie};
use crate::gateway::splice::{self, Element, Fragment};
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;

/// Keys of each selection, in the order in which they are sent: one request.
pub(super) type Batch = IndexMap<SelectionId, Vec<ProductKey>>;

/// Spreads products over requests of at most `max` ids a list; lists of several selections share a request.
pub(super) fn batches(products: impl IntoIterator<Item = (SelectionId, ProductKey)>, max: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for (selection, key) in products {
        let open = batches.iter_mut().find(|batch| batch.get(&selection).is_none_or(|keys| keys.len() < max));
        match open {
            Some(batch) => batch.entry(selection).or_default().push(key),
            None => batches.push(Batch::from_iter([(selection, vec![key])])),
        }
    }
    batches
}

/// A product that can be shown.
pub(super) struct Live {
    /// Scanned by the operation's own plan.
    pub(super) fragment: Fragment,
    /// Where it stands in the answer.
    pub(super) place: Range<usize>,
}

/// What an answer holds.
#[derive(Default)]
pub(super) struct Read {
    /// Every key of the batch whose list is there; `None`: the platform does not have it or cannot sell it.
    pub(super) products: Vec<(SelectionId, ProductKey, Option<Live>)>,
    /// Whether all lists are there.
    pub(super) complete: bool,
    /// Whether the answer reports no error at all.
    pub(super) clean: bool,
}

impl Run {
    /// The body of a request.
    pub(super) fn look_up_body(&self, batch: &Batch) -> Bytes {
        let (document, used) = match batch.keys().next() {
            Some(only) if batch.len() == 1 => {
                let Some(alone) = self.plan.alone(*only) else { return Bytes::new() };
                (alone.quoted.clone(), alone.variables.clone())
            }
            _ => {
                let selections: Vec<SelectionId> = batch.keys().copied().collect();
                let (document, used) = self.plan.look_up(&selections);
                (Value::from(document).to_string(), used)
            }
        };
        let mut variables = self.variables.subset(&used);
        for (selection, keys) in batch {
            if !variables.is_empty() {
                variables.push(',');
            }
            let keys: Vec<&str> = keys.iter().map(ProductKey::as_str).collect();
            variables.push_str(&format!("\"_gw_i{selection}\":{}", Value::from(keys)));
        }
        format!("{{\"query\":{document},\"variables\":{{{variables}}}}}").into()
    }
}

/// Reads the products of a batch. Errors: it is no GraphQL answer.
pub(super) fn read(plan: &Plan, batch: &Batch, body: &Bytes) -> Result<Read, splice::Malformed> {
    let answer = splice::answer(body, &Trie::default())?;
    let at = |range: &Range<usize>| body.get(range.clone()).unwrap_or_default();
    let told = answer.errors.as_ref().map(at).map(splice::errors_in).unwrap_or_default();
    let mut read = Read { complete: true, clean: told.is_empty(), products: Vec::new() };
    let mut errors = by_element(told);
    for (selection, keys) in batch {
        let name = format!("_gw_s{selection}");
        let root = answer.marks.iter().find(|mark| mark.depth == 0 && at(&mark.name) == name.as_bytes());
        let list = root.map(|mark| mark.value.clone()).filter(|list| at(list) != b"null");
        let (Some(list), Some(trie)) = (list, plan.selections.get(*selection).map(|s| &s.trie)) else {
            read.complete = false;
            continue;
        };
        let mut found: Vec<Option<Element>> = splice::elements(body, list, trie)?;
        found.resize_with(keys.len(), || None);
        for (index, (key, element)) in keys.iter().zip(found).enumerate() {
            let live = element.and_then(|element| live(body, element, key)).map(|mut live| {
                live.fragment.errors = errors.remove(&(name.clone(), index)).unwrap_or_default();
                live
            });
            read.products.push((*selection, key.clone(), live));
        }
    }
    Ok(read)
}

/// The product of this key, where it is that one and can be sold.
pub(super) fn live(body: &Bytes, element: Element, key: &ProductKey) -> Option<Live> {
    let hidden = |name: &str| {
        let range = element.hidden.iter().find(|(hidden, _)| &**hidden == name)?.1.clone();
        body.get(range)
    };
    // The key is compared, so that an answer out of order never shows one product as another.
    let found = hidden("_gw_key").or(hidden("_gw_any")).and_then(splice::text);
    let same = found.is_some_and(|found| *found == *key.as_str());
    let live = same && hidden("_gw_live") != Some(b"false");
    live.then(|| Live { place: element.place.clone(), fragment: element.fragment })
}

type Below = Vec<(Vec<splice::Step>, Map<String, Value>)>;

/// Errors by the element that they belong to, with the rest of their paths.
fn by_element(errors: Vec<splice::Error>) -> HashMap<(String, usize), Below> {
    let mut by_element: HashMap<(String, usize), Below> = HashMap::new();
    for (path, error) in errors {
        let mut path = path.into_iter();
        if let (Some(splice::Step::Key(name)), Some(splice::Step::Index(index))) = (path.next(), path.next()) {
            by_element.entry((name.into(), index)).or_default().push((path.collect(), error));
        }
    }
    by_element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_at_most_so_many_ids_and_lists_of_several_selections_share_a_request() {
        let products = (0..5).map(|n| (0, ProductKey::new(n.to_string()))).chain([(1, ProductKey::new("x"))]);
        let batches = batches(products, 2);
        let lengths = |batch: &Batch| batch.iter().map(|(id, keys)| (*id, keys.len())).collect::<Vec<_>>();
        let lengths: Vec<_> = batches.iter().map(lengths).collect();
        assert_eq!(lengths, [vec![(0, 2), (1, 1)], vec![(0, 2)], vec![(0, 1)]]);
    }
}
