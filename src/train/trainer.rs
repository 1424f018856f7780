//! The training loop: a pass, a look at the validation cases, and an end when they say so. After every pass its state may be
//! kept, so that a training that was cut off goes on from there.

use super::adam::Adam;
use super::dataset::Case;
use super::encoder::Encoder;
use super::error::TrainError;
use super::evaluate::{Terms, measure};
use super::history::History;
use super::learner::Learner;
use super::metrics::{ndcg, reciprocal};
use super::passes::{Data, Pass, Told, Watch};
use super::recipe::Recipe;
use super::state::{self, State};
use crate::model::{ModelConfig, Transformer, Weights, device};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

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

impl Trained {
    /// What validation found after the pass that it is of; none without validation.
    pub fn metric(&self) -> Option<f64> {
        self.passes.get(self.epoch.checked_sub(1)?)?.metric
    }
}

/// Another training of the same data, to be beaten.
#[derive(Clone, Copy)]
pub(super) struct Rival {
    /// What validation found after its best pass.
    pub(super) metric: f64,
    /// Passes within which it has to be beaten.
    pub(super) passes: usize,
}

impl Rival {
    /// Whether it was not beaten while there was time.
    fn stands(self, state: &State) -> bool {
        let best = state.passes.iter().filter_map(|pass| pass.metric).max_by(f64::total_cmp);
        state.passes.len() >= self.passes && best.is_none_or(|best| best <= self.metric)
    }
}

/// Trains a model.
///
/// # Errors
/// Settings out of bounds, nothing to learn, a state that cannot be kept or is another training's, candle's.
pub fn train(config: &ModelConfig, recipe: &Recipe, data: Data<'_>, watch: Watch<'_>) -> Result<Trained, TrainError> {
    train_against(None, config, recipe, data, watch)
}

/// The same, but ended where the rival stands.
///
/// # Errors
/// As above.
pub(super) fn train_against(
    rival: Option<Rival>,
    config: &ModelConfig,
    recipe: &Recipe,
    data: Data<'_>,
    watch: Watch<'_>,
) -> Result<Trained, TrainError> {
    let usable: Vec<&History> = data.sequences.iter().filter(|history| history.len() >= 2).collect();
    if usable.is_empty() {
        return Err(TrainError::Unfit("no sequence has two items: there is nothing to learn".into()));
    }
    let mut weights = Weights::fresh_on(recipe.seed, device::training()?);
    let model = Transformer::new(config, data.attributes, &mut weights)?;
    let cases = drawn(data.validation, recipe);
    let mut learner = Learner { adam: Adam::new(weights.variables().values().cloned()), model };
    let of = state::fingerprint(config, recipe, &data);
    let mut state = match data.keep {
        Some(path) => State::read(path, &of, &weights, &mut learner.adam)?,
        None => State::default(),
    };
    state.passes.iter().for_each(|pass| watch(Told::Pass(pass)));
    while !state.ended(recipe) && !rival.is_some_and(|rival| rival.stands(&state)) {
        let (began, epoch) = (Instant::now(), state.passes.len() + 1);
        let mut tell = |done, of, loss| watch(Told::Step { epoch, done, of, loss });
        let rate = rate(recipe, data.rates, &state.passes);
        let loss = learner.pass(&usable, recipe, (epoch, rate), &mut tell)?;
        let seconds = began.elapsed().as_secs_f64();
        let encoder = Encoder::new(learner.model)?;
        let metric = validate(&encoder, &cases, data.terms)?;
        learner.model = encoder.into_model();
        let pass = Pass { epoch, loss, metric, rate, seconds };
        watch(Told::Pass(&pass));
        state.add(pass, &weights)?;
        if let Some(path) = data.keep {
            state.write(path, &of, &weights, &learner.adam)?;
        }
    }
    let State { passes, best, mut tensors } = state;
    if config.attributes > 0 || config.text > 0 {
        forget_unmet(&mut tensors, &usable)?;
    }
    // From here on the model is as it is served: what is written of its items is within their vectors.
    Transformer::put_texts_within(config, data.attributes, &mut tensors)?;
    let known = Arc::new(data.attributes.without_texts());
    let model = Transformer::new(config, &known, &mut Weights::read(tensors.clone(), Device::Cpu))?;
    Ok(Trained { encoder: Encoder::new(model)?, tensors, epoch: best, passes })
}

