//! The loss: softmax cross-entropy over all items, without ever holding all logits.
//!
//! States and items are multiplied in chunks of rows; each chunk's logits become its gradient in place, and are multiplied
//! into the gradients of both sides before the next. Memory is that of a chunk, and each logit is computed once.

use crate::features::PADDING;
use crate::model::{exponentials, maximum};
use candle_core::{CpuStorage, CustomOp2, D, InplaceOp1, Layout, Result, Shape, Tensor, bail};
use std::sync::atomic::{AtomicU64, Ordering};

/// Logits of one chunk: 16 MiB of them stay near the processor.
const LOGITS: usize = 4 << 20;

/// The mean cross-entropy of `states [N, D]` against `items [V, D]` where `targets [N]` are the right rows; differentiable in
/// states and items. `offsets [V]` are added to the logits of the items; an empty slice adds nothing. Padding's row is never
/// in the sum.
///
/// # Errors
/// Shapes or targets that do not fit; candle's.
pub fn linear_cross_entropy(states: &Tensor, items: &Tensor, targets: &[u32], offsets: &[f32]) -> Result<Tensor> {
    let ((count, width), (rows, _)) = (states.dims2()?, items.dims2()?);
    if targets.len() != count || count == 0 || targets.iter().any(|target| *target as usize >= rows) {
        bail!("{} targets of {count} states and {rows} items", targets.len());
    }
    if !offsets.is_empty() && offsets.len() != rows {
        bail!("{} offsets of {rows} items", offsets.len());
    }
    if !states.device().is_cpu() {
        return composed(states, items, targets, offsets);
    }
    let (fixed, table) = (states.detach().contiguous()?, items.detach().contiguous()?);
    let chunk = (LOGITS / rows).clamp(16, 1024);
    let mut loss = 0f64;
    let mut to_states = Vec::new();
    let mut to_items = Tensor::zeros((rows, width), items.dtype(), items.device())?;
    for (at, targets) in targets.chunks(chunk).enumerate() {
        let part = fixed.narrow(0, at * chunk, targets.len())?;
        let logits = part.matmul(&table.t()?)?;
        let softmax = LogitsToGradient { targets, offsets, rows, share: 1.0 / count as f32, loss: AtomicU64::new(0) };
        logits.inplace_op1(&softmax)?;
        loss += f64::from_bits(softmax.loss.into_inner());
        to_states.push(logits.matmul(&table)?);
        to_items = (to_items + logits.t()?.matmul(&part)?)?;
    }
    let to_states = Tensor::cat(&to_states, 0)?;
    let loss = (loss / count as f64) as f32;
    states.contiguous()?.apply_op2(&items.contiguous()?, Known { loss, to_states, to_items })
}

/// The same from candle's own operations, for devices that the fused one does not know. All logits are there at once.
fn composed(states: &Tensor, items: &Tensor, targets: &[u32], offsets: &[f32]) -> Result<Tensor> {
    let (rows, device) = (items.dim(0)?, states.device());
    let mut offsets = if offsets.is_empty() { vec![0.0; rows] } else { offsets.to_vec() };
    // Padding is nobody's answer.
    offsets[PADDING as usize] = -1e30;
    let logits = states.matmul(&items.t()?)?.broadcast_add(&Tensor::new(offsets, device)?)?;
    let top = logits.max_keepdim(D::Minus1)?.detach();
    let total = (logits.broadcast_sub(&top)?.exp()?.sum_keepdim(D::Minus1)?.log()? + top)?;
    let own = logits.gather(&Tensor::new(targets, device)?.unsqueeze(1)?, 1)?;
    (total - own)?.mean_all()
}

/// Turns each row of logits into its softmax less the target's one, times a share.
struct LogitsToGradient<'a> {
    targets: &'a [u32],
    offsets: &'a [f32],
    rows: usize,
    share: f32,
    /// The sum of the losses, as the bits of an f64: the operation is called once, by reference.
    loss: AtomicU64,
}

