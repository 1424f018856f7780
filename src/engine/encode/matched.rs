//! A model over a catalogue: which of its items are for sale here, and under which number.
//!
//! A product that came after the training is placed by what the catalogue says of it, where the model has learned from
//! that. Made anew when either changes. Until that is done the one before goes on: what it proposes is brought to the catalogue
//! in use by key, so a product that has left is never proposed.

use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use crate::features::{PADDING, described, written};
use crate::model::{ItemMatrix, ModelError, Scored, Served, inner};
use candle_core::{Device, Tensor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Products that came after the training and are scored one by one beside a graph; beyond, every product is.
const MOST_FRESH: usize = 20_000;

/// A model and the catalogue that it is to choose from.
pub(in crate::engine) struct Matched {
    /// A number that no other has had since the start.
    generation: u64,
    served: Arc<Served>,
    of: Arc<Index>,
    /// The vectors of the products that can be placed; row 0 is padding.
    items: ItemMatrix,
    /// The ordinal in `of` of each row of `items`, less one; ascending.
    ordinals: Vec<u32>,
    /// The row of `items` of each item of the model; 0 for what the catalogue does not have.
    rows: Vec<u32>,
    /// Rows of `items` that came after the training, which no graph holds.
    fresh: Vec<u32>,
}

/// A product with the model's score for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Proposed {
    /// Its ordinal in the catalogue asked for.
    pub(in crate::engine) ordinal: u32,
    /// A logit: above or below zero, comparable within one session.
    pub(in crate::engine) score: f32,
    /// Its row of `items`.
    row: u32,
}

/// A product that may be named as the reason for others, by the direction of its vector.
pub(in crate::engine) struct Speaker<'a> {
    key: &'a ProductKey,
    /// Of length 1.
    direction: Vec<f32>,
}

