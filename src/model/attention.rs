//! Causal attention: each interaction reads itself and those before it.

use super::config::ModelConfig;
use super::error::ModelError;
use super::linear::Linear;
use super::product::product;
use super::softmax::causal_softmax;
use super::weights::Weights;
use candle_core::{Result, Tensor};

/// Attention with several heads. Source: arXiv:1706.03762.
pub(super) struct Attention {
    /// Queries, keys and values in one product.
    inward: Linear,
    outward: Linear,
    heads: usize,
}

impl Attention {
    pub(super) fn new(
        config: &ModelConfig,
        name: &str,
        weights: &mut Weights,
    ) -> std::result::Result<Self, ModelError> {
        let width = config.width;
        let inward = Linear::new((width, 3 * width), false, &format!("{name}.inward"), weights)?;
        let outward = Linear::new((width, width), true, &format!("{name}.outward"), weights)?;
        Ok(Self { inward, outward, heads: config.heads })
    }

    /// What each place gathers from those before it: `[B, L, D]` and a bias `[1 or B, heads, L, L]` → `[B, L, D]`.
    pub(super) fn gather(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        let of_head = width / self.heads;
        // [B, L, 3·D] → [3, B, heads, L, D/heads]
        let parts = self.inward.forward(x)?.reshape((batch, length, 3, self.heads, of_head))?;
        let parts = parts.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let query = (query * (1.0 / (of_head as f64).sqrt()))?;
        let mut scores = product(&query, &key.transpose(2, 3)?)?;
        if let Some(bias) = bias {
            scores = scores.broadcast_add(bias)?;
        }
        let mixed = product(&causal_softmax(&scores)?, &value)?;
        mixed.transpose(1, 2)?.reshape((batch, length, width))
    }

    /// What a place adds to its vector, of what it gathered: `[B, L, D]` → the same.
    pub(super) fn project(&self, gathered: &Tensor) -> Result<Tensor> {
        self.outward.forward(gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;
    use candle_core::Device;
    use std::collections::HashMap;

    #[test]
    fn the_gradient_is_that_of_finite_differences_with_and_without_bias() {
        let config = ModelConfig { width: 8, heads: 2, ..ModelConfig::small(4) };
        let inputs =
            [tensor(&[2, 3, 8], 1), tensor(&[8, 24], 2), tensor(&[8, 8], 3), tensor(&[8], 4), tensor(&[1, 2, 3, 3], 5)];
        let run = |inputs: &[Tensor], bias: bool| {
            let named = ["inward.weight", "outward.weight", "outward.offset"];
            let tensors = named.iter().zip(&inputs[1..]).map(|(name, x)| (format!("a.{name}"), x.clone()));
            let mut weights = Weights::read(tensors.collect::<HashMap<_, _>>(), Device::Cpu);
            let attention = Attention::new(&config, "a", &mut weights).unwrap();
            attention.project(&attention.gather(&inputs[0], inputs.get(4).filter(|_| bias))?)
        };
        assert_gradients(&inputs, |inputs| run(inputs, true));
        assert_gradients(&inputs[..4], |inputs| run(inputs, false));
    }
}