impl InplaceOp1 for LogitsToGradient<'_> {
    fn name(&self) -> &'static str {
        "logits-to-gradient"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (Some((from, to)), CpuStorage::F32(values)) = (layout.contiguous_offsets(), storage) else {
            bail!("logits are contiguous f32");
        };
        let mut sum = 0f64;
        for (logits, target) in values[from..to].chunks_exact_mut(self.rows).zip(self.targets) {
            logits.iter_mut().zip(self.offsets).for_each(|(logit, offset)| *logit += offset);
            logits[PADDING as usize] = f32::MIN;
            let top = maximum(logits);
            let own = logits[*target as usize];
            let total = exponentials(logits, top, 1.0);
            sum += f64::from(total.ln() + top - own);
            let share = self.share / total;
            logits.iter_mut().for_each(|logit| *logit *= share);
            logits[*target as usize] -= self.share;
        }
        self.loss.store(sum.to_bits(), Ordering::Relaxed);
        Ok(())
    }
}

/// A function whose value and gradients are known.
struct Known {
    loss: f32,
    to_states: Tensor,
    to_items: Tensor,
}

impl CustomOp2 for Known {
    fn name(&self) -> &'static str {
        "linear-cross-entropy"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![self.loss]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let by = f64::from(gradient.to_scalar::<f32>()?);
        if (by - 1.0).abs() < f64::EPSILON {
            return Ok((Some(self.to_states.clone()), Some(self.to_items.clone())));
        }
        Ok((Some((&self.to_states * by)?), Some((&self.to_items * by)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn variable(rows: usize, width: usize, seed: f32) -> Var {
        let values = (0..rows * width).map(|at| ((at as f32 + seed) * 12.9898).sin()).collect::<Vec<_>>();
        Var::from_vec(values, (rows, width), &Device::Cpu).unwrap()
    }

    #[test]
    fn loss_and_gradients_are_those_of_the_naive_computation() {
        let (states, items) = (variable(40, 6, 1.0), variable(9, 6, 5.0));
        let targets: Vec<u32> = (0..40).map(|at| at % 8 + 1).collect();
        let offsets = [0.0, 0.5, -0.5, 1.0, 0.0, 0.2, 0.0, -2.0, 0.1];
        let fused = linear_cross_entropy(&states, &items, &targets, &offsets).unwrap();
        // Without padding's row.
        let logits = states.matmul(&items.narrow(0, 1, 8).unwrap().t().unwrap()).unwrap();
        let logits = logits.broadcast_add(&Tensor::new(&offsets[1..], &Device::Cpu).unwrap()).unwrap();
        let shifted: Vec<u32> = targets.iter().map(|target| target - 1).collect();
        let naive = candle_nn::loss::cross_entropy(&logits, &Tensor::new(shifted, &Device::Cpu).unwrap()).unwrap();
        let apart = (fused.to_scalar::<f32>().unwrap() - naive.to_scalar::<f32>().unwrap()).abs();
        assert!(apart < 1e-5, "{apart}");
        // Twice the loss: the gradient that comes in is heeded.
        let (fused, naive) = ((fused * 2.0).unwrap().backward().unwrap(), (naive * 2.0).unwrap().backward().unwrap());
        for variable in [&states, &items] {
            let (fused, naive) = (fused.get(variable).unwrap(), naive.get(variable).unwrap());
            let apart = (fused - naive).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(apart < 1e-6, "{apart}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (states, items) = (variable(2, 4, 1.0), variable(3, 4, 2.0));
        assert!(linear_cross_entropy(&states, &items, &[1], &[]).is_err());
        assert!(linear_cross_entropy(&states, &items, &[1, 3], &[]).is_err());
        assert!(linear_cross_entropy(&states, &items, &[1, 2], &[0.0]).is_err());
    }
}