/// The rate of the next pass. It follows from the passes alone, so that a training that was cut off goes on with it.
fn rate(recipe: &Recipe, found: &[f32], passes: &[Pass]) -> f32 {
    if let Some(rate) = found.get(passes.len()).or(found.last()) {
        return *rate;
    }
    let (mut rate, mut best) = (recipe.rate, None);
    for metric in passes.iter().filter_map(|pass| pass.metric) {
        if best.is_some_and(|best| metric <= best) { rate *= recipe.slows } else { best = Some(metric) }
    }
    rate
}

/// The name of the items' own vectors among the weights.
const ITEMS: &str = "items";

/// Takes from items that were never met what they learned of themselves: only that they were never the answer. What they
/// are known by stays, so that they are ranked like others that are known by the same.
fn forget_unmet(tensors: &mut HashMap<String, Tensor>, sequences: &[&History]) -> Result<(), TrainError> {
    let Some(items) = tensors.get(ITEMS) else { return Ok(()) };
    let (rows, width) = items.dims2()?;
    let mut met = vec![false; rows];
    sequences.iter().flat_map(|history| history.iter()).for_each(|row| met[*row as usize] = true);
    let mut values = items.flatten_all()?.to_vec1::<f32>()?;
    values.chunks_exact_mut(width).zip(met).filter(|(_, met)| !met).for_each(|(vector, _)| vector.fill(0.0));
    let forgotten = Tensor::from_vec(values, (rows, width), &Device::Cpu)?;
    tensors.insert(ITEMS.to_owned(), forgotten);
    Ok(())
}

/// At most as many cases as the recipe says, the same for the same seed.
fn drawn(cases: &[Case], recipe: &Recipe) -> Vec<Case> {
    let mut cases = cases.to_vec();
    cases.shuffle(&mut ChaCha8Rng::seed_from_u64(recipe.seed ^ 0xca5e));
    cases.truncate(recipe.cases);
    cases
}

