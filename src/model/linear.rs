//! A linear layer.

use super::error::ModelError;
use super::product::product;
use super::weights::{Initial, Weights};
use candle_core::{Result, Tensor};

/// x·W + b, with W `[in, out]` so that no transposition is needed.
pub(super) struct Linear {
    weight: Tensor,
    offset: Option<Tensor>,
}

impl Linear {
    pub(super) fn new(
        (from, to): (usize, usize),
        offset: bool,
        name: &str,
        weights: &mut Weights,
    ) -> std::result::Result<Self, ModelError> {
        // The variance of what comes in is that of what goes out.
        let initial = Initial::Normal(1.0 / (from as f32).sqrt());
        let weight = weights.take(&format!("{name}.weight"), &[from, to], initial)?;
        let offset = match offset {
            true => Some(weights.take(&format!("{name}.offset"), &[to], Initial::Constant(0.0))?),
            false => None,
        };
        Ok(Self { weight, offset })
    }

    /// `[B, L, in] → [B, L, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, length, from) = x.dims3()?;
        let flat = product(&x.reshape((batch * length, from))?, &self.weight)?;
        let flat = match &self.offset {
            Some(offset) => flat.broadcast_add(offset)?,
            None => flat,
        };
        flat.reshape((batch, length, self.weight.dim(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        assert_gradients(&[tensor(&[2, 3, 4], 1), tensor(&[4, 5], 2), tensor(&[5], 3)], |inputs| {
            Linear { weight: inputs[1].clone(), offset: Some(inputs[2].clone()) }.forward(&inputs[0])
        });
    }
}
