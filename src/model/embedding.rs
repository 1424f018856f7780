//! What an item and its place in the session are to the model: vectors.

use super::batcher::Batch;
use super::config::{ModelConfig, Positions};
use super::error::ModelError;
use super::pool::Pool;
use super::weights::{Initial, Weights};
use crate::features::{ACTIONS, Attributes};
use candle_core::{Result, Tensor};
use std::sync::Arc;

/// The deviation with which vectors begin, as in SASRec's successors.
const DEVIATION: f32 = 0.02;

/// Tables of items, attributes, places and actions.
pub(super) struct Embedding {
    items: Tensor,
    attributes: Option<(Tensor, Pool)>,
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
        let items = weights.take("items", &[config.rows, width], normal)?;
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
        let actions = if config.actions { Some(weights.take("actions", &[ACTIONS, width], normal)?) } else { None };
        Ok(Self { items, attributes, places, actions, width })
    }

    /// The vector of every item, `[rows, D]`: its own and the mean of its attributes'.
    pub(super) fn table(&self) -> Result<Tensor> {
        match &self.attributes {
            Some((names, pool)) => &self.items + pool.forward(names)?,
            None => Ok(self.items.clone()),
        }
    }

    /// The vector of an item without a row, `[1, D]`: the mean of its attributes'; none where there is none.
    pub(super) fn unmet(&self, attributes: &[u32]) -> Result<Option<Tensor>> {
        match &self.attributes {
            Some((names, _)) if !attributes.is_empty() => {
                let numbers = Tensor::new(attributes, names.device())?;
                Ok(Some(names.index_select(&numbers, 0)?.mean_keepdim(0)?))
            }
            _ => Ok(None),
        }
    }

    /// The vectors of a batch, `[B, L, D]`, from the table of all items.
    pub(super) fn forward(&self, table: &Tensor, batch: &Batch) -> Result<Tensor> {
        let (size, length) = (batch.size(), batch.length());
        let x = table.index_select(&batch.rows().flatten_all()?, 0)?.reshape((size, length, self.width))?;
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
