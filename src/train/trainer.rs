//! The training loop: shuffled batches of like length, the loss at every place that has a next item, and an end when the
//! validation cases say so.

use super::adam::Adam;
use super::dataset::Case;
use super::encoder::Encoder;
use super::error::TrainError;
use super::evaluate::{Terms, measure};
use super::loss::linear_cross_entropy;
use super::metrics::{ndcg, reciprocal};
use crate::features::{Attributes, Padded, Sequence};
use crate::model::{Batch, ModelConfig, ModelError, Noise, Transformer, Weights, buckets};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The most passes over the data.
    pub epochs: usize,
    /// Passes without a better validation before it ends.
    pub patience: usize,
    /// Sequences a step.
    pub batch: usize,
    /// The rate of learning.
    pub rate: f32,
    /// Share of places dropped.
    pub dropout: f32,
    /// What weights, order and noise grow from.
    pub seed: u64,
    /// The most validation cases looked at after a pass.
    pub cases: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { epochs: 60, patience: 5, batch: 128, rate: 1e-3, dropout: 0.3, seed: 1, cases: 8_000 }
    }
}

/// What is learned from and measured on.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// Sequences of rows, oldest first.
    pub sequences: &'a [Vec<u32>],
    /// What says when to end; where there is none every pass is made.
    pub validation: &'a [Case],
    /// How validation is measured.
    pub terms: Terms<'a>,
    /// What is known of the items.
    pub attributes: &'a Arc<Attributes>,
}

/// One pass over the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// From 1.
    pub epoch: usize,
    /// The mean loss.
    pub loss: f64,
    /// NDCG@10, or MRR@20 where seen items are ranked, on the validation cases; 0 without any.
    pub metric: f64,
    /// How long learning took.
    pub took: Duration,
}

/// A model and how it came about.
pub struct Trained {
    /// Ready to rank.
    pub encoder: Encoder,
    /// Its weights by name.
    pub tensors: HashMap<String, Tensor>,
    /// The pass that it is of, from 1.
    pub epoch: usize,
    /// Every pass.
    pub passes: Vec<Pass>,
}

/// Trains a model; `watch` hears of every pass.
///
/// # Errors
/// Settings out of bounds, nothing to learn, candle's.
pub fn train(
    config: &ModelConfig,
    recipe: &Recipe,
    data: Data<'_>,
    watch: &mut dyn FnMut(&Pass),
) -> Result<Trained, TrainError> {
    let usable: Vec<&[u32]> = data.sequences.iter().map(Vec::as_slice).filter(|rows| rows.len() >= 2).collect();
    if usable.is_empty() {
        return Err(TrainError::Unfit("no sequence has two items: there is nothing to learn".into()));
    }
    let mut weights = Weights::fresh(recipe.seed);
    let model = Transformer::new(config, data.attributes, &mut weights)?;
    let mut random = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x5eed);
    let cases = drawn(data.validation, recipe.cases, &mut random);
    let mut learner = Learner {
        adam: Adam::new(weights.variables().values().cloned()),
        noise: Noise::seeded(recipe.seed, recipe.dropout),
        model,
    };
    let (mut passes, mut best) = (Vec::new(), (f64::NEG_INFINITY, 0, HashMap::new()));
    for epoch in 1..=recipe.epochs.max(1) {
        let began = Instant::now();
        let loss = learner.pass(&usable, recipe, &mut random)?;
        let took = began.elapsed();
        let encoder = Encoder::new(learner.model)?;
        let metric = validate(&encoder, &cases, data.terms)?;
        learner.model = encoder.into_model();
        let pass = Pass { epoch, loss, metric, took };
        watch(&pass);
        passes.push(pass);
        if metric > best.0 || cases.is_empty() {
            best = (metric, epoch, copies(&weights)?);
        } else if epoch - best.1 >= recipe.patience {
            break;
        }
    }
    let tensors = best.2;
    let model = Transformer::new(config, data.attributes, &mut Weights::read(tensors.clone(), Device::Cpu))?;
    Ok(Trained { encoder: Encoder::new(model)?, tensors, epoch: best.1, passes })
}

/// At most `most` cases, the same for the same state.
fn drawn(cases: &[Case], most: usize, random: &mut ChaCha8Rng) -> Vec<Case> {
    let mut cases = cases.to_vec();
    cases.shuffle(random);
    cases.truncate(most);
    cases
}

fn copies(weights: &Weights) -> Result<HashMap<String, Tensor>, TrainError> {
    let copy = |(name, weight): (&String, &candle_core::Var)| Ok((name.clone(), weight.as_tensor().copy()?.detach()));
    weights.variables().iter().map(copy).collect()
}

