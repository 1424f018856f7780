//! One layer: attention, then a feed-forward network, each on a normalized input and added to it.

use super::attention::Attention;
use super::config::{Activation, ModelConfig};
use super::dropout::Noise;
use super::error::ModelError;
use super::linear::Linear;
use super::norm::Norm;
use super::weights::Weights;
use candle_core::{D, Result, Tensor};

pub(super) struct Block {
    before_attention: Norm,
    attention: Attention,
    before_feed: Norm,
    up: Linear,
    down: Linear,
    activation: Activation,
}

impl Block {
    pub(super) fn new(
        config: &ModelConfig,
        name: &str,
        weights: &mut Weights,
    ) -> std::result::Result<Self, ModelError> {
        let (width, inner) = (config.width, config.inner());
        let up = if config.activation == Activation::SwiGlu { 2 * inner } else { inner };
        Ok(Self {
            before_attention: Norm::new(width, &format!("{name}.before_attention"), weights)?,
            attention: Attention::new(config, &format!("{name}.attention"), weights)?,
            before_feed: Norm::new(width, &format!("{name}.before_feed"), weights)?,
            up: Linear::new((width, up), true, &format!("{name}.up"), weights)?,
            down: Linear::new((inner, width), true, &format!("{name}.down"), weights)?,
            activation: config.activation,
        })
    }

    /// `[B, L, D] → [B, L, D]`.
    pub(super) fn forward(&self, x: &Tensor, bias: Option<&Tensor>, noise: &Noise) -> Result<Tensor> {
        let gathered = self.attention.gather(&self.before_attention.forward(x)?, bias)?;
        self.settle(x, &gathered, noise)
    }

    /// The same at one place of each session alone, `[B, 1, D]`: `ends`, `[B]` into `[B·L]`, of whom nothing but the
    /// attention reads the others. Without noise.
    pub(super) fn last(&self, x: &Tensor, bias: Option<&Tensor>, ends: &Tensor) -> Result<Tensor> {
        let gathered = self.attention.gather(&self.before_attention.forward(x)?, bias)?;
        let (batch, length, width) = x.dims3()?;
        let at_ends = |x: &Tensor| x.reshape((batch * length, width))?.index_select(ends, 0)?.unsqueeze(1);
        self.settle(&at_ends(x)?, &at_ends(&gathered)?, &Noise::none())
    }

    /// What a place makes of its vector and of what it gathered.
    fn settle(&self, x: &Tensor, gathered: &Tensor, noise: &Noise) -> Result<Tensor> {
        let x = (x + noise.drop(self.attention.project(gathered)?)?)?;
        let fed = self.feed(&self.before_feed.forward(&x)?)?;
        x + noise.drop(fed)?
    }

    fn feed(&self, x: &Tensor) -> Result<Tensor> {
        let up = self.up.forward(x)?;
        let inner = match self.activation {
            Activation::Relu => up.relu()?,
            Activation::Gelu => up.gelu()?,
            Activation::SwiGlu => {
                let half = up.dim(D::Minus1)? / 2;
                let gate = up.narrow(D::Minus1, 0, half)?.contiguous()?.silu()?;
                (gate * up.narrow(D::Minus1, half, half)?.contiguous()?)?
            }
        };
        self.down.forward(&inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn the_gradient_is_that_of_finite_differences_for_every_activation() {
        for activation in [Activation::Gelu, Activation::SwiGlu] {
            let config = ModelConfig { width: 8, heads: 2, expansion: 2, activation, ..ModelConfig::small(4) };
            let block = Block::new(&config, "b", &mut Weights::fresh(3)).unwrap();
            assert_gradients(&[tensor(&[2, 3, 8], 1)], |inputs| block.forward(&inputs[0], None, &Noise::none()));
        }
    }
}
