//! Layer normalization with a backward pass; candle-nn's has none.

use super::error::ModelError;
use super::softmax::floats;
use super::weights::{Initial, Weights};
use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};

/// Keeps the division finite for a vector of equal numbers.
const EPSILON: f32 = 1e-6;

/// Each vector less its mean, over its deviation, times a gain, plus an offset. Source: arXiv:1607.06450.
pub(super) struct Norm {
    gain: Tensor,
    offset: Tensor,
}

impl Norm {
    pub(super) fn new(width: usize, name: &str, weights: &mut Weights) -> std::result::Result<Self, ModelError> {
        let gain = weights.take(&format!("{name}.gain"), &[width], Initial::Constant(1.0))?;
        let offset = weights.take(&format!("{name}.offset"), &[width], Initial::Constant(0.0))?;
        Ok(Self { gain, offset })
    }

    /// `[.., D] → [.., D]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() { x.contiguous()?.apply_op3(&self.gain, &self.offset, Fused) } else { self.composed(x) }
    }

    /// The same from candle's own operations, for devices that the fused one does not know.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + f64::from(EPSILON))?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(&self.gain)?.broadcast_add(&self.offset)
    }
}

/// The fused operation on the CPU: one pass forward, one back.
struct Fused;

/// Mean and inverse deviation of a vector.
fn moments(vector: &[f32]) -> (f32, f32) {
    let width = vector.len() as f32;
    let mean = vector.iter().sum::<f32>() / width;
    let variance = vector.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / width;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

impl CustomOp3 for Fused {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
        offset: &CpuStorage,
        offset_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, gain) = (floats(x, x_layout)?, floats(gain, gain_layout)?);
        let offset = floats(offset, offset_layout)?;
        let mut out = vec![0f32; x.len()];
        for (vector, out) in x.chunks_exact(gain.len()).zip(out.chunks_exact_mut(gain.len())) {
            let (mean, inverse) = moments(vector);
            for (((out, x), gain), offset) in out.iter_mut().zip(vector).zip(gain).zip(offset) {
                *out = (x - mean) * inverse * gain + offset;
            }
        }
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        _offset: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (shape, device, width) = (x.shape().clone(), x.device().clone(), gain.dim(0)?);
        let x = x.flatten_all()?.to_vec1::<f32>()?;
        let gain = gain.to_vec1::<f32>()?;
        let gradient = gradient.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let (mut to_x, mut to_gain, mut to_offset) = (vec![0f32; x.len()], vec![0f32; width], vec![0f32; width]);
        let (mut normal, mut pulled) = (vec![0f32; width], vec![0f32; width]);
        let vectors = x.chunks_exact(width).zip(gradient.chunks_exact(width)).zip(to_x.chunks_exact_mut(width));
        for ((vector, gradient), to_x) in vectors {
            let (mean, inverse) = moments(vector);
            let (mut sum, mut along) = (0f32, 0f32);
            for at in 0..width {
                normal[at] = (vector[at] - mean) * inverse;
                pulled[at] = gradient[at] * gain[at];
                to_gain[at] += gradient[at] * normal[at];
                to_offset[at] += gradient[at];
                sum += pulled[at];
                along += pulled[at] * normal[at];
            }
            let (sum, along) = (sum / width as f32, along / width as f32);
            for at in 0..width {
                to_x[at] = inverse * (pulled[at] - sum - normal[at] * along);
            }
        }
        Ok((
            Some(Tensor::from_vec(to_x, shape, &device)?),
            Some(Tensor::from_vec(to_gain, width, &device)?),
            Some(Tensor::from_vec(to_offset, width, &device)?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn fused_and_composed_agree_and_the_gradient_is_that_of_finite_differences() {
        let norm = Norm { gain: tensor(&[8], 3), offset: tensor(&[8], 4) };
        let x = tensor(&[2, 3, 8], 1);
        let (fused, composed) = (norm.forward(&x).unwrap(), norm.composed(&x).unwrap());
        let apart = (fused - composed).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-5, "{apart}");
        assert_gradients(&[x, norm.gain, norm.offset], |inputs| {
            Norm { gain: inputs[1].clone(), offset: inputs[2].clone() }.forward(&inputs[0])
        });
    }
}
