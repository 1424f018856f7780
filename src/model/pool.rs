//! The mean of an item's attribute vectors, for all items at once.

use super::softmax::floats;
use crate::features::Attributes;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// Which attributes each row has.
#[derive(Clone)]
pub(super) struct Pool {
    attributes: Arc<Attributes>,
}

impl Pool {
    pub(super) fn new(attributes: Arc<Attributes>) -> Self {
        Self { attributes }
    }

    /// `[names, D] → [rows, D]`: the mean over each row's attributes, 0 where it has none.
    pub(super) fn forward(&self, names: &Tensor) -> Result<Tensor> {
        if names.device().is_cpu() { names.contiguous()?.apply_op1(self.clone()) } else { self.composed(names) }
    }

    /// The same from candle's own operations.
    fn composed(&self, names: &Tensor) -> Result<Tensor> {
        let most = (0..self.attributes.rows()).map(|row| self.attributes.of(row).len()).max().unwrap_or(0).max(1);
        let rows = self.attributes.rows();
        let (mut places, mut shares) = (vec![0u32; rows * most], vec![0f32; rows * most]);
        for row in 0..rows {
            let of = self.attributes.of(row);
            places[row * most..row * most + of.len()].copy_from_slice(of);
            shares[row * most..row * most + of.len()].fill(1.0 / of.len().max(1) as f32);
        }
        let places = Tensor::from_vec(places, rows * most, names.device())?;
        let shares = Tensor::from_vec(shares, (rows, most, 1), names.device())?;
        names.index_select(&places, 0)?.reshape((rows, most, ()))?.broadcast_mul(&shares)?.sum(1)
    }
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        "attribute-pool"
    }

    fn cpu_fwd(&self, names: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let (names, rows) = (floats(names, layout)?, self.attributes.rows());
        let mut out = vec![0f32; rows * width];
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let of = self.attributes.of(row);
            let share = 1.0 / of.len().max(1) as f32;
            for name in of {
                let vector = &names[*name as usize * width..(*name as usize + 1) * width];
                out.iter_mut().zip(vector).for_each(|(out, x)| *out += share * x);
            }
        }
        Ok((CpuStorage::F32(out), Shape::from((rows, width))))
    }

    fn bwd(&self, names: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (count, width) = names.dims2()?;
        let gradient = gradient.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let mut back = vec![0f32; count * width];
        for (row, gradient) in gradient.chunks_exact(width).enumerate() {
            let of = self.attributes.of(row);
            let share = 1.0 / of.len().max(1) as f32;
            for name in of {
                let vector = &mut back[*name as usize * width..(*name as usize + 1) * width];
                vector.iter_mut().zip(gradient).for_each(|(back, x)| *back += share * x);
            }
        }
        Ok(Some(Tensor::from_vec(back, (count, width), names.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn fused_and_composed_agree_and_the_gradient_is_that_of_finite_differences() {
        let of = [vec![], vec!["a", "b"], vec!["b"], vec![], vec!["a", "b", "c"], vec!["c"]];
        let pool = Pool::new(Arc::new(Attributes::new(&of)));
        let names = tensor(&[3, 4], 5);
        let (fused, composed) = (pool.forward(&names).unwrap(), pool.composed(&names).unwrap());
        assert_eq!(fused.dims(), [6, 4]);
        let apart = (&fused - composed).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-6, "{apart}");
        assert_eq!(fused.to_vec2::<f32>().unwrap()[3], [0.0; 4], "an item without attributes");
        assert_gradients(&[names], |inputs| pool.forward(&inputs[0]));
    }
}
