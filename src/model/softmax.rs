//! The causal softmax of attention with a backward pass; candle-nn's has none.

use super::arithmetic::{exponentials, maximum, multiply};
use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

/// The numbers of a contiguous tensor.
pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("a contiguous tensor is needed here") };
    Ok(&storage.as_slice::<f32>()?[from..to])
}

/// Softmax of each row of `[.., L, L]`, in which row i sees columns 0 to i and the others become 0.
pub(super) fn causal_softmax(scores: &Tensor) -> Result<Tensor> {
    if scores.device().is_cpu() { scores.contiguous()?.apply_op1(Causal) } else { composed(scores) }
}

/// The same from candle's own operations.
fn composed(scores: &Tensor) -> Result<Tensor> {
    let length = scores.dim(D::Minus1)?;
    let hidden = (0..length).flat_map(|row| (0..length).map(move |column| if column > row { -1e9f32 } else { 0.0 }));
    let hidden = Tensor::from_iter(hidden, scores.device())?.reshape((length, length))?;
    let scores = scores.broadcast_add(&hidden)?;
    let powers = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

struct Causal;

impl CustomOp1 for Causal {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, scores: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let length = layout.shape().dims().last().copied().unwrap_or(1);
        let mut out = floats(scores, layout)?.to_vec();
        for (at, row) in out.chunks_exact_mut(length).enumerate() {
            let (seen, future) = row.split_at_mut(at % length + 1);
            let top = maximum(seen);
            let sum = exponentials(seen, top, 1.0);
            multiply(seen, 1.0 / sum);
            future.fill(0.0);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, scores: &Tensor, out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let length = scores.dim(D::Minus1)?;
        let out = out.flatten_all()?.to_vec1::<f32>()?;
        let mut gradient = gradient.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        for (gradient, out) in gradient.chunks_exact_mut(length).zip(out.chunks_exact(length)) {
            // Where nothing was seen `out` is 0, and so is the gradient.
            let mean: f32 = gradient.iter().zip(out).map(|(gradient, out)| gradient * out).sum();
            for (gradient, out) in gradient.iter_mut().zip(out) {
                *gradient = out * (*gradient - mean);
            }
        }
        Ok(Some(Tensor::from_vec(gradient, scores.shape(), scores.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn fused_and_composed_agree_and_the_gradient_is_that_of_finite_differences() {
        let scores = tensor(&[2, 2, 5, 5], 7);
        let (fused, other) = (causal_softmax(&scores).unwrap(), composed(&scores).unwrap());
        let apart = (fused - other).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-6, "{apart}");
        assert_gradients(&[scores], |inputs| causal_softmax(&inputs[0]));
    }

    #[test]
    fn a_row_sees_nothing_after_itself() {
        let rows = causal_softmax(&tensor(&[1, 4, 4], 1)).unwrap().squeeze(0).unwrap().to_vec2::<f32>().unwrap();
        for (at, row) in rows.iter().enumerate() {
            assert!(row[at + 1..].iter().all(|weight| *weight == 0.0));
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}
