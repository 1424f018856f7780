//! What is added to the attention for the distance of two interactions, in places and in time.
//!
//! Source: T5's relative bias, arXiv:1910.10683; of time, HSTU's, arXiv:2402.17152.

use super::batcher::Batch;
use super::config::{ModelConfig, Positions};
use super::error::ModelError;
use super::weights::{Initial, Weights};
use crate::features::TIME_BUCKETS;
use candle_core::{Result, Tensor};

/// A number for each head and distance; the same in every layer.
pub(super) struct Bias {
    places: Option<Tensor>,
    times: Option<Tensor>,
    heads: usize,
}

impl Bias {
    pub(super) fn new(config: &ModelConfig, weights: &mut Weights) -> std::result::Result<Self, ModelError> {
        let none = Initial::Constant(0.0);
        let places = match config.positions {
            Positions::Relative | Positions::Both => {
                Some(weights.take("bias.places", &[config.heads, config.max_length], none)?)
            }
            Positions::Absolute => None,
        };
        let times =
            if config.times { Some(weights.take("bias.times", &[config.heads, TIME_BUCKETS], none)?) } else { None };
        Ok(Self { places, times, heads: config.heads })
    }

    /// `[1 or B, heads, L, L]`; none where the model has no such bias.
    pub(super) fn forward(&self, batch: &Batch) -> Result<Option<Tensor>> {
        let (size, length) = (batch.size(), batch.length());
        let mut bias = None;
        if let Some(places) = &self.places {
            // The future is masked: its distance may be any.
            let apart = (0..length as u32).flat_map(|row| (0..length as u32).map(move |at| row.saturating_sub(at)));
            let apart = Tensor::from_iter(apart, places.device())?;
            bias = Some(places.index_select(&apart, 1)?.reshape((1, self.heads, length, length))?);
        }
        if let (Some(times), Some(apart)) = (&self.times, batch.times()) {
            let of = times.index_select(apart, 1)?.reshape((self.heads, size, length, length))?;
            let of = of.transpose(0, 1)?.contiguous()?;
            bias = Some(match bias {
                Some(bias) => of.broadcast_add(&bias)?,
                None => of,
            });
        }
        Ok(bias)
    }
}