fn validate(encoder: &Encoder, cases: &[Case], terms: Terms<'_>) -> Result<f64, TrainError> {
    if cases.is_empty() {
        return Ok(0.0);
    }
    let ranks = measure(encoder, cases, terms)?.ranks;
    let value = |rank: &f32| if terms.mask_seen { ndcg(*rank, 10.0) } else { reciprocal(*rank, 20.0) };
    Ok(ranks.iter().map(value).sum::<f64>() / ranks.len() as f64)
}

struct Learner {
    model: Transformer,
    adam: Adam,
    noise: Noise,
}

impl Learner {
    /// One pass over the sequences, in batches whose order is shuffled; the mean loss of a place.
    fn pass(&mut self, sequences: &[&[u32]], recipe: &Recipe, random: &mut ChaCha8Rng) -> Result<f64, TrainError> {
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.shuffle(random);
        let mut groups = buckets(&order, recipe.batch, |at| sequences[at].len());
        groups.shuffle(random);
        let (mut sum, mut places) = (0f64, 0usize);
        for group in groups {
            let (loss, count) = self.step(group.iter().map(|at| sequences[*at]), recipe.rate)?;
            sum += loss * count as f64;
            places += count;
        }
        Ok(sum / places.max(1) as f64)
    }

    /// One step; the mean loss, and over how many places.
    fn step<'a>(&mut self, rows: impl Iterator<Item = &'a [u32]>, rate: f32) -> Result<(f64, usize), TrainError> {
        let config = self.model.config().clone();
        let (mut sequences, mut places, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let mut nexts = Vec::new();
        for rows in rows {
            let newest = &rows[rows.len().saturating_sub(config.max_length + 1)..];
            sequences.push(Sequence::of_rows(&newest[..newest.len() - 1], config.max_length));
            nexts.push(&newest[1..]);
        }
        let padded = Padded::new(&sequences.iter().collect::<Vec<_>>());
        for (at, next) in nexts.into_iter().enumerate() {
            places.extend((0..next.len()).map(|place| (at * padded.length + place) as u32));
            targets.extend_from_slice(next);
        }
        let batch = Batch::new(&padded, &config, &Device::Cpu)?;
        let table = self.model.table()?;
        let states = self.model.encode(&table, &batch, &self.noise)?;
        let states = states.reshape((padded.batch * padded.length, config.width))?;
        let states = states.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?;
        let loss = linear_cross_entropy(&states, &self.model.targets(&table)?, &targets)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            let why = "the loss is no longer a number: lower the rate of learning".to_owned();
            return Err(TrainError::Model(ModelError::Weights(why)));
        }
        self.adam.step(&loss.backward()?, rate)?;
        Ok((value, targets.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Item follows item around a circle: what comes next is sure.
    fn circle() -> Vec<Vec<u32>> {
        (0..60u32).map(|user| (0..6).map(|at| (user + at) % 20 + 1).collect()).collect()
    }

    fn trained(recipe: &Recipe, validation: &[Case]) -> Trained {
        let sequences = circle();
        let terms = Terms { rows: 21, mask_seen: true, counts: &[0; 21] };
        let attributes = Arc::default();
        let data = Data { sequences: &sequences, validation, terms, attributes: &attributes };
        let config = ModelConfig { width: 16, max_length: 8, ..ModelConfig::small(21) };
        train(&config, recipe, data, &mut |_| ()).unwrap()
    }

    fn recipe() -> Recipe {
        Recipe { epochs: 20, batch: 8, rate: 1e-2, dropout: 0.1, ..Recipe::default() }
    }

    #[test]
    fn a_sure_order_is_learned_and_the_same_seed_learns_the_same() {
        let validation: Vec<Case> =
            (0..20).map(|at| Case { history: vec![at + 1, (at + 1) % 20 + 1], target: (at + 2) % 20 + 1 }).collect();
        let one = trained(&recipe(), &validation);
        assert!(one.passes[one.epoch - 1].metric > 0.95, "{:?}", one.passes);
        let terms = Terms { rows: 21, mask_seen: true, counts: &[0; 21] };
        let again = validate(&one.encoder, &validation, terms).unwrap();
        assert!((again - one.passes[one.epoch - 1].metric).abs() < 1e-9, "the best pass is the one kept");
        let other = trained(&recipe(), &validation);
        assert_eq!(one.epoch, other.epoch);
        for (name, tensor) in &one.tensors {
            let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(numbers(tensor), numbers(&other.tensors[name]), "{name}");
        }
    }

    #[test]
    fn without_validation_every_pass_is_made() {
        let recipe = Recipe { epochs: 3, ..recipe() };
        assert_eq!(trained(&recipe, &[]).epoch, 3);
    }

    #[test]
    fn it_ends_when_validation_no_longer_grows() {
        let never = [Case { history: vec![1], target: 0 }];
        let recipe = Recipe { epochs: 50, patience: 2, ..recipe() };
        assert_eq!(trained(&recipe, &never).passes.len(), 3);
    }
}