impl Matched {
    /// Matches the two. Copies a vector a product.
    /// Errors: the vectors cannot be laid out.
    pub(super) fn new(served: Arc<Served>, of: Arc<Index>) -> Result<Self, ModelError> {
        let (mut ordinals, mut vectors) = (Vec::new(), vec![0f32; served.width()]);
        let (mut rows, mut fresh) = (vec![PADDING; served.vocabulary().rows()], Vec::new());
        for (ordinal, product) in (0_u32..).zip(of.products()) {
            let row = served.vocabulary().row(product.key.as_str());
            if let Some((row, vector)) = row.and_then(|row| Some((row, served.target(row)?))) {
                ordinals.push(ordinal);
                vectors.extend_from_slice(vector);
                rows[row as usize] = u32::try_from(ordinals.len()).unwrap_or(PADDING);
            } else if let Some(vector) = served.unmet(&described(product, of.band(ordinal)), || written(product)) {
                ordinals.push(ordinal);
                vectors.extend(vector);
                fresh.push(u32::try_from(ordinals.len()).unwrap_or(PADDING));
            }
        }
        let vectors = Tensor::from_vec(vectors, (ordinals.len() + 1, served.width()), &Device::Cpu)?;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            generation: NEXT.fetch_add(1, Ordering::Relaxed),
            items: ItemMatrix::new(&vectors)?,
            served,
            of,
            ordinals,
            rows,
            fresh,
        })
    }

    /// Whether it was made of these.
    pub(super) fn is_of(&self, served: &Arc<Served>, index: &Arc<Index>) -> bool {
        Arc::ptr_eq(&self.served, served) && Arc::ptr_eq(&self.of, index)
    }

    /// A number that no other has had since the start.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The model.
    pub(in crate::engine) fn served(&self) -> &Arc<Served> {
        &self.served
    }

    /// Products that can be placed.
    pub(super) fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// The best `count` products for a session's vector that are in `index` and that `allowed` lets through, best first.
    pub(in crate::engine) fn top(
        &self,
        session: &[f32],
        count: usize,
        index: &Index,
        allowed: impl Fn(u32) -> bool,
    ) -> Vec<Proposed> {
        let here = |row: u32| self.ordinal(row, index).is_some_and(&allowed);
        // The width was that of this model's own vectors, so there is nothing that could not be scored.
        let exact = || self.items.top(session, count, here).unwrap_or_default();
        let found = self.by_graph(session, count, here).unwrap_or_else(exact);
        let proposed = |one: &Scored| {
            self.ordinal(one.row, index).map(|ordinal| Proposed { ordinal, score: one.score, row: one.row })
        };
        found.iter().filter_map(proposed).collect()
    }

    /// The same by the model's graph; nothing where there is none, or where what it finds is too little: the rest was filtered
    /// out, or too much has come that it does not hold.
    fn by_graph(&self, session: &[f32], count: usize, here: impl Fn(u32) -> bool) -> Option<Vec<Scored>> {
        let graph = self.served.graph().filter(|_| self.fresh.len() <= MOST_FRESH)?;
        let near = graph.nearest(session).ok()?;
        let near = near.into_iter().filter_map(|row| self.rows.get(row as usize).copied());
        let mut rows: Vec<u32> = near.filter(|row| *row != PADDING && here(*row)).collect();
        if rows.len() < count {
            return None;
        }
        rows.extend(self.fresh.iter().copied().filter(|row| here(*row)));
        let score = |row: u32| Some(Scored { row, score: inner(session, self.items.vector(row)?) });
        let mut found: Vec<Scored> = rows.into_iter().filter_map(score).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        found.truncate(count);
        Some(found)
    }

    /// The best scores over all products, best first.
    pub(super) fn best(&self, session: &[f32], count: usize) -> Vec<f32> {
        let found = self.items.top(session, count, |_| true).unwrap_or_default();
        found.into_iter().map(|one| one.score).collect()
    }

    /// The model's score of a product; none where it does not know it.
    pub(in crate::engine) fn score(&self, session: &[f32], key: &ProductKey) -> Option<f32> {
        Some(inner(session, self.vector(key)?))
    }

    /// Those of the products that the model knows, in the order given.
    pub(in crate::engine) fn speakers<'a>(&self, keys: impl Iterator<Item = &'a ProductKey>) -> Vec<Speaker<'a>> {
        let speaker = |key: &'a ProductKey| {
            let vector = self.vector(key)?;
            let length = inner(vector, vector).sqrt();
            (length > 0.0).then(|| Speaker { key, direction: vector.iter().map(|value| value / length).collect() })
        };
        keys.filter_map(speaker).collect()
    }

    /// Which of the speakers is most alike to a proposed product, the first among equals; none where none points its way.
    pub(in crate::engine) fn nearest<'a>(
        &self,
        proposed: &Proposed,
        speakers: &[Speaker<'a>],
    ) -> Option<&'a ProductKey> {
        let vector = self.items.vector(proposed.row)?;
        let (mut nearest, mut most) = (None, 0.0);
        for speaker in speakers {
            let likeness = inner(vector, &speaker.direction);
            if likeness > most {
                (nearest, most) = (Some(speaker.key), likeness);
            }
        }
        nearest
    }

    fn vector(&self, key: &ProductKey) -> Option<&[f32]> {
        let here = self.of.ordinal(key.as_str()).and_then(|ordinal| self.ordinals.binary_search(&ordinal).ok());
        match here {
            Some(at) => self.items.vector(u32::try_from(at + 1).ok()?),
            None => self.served.target(self.served.vocabulary().row(key.as_str())?),
        }
    }

    /// The ordinal in `index` of a row of `items`.
    fn ordinal(&self, row: u32, index: &Index) -> Option<u32> {
        let ordinal = *self.ordinals.get((row as usize).checked_sub(1)?)?;
        if std::ptr::eq(index, &raw const *self.of) {
            return Some(ordinal);
        }
        index.ordinal(self.of.product(ordinal)?.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::served_by_names;
    use super::*;
    use crate::engine::tests::world::product;

    /// 500 products of a model, of which the catalogue has all but one in five, and one that came later.
    fn world() -> (Matched, Arc<Index>) {
        let keys: Vec<String> = (0..500).map(|n| format!("p{n:03}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let own = |n: usize| product(keys[n], if n.is_multiple_of(2) { "even" } else { "odd" });
        let there = (0..500).filter(|n| n % 5 != 0).map(own);
        let index = Arc::new(Index::build(there.chain([product("new", "even")])));
        let names = |n: usize| described(&own(n), None);
        let names: Vec<Vec<String>> = std::iter::once(Vec::new()).chain((0..500).map(names)).collect();
        (Matched::new(served_by_names("shop/1", &keys, &names, 3), index.clone()).unwrap(), index)
    }

    fn sessions() -> impl Iterator<Item = Vec<f32>> {
        (0..20).map(|n| (0..16).map(|at| ((n * 31 + at * 17) % 23) as f32 - 11.0).collect())
    }

    #[test]
    fn by_the_graph_the_same_products_are_found_filters_and_newcomers_among_them() {
        let (matched, index) = world();
        let top = |session: &[f32], allowed: &dyn Fn(u32) -> bool| matched.top(session, 20, &index, allowed);
        let odd = |ordinal: u32| !ordinal.is_multiple_of(2);
        let few = |ordinal: u32| ordinal < 5;
        let newest = index.ordinal("new").unwrap();
        let found = |by: &dyn Fn(&[f32]) -> Vec<Proposed>| sessions().map(|session| by(&session)).collect::<Vec<_>>();
        let exact = [found(&|s| top(s, &|_| true)), found(&|s| top(s, &odd)), found(&|s| top(s, &few))];
        matched.served.build_graph(1).unwrap();
        // Of so few items the graph proposes more than half; it is asked, and finds enough but for the last.
        assert!(sessions().all(|session| matched.by_graph(&session, 20, |_| true).is_some()));
        assert!(sessions().all(|session| matched.by_graph(&session, 20, |row| row < 6).is_none()));
        let graph = [found(&|s| top(s, &|_| true)), found(&|s| top(s, &odd)), found(&|s| top(s, &few))];
        let ordinals = |found: &Vec<Vec<Proposed>>| -> Vec<Vec<u32>> {
            found.iter().map(|one| one.iter().map(|proposed| proposed.ordinal).collect()).collect()
        };
        for (exact, graph) in exact.iter().zip(&graph) {
            assert_eq!(ordinals(exact), ordinals(graph));
        }
        // One that came after the training is found where the session points to it.
        let session = matched.vector(&ProductKey::new("new")).unwrap().to_vec();
        let category = |ordinal: u32| &*index.product(ordinal).unwrap().category;
        let found = top(&session, &|ordinal| ordinal == newest || category(ordinal) == "odd");
        assert_eq!((found.len(), found[0].ordinal), (20, newest));
    }
}
