//! The weights by name: fresh from a seed, to be trained, or read, to serve.
//!
//! Layers take theirs by name and shape. What was read must have every weight asked for in the shape asked for, and after
//! the model is made nothing may be left ([`Weights::finish`]).

use super::error::ModelError;
use candle_core::{DType, Device, Tensor, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};

/// How a fresh weight begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Initial {
    /// Normally distributed around 0.
    Normal(f32),
    /// The same number everywhere.
    Constant(f32),
}

/// Where layers take their weights from.
pub struct Weights {
    device: Device,
    source: Source,
    variables: BTreeMap<String, Var>,
}

enum Source {
    Fresh(Box<ChaCha8Rng>),
    Read(HashMap<String, Tensor>),
}

impl Weights {
    /// New weights on the CPU: the same seed, the same weights.
    pub fn fresh(seed: u64) -> Self {
        Self::fresh_on(seed, Device::Cpu)
    }

    /// The same on a device; the numbers are the same on every one.
    pub fn fresh_on(seed: u64, device: Device) -> Self {
        let source = Source::Fresh(Box::new(ChaCha8Rng::seed_from_u64(seed)));
        Self { device, source, variables: BTreeMap::new() }
    }

    /// Weights as read, for serving: they cannot be trained.
    pub fn read(tensors: HashMap<String, Tensor>, device: Device) -> Self {
        Self { device, source: Source::Read(tensors), variables: BTreeMap::new() }
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What can be trained, by name in order.
    pub fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    /// The weight of a name.
    pub(super) fn take(&mut self, name: &str, dims: &[usize], initial: Initial) -> Result<Tensor, ModelError> {
        match &mut self.source {
            Source::Fresh(random) => {
                let count = dims.iter().product();
                let values: Vec<f32> = match initial {
                    Initial::Normal(deviation) => (0..count).map(|_| normal(random) * deviation).collect(),
                    Initial::Constant(value) => vec![value; count],
                };
                let variable = Var::from_vec(values, dims, &self.device)?;
                let tensor = variable.as_tensor().clone();
                self.variables.insert(name.to_owned(), variable);
                Ok(tensor)
            }
            Source::Read(tensors) => {
                let tensor = tensors
                    .remove(name)
                    .ok_or_else(|| ModelError::Weights(format!("{name} is missing from the file")))?;
                if tensor.dims() != dims || tensor.dtype() != DType::F32 {
                    let found = format!("{:?} of {:?}", tensor.dtype(), tensor.dims());
                    return Err(ModelError::Weights(format!(
                        "{name} is {found}; the settings ask for F32 of {dims:?}"
                    )));
                }
                let largest = tensor.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
                let sum = tensor.sum_all()?.to_scalar::<f32>()?;
                if !largest.is_finite() || !sum.is_finite() {
                    return Err(ModelError::Weights(format!("{name} holds what is not a finite number")));
                }
                Ok(tensor)
            }
        }
    }

    /// Asserts that every weight read was asked for.
    ///
    /// # Errors
    /// `ModelError::Weights` names one that was not.
    pub(super) fn finish(&self) -> Result<(), ModelError> {
        match &self.source {
            Source::Read(left) if !left.is_empty() => {
                let name = left.keys().min().map_or("", String::as_str);
                Err(ModelError::Weights(format!("{name} is in the file and not in the model")))
            }
            Source::Read(_) | Source::Fresh(_) => Ok(()),
        }
    }
}

/// A number of the standard normal distribution. Source: Box and Muller, 1958.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    // From above 0, so that the logarithm is finite.
    let (radius, angle): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    ((-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_normal_numbers() {
        let take = |seed| {
            let mut weights = Weights::fresh(seed);
            weights
                .take("a", &[100, 100], Initial::Normal(0.5))
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        let numbers = take(1);
        assert_eq!(numbers, take(1));
        assert_ne!(numbers, take(2));
        let deviation = (numbers.iter().map(|x| x * x).sum::<f32>() / 10_000.0).sqrt();
        assert!((deviation - 0.5).abs() < 0.02, "{deviation}");
    }

    #[test]
    fn what_was_read_must_fit_by_name_shape_and_number() {
        let read = |values: [f32; 2]| {
            let tensor = Tensor::new(&values, &Device::Cpu).unwrap();
            Weights::read(HashMap::from([("a".to_owned(), tensor)]), Device::Cpu)
        };
        let take = |mut weights: Weights, name: &str, dims: &[usize]| {
            weights.take(name, dims, Initial::Constant(0.0)).and_then(|_| weights.finish())
        };
        assert!(take(read([1.0, 2.0]), "a", &[2]).is_ok());
        assert!(take(read([1.0, 2.0]), "b", &[2]).unwrap_err().to_string().contains("missing"));
        assert!(take(read([1.0, 2.0]), "a", &[3]).unwrap_err().to_string().contains("[3]"));
        assert!(take(read([1.0, f32::NAN]), "a", &[2]).unwrap_err().to_string().contains("finite"));
        assert!(take(read([f32::INFINITY, 0.0]), "a", &[2]).unwrap_err().to_string().contains("finite"));
        assert!(read([1.0, 2.0]).finish().unwrap_err().to_string().contains("not in the model"));
    }
}
