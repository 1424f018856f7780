//! A model over a catalogue: which of its items are for sale here, and under which number.
//!
//! A product that came after the training is placed by what the catalogue says of it, where the model has learned from
//! that. Made anew when either changes. Until that is done the one before goes on: what it proposes is brought to the catalogue
//! in use by key, so a product that has left is never proposed.

use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use crate::features::described;
use crate::model::{ItemMatrix, ModelError, Served};
use candle_core::{Device, Tensor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
}

/// A product with the model's score for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Proposed {
    /// Its ordinal in the catalogue asked for.
    pub(in crate::engine) ordinal: u32,
    /// A logit: above or below zero, comparable within one session.
    pub(in crate::engine) score: f32,
}

impl Matched {
    /// Matches the two. Copies a vector a product.
    /// Errors: the vectors cannot be laid out.
    pub(super) fn new(served: Arc<Served>, of: Arc<Index>) -> Result<Self, ModelError> {
        let (mut ordinals, mut vectors) = (Vec::new(), vec![0f32; served.width()]);
        for (ordinal, product) in (0_u32..).zip(of.products()) {
            let row = served.vocabulary().row(product.key.as_str());
            if let Some(vector) = row.and_then(|row| served.target(row)) {
                ordinals.push(ordinal);
                vectors.extend_from_slice(vector);
            } else if let Some(vector) = served.unmet(&described(product, of.band(ordinal))) {
                ordinals.push(ordinal);
                vectors.extend(vector);
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
        let here = |row: u32| self.ordinal(row, index).filter(|ordinal| allowed(*ordinal));
        let found = self.items.top(session, count, |row| here(row).is_some());
        // The width was that of this model's own vectors, so there is nothing that could not be scored.
        let found = found.unwrap_or_default();
        let proposed = |one: &crate::model::Scored| {
            self.ordinal(one.row, index).map(|ordinal| Proposed { ordinal, score: one.score })
        };
        found.iter().filter_map(proposed).collect()
    }

    /// The best scores over all products, best first.
    pub(super) fn best(&self, session: &[f32], count: usize) -> Vec<f32> {
        let found = self.items.top(session, count, |_| true).unwrap_or_default();
        found.into_iter().map(|one| one.score).collect()
    }

    /// The model's score of a product; none where it does not know it.
    pub(in crate::engine) fn score(&self, session: &[f32], key: &ProductKey) -> Option<f32> {
        Some(dot(session, self.vector(key)?))
    }

    /// How alike two products are to the model, -1 to 1; none where it does not know both.
    pub(in crate::engine) fn likeness(&self, one: &ProductKey, other: &ProductKey) -> Option<f32> {
        let (one, other) = (self.vector(one)?, self.vector(other)?);
        let lengths = (dot(one, one) * dot(other, other)).sqrt();
        (lengths > 0.0).then(|| dot(one, other) / lengths)
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

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}
