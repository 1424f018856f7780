//! Adam, in place: candle-nn's makes several copies of every weight each step.

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};
use std::sync::{Mutex, PoisonError};

/// How much of the mean gradient stays each step, and of the mean square.
const STAYS: (f32, f32) = (0.9, 0.98);

/// The optimizer. Source: arXiv:1412.6980.
pub(super) struct Adam {
    weights: Vec<(Var, Moments)>,
    steps: i32,
}

/// Means and mean squares of a weight's gradients.
pub(super) type Means = (Vec<f32>, Vec<f32>);

impl Adam {
    pub(super) fn new(weights: impl IntoIterator<Item = Var>) -> Self {
        let begin = |weight: Var| {
            let count = weight.elem_count();
            (weight, Moments { means: Mutex::new((vec![0.0; count], vec![0.0; count])), rate: 0.0, root: 1.0 })
        };
        Self { weights: weights.into_iter().map(begin).collect(), steps: 0 }
    }

    /// Steps made, and the means and mean squares of each weight's gradients, in the order given at first.
    pub(super) fn moments(&self) -> (i32, Vec<Means>) {
        let of = |(_, moments): &(Var, Moments)| moments.means.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.steps, self.weights.iter().map(of).collect())
    }

    /// Goes on from what [`Adam::moments`] told. Those of another length are left as they were.
    pub(super) fn resume(&mut self, steps: i32, moments: Vec<Means>) {
        self.steps = steps;
        for ((weight, own), read) in self.weights.iter_mut().zip(moments) {
            if read.0.len() == weight.elem_count() && read.1.len() == weight.elem_count() {
                *own.means.get_mut().unwrap_or_else(PoisonError::into_inner) = read;
            }
        }
    }

    /// Moves every weight that has a gradient.
    pub(super) fn step(&mut self, gradients: &GradStore, rate: f32) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let corrected = (1.0 - STAYS.0.powi(self.steps), 1.0 - STAYS.1.powi(self.steps));
        for (weight, moments) in &mut self.weights {
            let Some(gradient) = gradients.get(weight.as_tensor()) else { continue };
            (moments.rate, moments.root) = (rate / corrected.0, 1.0 / corrected.1.sqrt());
            let (tensor, gradient): (&Tensor, Tensor) = (weight.as_tensor(), gradient.contiguous()?);
            if tensor.device().is_cpu() {
                tensor.inplace_op2(&gradient, moments)?;
            } else {
                // The moments stay here: what goes to and fro is small beside the products of matrices.
                let (mut numbers, gradient) = (tensor.flatten_all()?.to_vec1()?, gradient.flatten_all()?.to_vec1()?);
                moments.apply(&mut numbers, &gradient);
                weight.set(&Tensor::from_vec(numbers, tensor.shape(), tensor.device())?)?;
            }
        }
        Ok(())
    }
}

struct Moments {
    means: Mutex<Means>,
    rate: f32,
    root: f32,
}

impl Moments {
    /// Moves weights against their gradient.
    fn apply(&self, weight: &mut [f32], gradient: &[f32]) {
        let mut means = self.means.lock().unwrap_or_else(PoisonError::into_inner);
        let (mean, square) = &mut *means;
        let (rate, root) = (self.rate, self.root);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (((weight, gradient), mean), square) in weight.iter_mut().zip(gradient).zip(mean).zip(square) {
                    *mean = STAYS.0 * *mean + (1.0 - STAYS.0) * gradient;
                    *square = STAYS.1 * *square + (1.0 - STAYS.1) * gradient * gradient;
                    *weight -= rate * *mean / (square.sqrt() * root + 1e-8);
                }
            },
        );
    }
}

impl InplaceOp2 for Moments {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(&self, weight: &mut CpuStorage, to: &Layout, gradient: &CpuStorage, from: &Layout) -> Result<()> {
        let (CpuStorage::F32(weight), Some(to), Some(from)) =
            (weight, to.contiguous_offsets(), from.contiguous_offsets())
        else {
            bail!("weights are contiguous f32");
        };
        let (weight, gradient) = (&mut weight[to.0..to.1], &gradient.as_slice::<f32>()?[from.0..from.1]);
        self.apply(weight, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_first_step_moves_each_weight_by_the_rate_and_many_find_the_minimum() {
        let weight = Var::new(&[3f32, -2.0], &Device::Cpu).unwrap();
        let mut adam = Adam::new([weight.clone()]);
        let mut step = |rate| {
            let loss = weight.as_tensor().sqr().unwrap().sum_all().unwrap();
            adam.step(&loss.backward().unwrap(), rate).unwrap();
            weight.as_tensor().to_vec1::<f32>().unwrap()
        };
        let first = step(0.1);
        assert!((first[0] - 2.9).abs() < 1e-5 && (first[1] + 1.9).abs() < 1e-5, "{first:?}");
        let last = (0..500).map(|_| step(0.05)).last().unwrap();
        assert!(last.iter().all(|weight| weight.abs() < 0.01), "{last:?}");
    }
}
