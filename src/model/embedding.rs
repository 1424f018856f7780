//! What an item and its place in the session are to the model: vectors.

use super::batcher::Batch;
use super::config::{ModelConfig, Positions};
use super::error::ModelError;
use super::pool::Pool;
use super::texts::Texts;
use super::weights::{Initial, Weights};
use crate::features::{ACTIONS, Attributes};
use candle_core::{Result, Tensor};
use std::sync::Arc;

/// The name of the items' own vectors among the weights.
pub(super) const ITEMS: &str = "items";
/// The deviation with which vectors begin, as in SASRec's successors.
const DEVIATION: f32 = 0.02;

/// Tables of items, attributes, places and actions, and the projection of texts.
pub(super) struct Embedding {
    items: Tensor,
    attributes: Option<(Tensor, Pool)>,
    texts: Option<Texts>,
    places: Option<Tensor>,
    actions: Option<Tensor>,
    width: usize,
}

impl Embedding {
    pub(super) fn new(
        config: &ModelConfig,
        attributes: &Arc<Attributes>,
        weights: &mut Weights,
    ) -> std::result::Result<Self, ModelError> {
        let width = config.width;
        let normal = Initial::Normal(DEVIATION);
        let items = weights.take(ITEMS, &[config.rows, width], normal)?;
        let texts = Texts::new(config, attributes, normal, weights)?;
        let attributes = if config.attributes > 0 {
            if (attributes.rows(), attributes.names().len()) != (config.rows, config.attributes) {
                let found = format!("{} names of {} items", attributes.names().len(), attributes.rows());
                let asked = format!("{} of {}", config.attributes, config.rows);
                return Err(ModelError::Shape(format!("the attributes are {found}; the settings say {asked}")));
            }
            let names = weights.take("attributes", &[config.attributes, width], normal)?;
            Some((names, Pool::new(attributes.clone())))
        } else {
            None
        };
        let places = match config.positions {
            Positions::Absolute | Positions::Both => {
                Some(weights.take("places", &[config.max_length, width], normal)?)
            }
            Positions::Relative => None,
        };
        let kinds = ACTIONS + usize::from(config.searches);
        let actions = if config.actions { Some(weights.take("actions", &[kinds, width], normal)?) } else { None };
        Ok(Self { items, attributes, texts, places, actions, width })
    }

    /// The vector of every item, `[rows, D]`: its own, the mean of its attributes' and the projection of its text's.
    pub(super) fn table(&self) -> Result<Tensor> {
        let table = match &self.attributes {
            Some((names, pool)) => (&self.items + pool.forward(names)?)?,
            None => self.items.clone(),
        };
        match self.texts.as_ref().map(Texts::of_items).transpose()?.flatten() {
            Some(texts) => table + texts,
            None => Ok(table),
        }
    }

    /// The vector of an item without a row, `[1, D]`: the mean of its attributes' and the projection of its text's, `[1, T]`;
    /// none where there is neither.
    pub(super) fn unmet(&self, attributes: &[u32], text: Option<&Tensor>) -> Result<Option<Tensor>> {
        let known = match &self.attributes {
            Some((names, _)) if !attributes.is_empty() => {
                let numbers = Tensor::new(attributes, names.device())?;
                Some(names.index_select(&numbers, 0)?.mean_keepdim(0)?)
            }
            _ => None,
        };
        match (known, self.texts.as_ref().zip(text)) {
            (Some(known), Some((texts, text))) => Ok(Some((known + texts.project(text)?)?)),
            (None, Some((texts, text))) => Ok(Some(texts.project(text)?)),
            (known, None) => Ok(known),
        }
    }

    /// The vectors of a batch, `[B, L, D]`, from the table of all items.
    pub(super) fn forward(&self, table: &Tensor, batch: &Batch) -> Result<Tensor> {
        let (size, length) = (batch.size(), batch.length());
        let mut x = table.index_select(&batch.rows().flatten_all()?, 0)?;
        if let (Some(texts), Some((places, vectors))) = (&self.texts, batch.searches()) {
            // A search has the row of padding so far, which its own vector takes the place of.
            let instead = texts.project(vectors)?.broadcast_sub(&table.narrow(0, 0, 1)?)?;
            x = x.index_add(places, &instead, 0)?;
        }
        let x = x.reshape((size, length, self.width))?;
        // Items begin small beside the places; the root of the width brings them level, as in the first transformer.
        let mut x = (x * (self.width as f64).sqrt())?;
        if let Some(places) = &self.places {
            x = x.broadcast_add(&places.narrow(0, 0, length)?)?;
        }
        if let Some(actions) = &self.actions {
            let of = actions.index_select(&batch.actions().flatten_all()?, 0)?;
            x = (x + of.reshape((size, length, self.width))?)?;
        }
        Ok(x)
    }
}
