//! The table: the model and its blend beside every baseline, on one test.

use super::baselines::{CoVisitation, CoVisitationConfig, ItemKnn, Popularity, Recency, SessionKnn, counts};
use super::blend::{self, Blend};
use super::encoder::Encoder;
use super::error::TrainError;
use super::evaluate::{Terms, measure};
use super::metrics::Metrics;
use super::ranker::Ranker;
use super::split::Split;
use super::trainer::{self, Data, Pass, Recipe};
use crate::features::Attributes;
use crate::model::ModelConfig;
use std::sync::Arc;

/// Validation cases on which the blend is learned.
const BLENDED: usize = 4_000;
/// Training events up to which a target is rare.
const RARE: u32 = 3;

/// One ranker's line.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Line {
    /// The ranker.
    pub name: String,
    /// Over all cases.
    pub all: Metrics,
    /// Over cases whose target has 1 to 3 training events.
    pub rare: Metrics,
    /// Over cases whose target has none.
    pub cold: Metrics,
    /// Share of the items among the first ten of any case.
    pub coverage: f64,
    /// Mean training events of the items among the first ten, over that of the targets: 1 is no bias.
    pub popularity_bias: f64,
}

/// The whole table.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Table {
    /// The lines, the blend last.
    pub lines: Vec<Line>,
    /// The encoder's share in the blend.
    pub share: f32,
    /// The pass that validation chose.
    pub epoch: usize,
    /// Passes made.
    pub passes: usize,
}

/// Trains, and measures everything on the test.
///
/// # Errors
/// The trainer's.
pub fn compare(
    split: &Split,
    config: &ModelConfig,
    recipe: &Recipe,
    watch: &mut dyn FnMut(&Pass),
) -> Result<Table, TrainError> {
    let attributes: Arc<Attributes> = Arc::default();
    let learned = counts(&split.train, split.rows);
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &learned };
    let data = Data { sequences: &split.train, validation: &split.validation, terms, attributes: &attributes };
    let mut trained = trainer::train(config, recipe, data, watch)?;
    let (epoch, passes) = (trained.epoch, trained.passes.len());
    let covisited = CoVisitationConfig { repeats: !split.mask_seen, ..CoVisitationConfig::default() };
    let chosen = CoVisitation::new(&split.train, split.rows, covisited);
    let step = split.validation.len().div_ceil(BLENDED);
    let cases: Vec<_> = split.validation.iter().step_by(step.max(1)).cloned().collect();
    let (share, _) = blend::learn(&trained.encoder, &chosen, &cases, terms)?;
    if split.retrain {
        let recipe = Recipe { epochs: epoch, ..recipe.clone() };
        let data = Data { sequences: &split.refit, validation: &[], ..data };
        trained = trainer::train(config, &recipe, data, watch)?;
    }
    let lines = lines(split, &trained.encoder, covisited, (share, recipe.seed))?;
    Ok(Table { lines, share, epoch, passes })
}

fn lines(
    split: &Split,
    encoder: &Encoder,
    covisited: CoVisitationConfig,
    (share, seed): (f32, u64),
) -> Result<Vec<Line>, TrainError> {
    let counts = counts(&split.refit, split.rows);
    let covisitation = CoVisitation::new(&split.refit, split.rows, covisited);
    let popularity = Popularity::new(&split.refit, split.rows);
    let recency = Recency::new(split.rows);
    let sessions = SessionKnn::new(&split.refit, split.rows);
    let items = ItemKnn::new(&split.refit, split.rows);
    let blend = Blend::new(encoder, &covisitation, share);
    let rankers: [&dyn Ranker; 7] = [&popularity, &recency, &covisitation, &sessions, &items, encoder, &blend];
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &counts };
    let of_targets: u64 = split.test.iter().map(|case| u64::from(counts[case.target as usize])).sum();
    let of_target = of_targets as f64 / split.test.len().max(1) as f64;
    let line = |ranker: &&dyn Ranker| {
        let measured = measure(*ranker, &split.test, terms)?;
        let of =
            |kind: &dyn Fn(u32) -> bool| measured.metrics_of(&split.test, |target| kind(counts[target as usize]), seed);
        Ok(Line {
            name: ranker.name().to_owned(),
            all: measured.metrics(seed),
            rare: of(&|count| (1..=RARE).contains(&count)),
            cold: of(&|count| count == 0),
            coverage: measured.covered as f64 / (split.rows - 1) as f64,
            popularity_bias: measured.popularity / of_target.max(1e-9),
        })
    };
    rankers.iter().map(line).collect()
}