fn validate(encoder: &Encoder, cases: &[Case], terms: Terms<'_>) -> Result<Option<f64>, TrainError> {
    if cases.is_empty() {
        return Ok(None);
    }
    let ranks = measure(encoder, cases, terms)?.ranks;
    let value = |rank: &f32| if terms.mask_seen { ndcg(*rank, 10.0) } else { reciprocal(*rank, 20.0) };
    Ok(Some(ranks.iter().map(value).sum::<f64>() / ranks.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::super::ranker::Ranker;
    use super::*;
    use crate::features::Attributes;
    use std::path::Path;

    /// Item follows item around a circle: what comes next is sure.
    fn circle() -> Vec<History> {
        (0..60u32).map(|user| (0..6).map(|at| (user + at) % 20 + 1).collect()).collect()
    }

    const TERMS: Terms<'_> = Terms { rows: 21, mask_seen: true, counts: &[0; 21] };

    fn learned(recipe: &Recipe, validation: &[Case], keep: Option<&Path>) -> Result<Trained, TrainError> {
        let sequences = circle();
        let attributes = Arc::default();
        let data = Data { sequences: &sequences, validation, terms: TERMS, attributes: &attributes, rates: &[], keep };
        let config = ModelConfig { width: 16, max_length: 8, ..ModelConfig::small(21) };
        train(&config, recipe, data, &mut |_| ())
    }

    fn trained(recipe: &Recipe, validation: &[Case]) -> Trained {
        learned(recipe, validation, None).unwrap()
    }

    fn recipe() -> Recipe {
        Recipe { epochs: 20, batch: 8, rate: 1e-2, dropout: 0.1, ..Recipe::default() }
    }

    fn next() -> Vec<Case> {
        (0..20).map(|at| Case { history: vec![at + 1, (at + 1) % 20 + 1].into(), target: (at + 2) % 20 + 1 }).collect()
    }

    fn assert_same(one: &Trained, other: &Trained) {
        assert_eq!(one.epoch, other.epoch);
        for (name, tensor) in &one.tensors {
            let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(numbers(tensor), numbers(&other.tensors[name]), "{name}");
        }
    }

    #[test]
    fn a_sure_order_is_learned_and_the_same_seed_learns_the_same() {
        let one = trained(&recipe(), &next());
        assert!(one.passes[one.epoch - 1].metric > Some(0.95), "{:?}", one.passes);
        let again = validate(&one.encoder, &next(), TERMS).unwrap();
        assert_eq!(again, one.passes[one.epoch - 1].metric, "the best pass is the one kept");
        assert_same(&one, &trained(&recipe(), &next()));
    }

    #[test]
    fn an_item_never_met_is_ranked_by_what_it_is_known_by() {
        // Red items follow red ones and blue ones blue; 21 and 22 were never met.
        let of = |item: u32| if item == 21 || (item < 21 && item.is_multiple_of(2)) { "red" } else { "blue" };
        let names: Vec<Vec<&str>> = (0..23).map(|item| if item == 0 { vec![] } else { vec![of(item)] }).collect();
        let attributes = Arc::new(Attributes::new(&names));
        let sequences: Vec<History> =
            (0..60u32).map(|user| (0..6).map(|at| (user * 7 + at * (user % 9 + 1) * 2) % 20 + 1).collect()).collect();
        let terms = Terms { rows: 23, mask_seen: true, counts: &[0; 23] };
        let data =
            Data { sequences: &sequences, validation: &[], terms, attributes: &attributes, rates: &[], keep: None };
        let config = ModelConfig { width: 16, max_length: 8, attributes: 2, ..ModelConfig::small(23) };
        let trained = train(&config, &Recipe { epochs: 8, ..recipe() }, data, &mut |_| ()).unwrap();
        let mut scores = vec![0f32; 23];
        trained.encoder.score(&[&vec![2, 6, 10].into()], &mut scores).unwrap();
        assert!(scores[21] > 1.5 * scores[22], "{} {}", scores[21], scores[22]);
        scores.fill(0.0);
        trained.encoder.score(&[&vec![3, 7, 11].into()], &mut scores).unwrap();
        assert!(scores[22] > 1.5 * scores[21], "{} {}", scores[21], scores[22]);
    }

    #[test]
    fn drawn_items_teach_the_order_too() {
        let one = trained(&Recipe { negatives: 6, ..recipe() }, &next());
        assert!(one.passes[one.epoch - 1].metric > Some(0.9), "{:?}", one.passes);
    }

    #[test]
    fn the_rate_falls_after_passes_that_are_not_better_and_is_the_one_found_elsewhere_where_there_is_one() {
        let pass =
            |(metric, epoch): (f64, usize)| Pass { epoch, loss: 1.0, metric: Some(metric), rate: 0.0, seconds: 0.0 };
        let passes: Vec<Pass> = [0.1, 0.3, 0.2, 0.3, 0.4].into_iter().zip(1..).map(pass).collect();
        let recipe = Recipe { rate: 0.8, slows: 0.5, ..recipe() };
        let rates: Vec<f32> = (0..=5).map(|made| rate(&recipe, &[], &passes[..made])).collect();
        assert_eq!(rates, [0.8, 0.8, 0.8, 0.4, 0.2, 0.2]);
        let found: Vec<f32> = (0..3).map(|made| rate(&recipe, &[0.3, 0.1], &passes[..made])).collect();
        assert_eq!(found, [0.3, 0.1, 0.1]);
    }

    #[test]
    fn without_validation_every_pass_is_made() {
        let recipe = Recipe { epochs: 3, ..recipe() };
        assert_eq!(trained(&recipe, &[]).epoch, 3);
    }

    #[test]
    fn it_ends_when_validation_no_longer_grows() {
        let never = [Case { history: vec![1].into(), target: 0 }];
        let recipe = Recipe { epochs: 50, patience: 2, ..recipe() };
        assert_eq!(trained(&recipe, &never).passes.len(), 3);
    }

    #[test]
    fn a_training_cut_off_after_any_pass_goes_on_as_if_it_had_not_been() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let whole = trained(&Recipe { epochs: 6, ..recipe() }, &next());
        for cut in [1, 4, 6] {
            learned(&Recipe { epochs: cut, ..recipe() }, &next(), Some(&path)).unwrap();
        }
        let resumed = learned(&Recipe { epochs: 6, ..recipe() }, &next(), Some(&path)).unwrap();
        assert_same(&whole, &resumed);
        let metrics = |trained: &Trained| trained.passes.iter().map(|pass| pass.metric).collect::<Vec<_>>();
        assert_eq!(metrics(&whole), metrics(&resumed));
    }

    #[test]
    fn the_state_of_another_training_or_a_broken_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        learned(&Recipe { epochs: 1, ..recipe() }, &next(), Some(&path)).unwrap();
        let other = learned(&Recipe { epochs: 2, seed: 2, ..recipe() }, &next(), Some(&path));
        assert!(other.err().unwrap().to_string().contains("another training"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(learned(&recipe(), &next(), Some(&path)).is_err());
    }
}
