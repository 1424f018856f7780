//! The gradient of a function of tensors, compared with finite differences. Compiled for tests only.

use candle_core::{Device, Result, Tensor, Var};

/// Numbers between -1 and 1 that look random, the same each time.
pub(crate) fn tensor(dims: &[usize], seed: u64) -> Tensor {
    let count = dims.iter().product::<usize>();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    for _ in 0..20 {
        next();
    }
    Tensor::from_vec((0..count).map(|_| next()).collect::<Vec<_>>(), dims, &Device::Cpu).unwrap()
}

/// Asserts that every input's gradient of a weighted sum of the function's outcome is what two small steps show.
pub(crate) fn assert_gradients(inputs: &[Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let sum = |inputs: &[Tensor]| -> Tensor {
        let out = function(inputs).unwrap();
        // Weights, because the plain sum of a softmax or a norm does not change.
        (&out * tensor(out.dims(), 99)).unwrap().sum_all().unwrap()
    };
    let variables: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(&input.copy().unwrap()).unwrap()).collect();
    let tracked: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
    let gradients = sum(&tracked).backward().unwrap();
    for (at, variable) in variables.iter().enumerate() {
        let found = gradients.get(variable).expect("a gradient was cut").flatten_all().unwrap();
        let found = found.to_vec1::<f32>().unwrap();
        let values = inputs[at].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for place in 0..values.len() {
            let step = 2e-2f32;
            let moved = |by: f32| {
                let mut values = values.clone();
                values[place] += by;
                let mut inputs = inputs.to_vec();
                inputs[at] = Tensor::from_vec(values, inputs[at].shape(), &Device::Cpu).unwrap();
                f64::from(sum(&inputs).to_scalar::<f32>().unwrap())
            };
            // The five-point rule: with f32 a step must be large, and its error falls with the fourth power.
            let (near, far) = (moved(step) - moved(-step), moved(2.0 * step) - moved(-2.0 * step));
            let expected = (8.0 * near - far) / (12.0 * f64::from(step));
            let apart = (f64::from(found[place]) - expected).abs();
            assert!(
                apart < 2e-3 + 1e-2 * expected.abs(),
                "input {at}, place {place}: {} by backward, {expected} by differences",
                found[place]
            );
        }
    }
}
