//! Where a training stands: its passes, its weights, the best of them and the optimizer's memory, in one safetensors file
//! that is replaced whole after every pass. Whoever is cut off finds the last pass that was written.

use super::adam::Adam;
use super::error::TrainError;
use super::passes::{Data, Pass};
use super::recipe::Recipe;
use crate::model::{ModelConfig, Weights};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// The name under which [`Told`] stands in the file.
const TOLD: &str = "training";

/// Passes made, and the best of them.
#[derive(Default)]
pub(super) struct State {
    pub(super) passes: Vec<Pass>,
    /// The best pass, from 1; 0 before the first.
    pub(super) best: usize,
    /// Its weights.
    pub(super) tensors: HashMap<String, Tensor>,
}

/// What the file tells beside tensors.
#[derive(Serialize, Deserialize)]
struct Told {
    /// Which training it is of.
    of: String,
    passes: Vec<Pass>,
    best: usize,
    /// Steps of the optimizer.
    steps: i32,
}

impl State {
    /// Whether every pass is made or validation no longer grows.
    pub(super) fn ended(&self, recipe: &Recipe) -> bool {
        let made = self.passes.len();
        made >= recipe.epochs.max(1) || (self.best > 0 && made - self.best >= recipe.patience.max(1))
    }

    /// Adds a pass; its weights are the best where its metric is, or where there is none.
    pub(super) fn add(&mut self, pass: Pass, weights: &Weights) -> Result<(), TrainError> {
        let before = self.best.checked_sub(1).and_then(|at| self.passes.get(at));
        if pass.metric.is_none() || before.is_none_or(|before| pass.metric > before.metric) {
            self.best = pass.epoch;
            self.tensors = copies(weights)?;
        }
        self.passes.push(pass);
        Ok(())
    }

    /// Writes the state, beside the file first.
    pub(super) fn write(&self, path: &Path, of: &str, weights: &Weights, adam: &Adam) -> Result<(), TrainError> {
        let (steps, moments) = adam.moments();
        let mut tensors: BTreeMap<String, Tensor> = BTreeMap::new();
        for ((name, weight), (mean, square)) in weights.variables().iter().zip(moments) {
            tensors.insert(format!("now.{name}"), weight.as_tensor().clone());
            tensors.insert(format!("mean.{name}"), Tensor::new(mean, &Device::Cpu)?);
            tensors.insert(format!("square.{name}"), Tensor::new(square, &Device::Cpu)?);
        }
        for (name, best) in &self.tensors {
            tensors.insert(format!("best.{name}"), best.clone());
        }
        let told = Told { of: of.to_owned(), passes: self.passes.clone(), best: self.best, steps };
        let told = serde_json::to_string(&told).map_err(|error| TrainError::Unfit(error.to_string()))?;
        let bytes = safetensors::serialize(&tensors, Some(HashMap::from([(TOLD.to_owned(), told)])))
            .map_err(|error| TrainError::Unfit(format!("the training's state cannot be written: {error}")))?;
        let part = path.with_extension("part");
        let failed = |source| TrainError::File { path: path.to_owned(), source };
        fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(failed)
    }

    /// Reads the state and sets weights and optimizer to it; a training at its beginning where there is no file.
    pub(super) fn read(path: &Path, of: &str, weights: &Weights, adam: &mut Adam) -> Result<Self, TrainError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(TrainError::File { path: path.to_owned(), source }),
        };
        let broken = |why: &str| {
            TrainError::Unfit(format!("{} cannot be gone on from: {why}; begin again without --resume", path.display()))
        };
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).map_err(|_| broken("it is cut off"))?;
        let told = header.metadata().as_ref().and_then(|told| told.get(TOLD)).ok_or_else(|| broken("it is foreign"))?;
        let told: Told = serde_json::from_str(told).map_err(|_| broken("it is foreign"))?;
        if told.of != of {
            return Err(broken("it is of another training, of other data or settings"));
        }
        let mut tensors =
            candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|_| broken("it is cut off"))?;
        let mut take = |kind: &str, name: &str| tensors.remove(&format!("{kind}.{name}")).ok_or_else(|| broken(name));
        let (mut best, mut moments) = (HashMap::new(), Vec::new());
        for (name, weight) in weights.variables() {
            weight.set(&take("now", name)?.to_device(weight.as_tensor().device())?)?;
            best.insert(name.clone(), take("best", name)?);
            moments.push((take("mean", name)?.to_vec1()?, take("square", name)?.to_vec1()?));
        }
        adam.resume(told.steps, moments);
        Ok(Self { passes: told.passes, best: told.best, tensors: best })
    }
}

/// Copies on the processor, wherever the weights are.
fn copies(weights: &Weights) -> Result<HashMap<String, Tensor>, TrainError> {
    let copy = |(name, weight): (&String, &candle_core::Var)| {
        let weight = weight.as_tensor();
        let copied = if weight.device().is_cpu() { weight.copy()? } else { weight.to_device(&Device::Cpu)? };
        Ok((name.clone(), copied.detach()))
    };
    weights.variables().iter().map(copy).collect()
}

/// What a training is of: settings, data and seed, but not how long it may go on.
pub fn fingerprint(config: &ModelConfig, recipe: &Recipe, data: &Data<'_>) -> String {
    let mut hash = Sha256::new();
    let recipe = Recipe { epochs: 0, patience: 0, ..recipe.clone() };
    hash.update(format!("{config:?} {recipe:?} {}", data.terms.mask_seen));
    let mut rows = |rows: &[u32]| {
        hash.update((rows.len() as u64).to_le_bytes());
        rows.iter().for_each(|row| hash.update(row.to_le_bytes()));
    };
    for history in data.sequences.iter().chain(data.validation.iter().map(|case| &case.history)) {
        rows(history);
        rows(&history.actions().map(|action| action as u32).collect::<Vec<u32>>());
        history.times().for_each(|at| rows(&[(at >> 32) as u32, at as u32]));
    }
    let searched = data.sequences.iter().chain(data.validation.iter().map(|case| &case.history));
    for history in searched.filter(|_| config.searches) {
        for (before, at, query) in history.searches() {
            rows(&[before as u32, (at >> 32) as u32, at as u32]);
            rows(&query.bytes().map(u32::from).collect::<Vec<u32>>());
        }
    }
    data.validation.iter().for_each(|case| rows(&[case.target]));
    data.rates.iter().for_each(|rate| rows(&[rate.to_bits()]));
    (0..data.attributes.rows()).for_each(|row| rows(data.attributes.of(row)));
    if let Some((_, vectors)) = data.attributes.texts().filter(|_| config.text > 0) {
        vectors.iter().for_each(|value| rows(&[value.to_bits()]));
    }
    hex::encode(hash.finalize())
}
