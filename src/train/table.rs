//! The table: the model and its blend beside every baseline, on one test.

use super::baselines::{
    CoVisitation, CoVisitationConfig, Ease, ItemKnn, Popularity, Recency, SessionKnn, TextKnn, counts,
};
use super::blend::{Blend, Mixture};
use super::choose;
use super::encoder::Encoder;
use super::error::TrainError;
use super::evaluate::{Terms, measure};
use super::history::History;
use super::metrics::Metrics;
use super::passes::{Data, Pass, Watch};
use super::portrait::Portrait;
use super::proportions;
use super::ranker::Ranker;
use super::recipe::Recipe;
use super::snapshot;
use super::split::Split;
use super::trainer::{self, Trained};
use super::trial::{self, Trial, Tried};
use crate::features::Attributes;
use crate::model::ModelConfig;
use crate::model::drift::Snapshot;
use std::path::Path;
use std::sync::Arc;

/// Validation cases on which the blend is learned.
const BLENDED: usize = 4_000;
/// Training events up to which a target is rare.
const RARE: u32 = 3;
/// The line of what is served.
pub const BLEND: &str = "blend";

/// One ranker's line.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Line {
    /// The ranker.
    pub name: String,
    /// Over all cases.
    pub all: Metrics,
    /// Over cases whose target has 1 to 3 training events.
    pub rare: Metrics,
    /// Over cases whose target has a training event.
    pub warm: Metrics,
    /// Over cases whose target has none.
    pub cold: Metrics,
    /// Share of the items among the first ten of any case.
    pub coverage: f64,
    /// Mean training events of the items among the first ten, over that of the targets: 1 is no bias.
    pub popularity_bias: f64,
    /// What scoring a case took, in milliseconds.
    pub milliseconds: f64,
    /// The target's rank in each case, from 0.
    #[serde(skip)]
    pub ranks: Vec<f32>,
}

/// The whole table.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Table {
    /// The lines, the blend last.
    pub lines: Vec<Line>,
    /// What the blend is made of.
    pub mixture: Mixture,
    /// How well the blend ranks the validation cases that it was learned on.
    pub blended: f64,
    /// The pass that validation chose.
    pub epoch: usize,
    /// Passes made.
    pub passes: Vec<Pass>,
    /// The model's settings.
    pub config: ModelConfig,
    /// How it was trained.
    pub recipe: Recipe,
    /// The recipes that were tried, and what validation found of each.
    pub tried: Vec<Tried>,
    /// What reports draw.
    #[serde(skip)]
    pub portrait: Portrait,
    /// What sessions looked like, for serving to be compared with; nothing of a small test.
    #[serde(skip)]
    pub snapshot: Option<Snapshot>,
}

impl Table {
    /// The line of a ranker.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }
}

/// What is to be compared.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// What is learned and measured.
    pub split: &'a Split,
    /// What is known of the items.
    pub attributes: &'a Arc<Attributes>,
    /// The model.
    pub config: &'a ModelConfig,
    /// How it may be trained: validation says which of them it is, where there are several.
    pub recipes: &'a [Recipe],
    /// Whether plain SASRec is trained beside it, where the model is another.
    pub plain: bool,
    /// Rankers beside the baselines, such as the model that is served now.
    pub others: &'a [&'a dyn Ranker],
    /// Where the training's state is kept.
    pub keep: Option<&'a Path>,
}

/// Trains, and measures everything on the test.
///
/// # Errors
/// The trainer's.
pub fn compare(plan: Plan<'_>, watch: Watch<'_>) -> Result<Table, TrainError> {
    let Plan { split, attributes, config, recipes, .. } = plan;
    let learned = counts(&split.train, split.rows);
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &learned };
    let data =
        Data { sequences: &split.train, validation: &split.validation, terms, attributes, rates: &[], keep: plan.keep };
    let Trial { trained, recipe, tried } = trial::best(config, recipes, data, watch)?;
    let (epoch, passes) = (trained.epoch, trained.passes.clone());
    let counted = Counted::new(&split.train, split, attributes);
    let step = split.validation.len().div_ceil(BLENDED);
    let cases: Vec<_> = split.validation.iter().step_by(step.max(1)).cloned().collect();
    let (mixture, blended) = counted.blended(&trained.encoder, |parts| proportions::learn(parts, &cases, terms))?;
    drop(counted);
    let encoder = finally(plan, (config, &recipe), trained, data, watch)?;
    let plain = match (choose::plain(config), plan.plain) {
        (plain, true) if plain != *config => {
            let nothing = Arc::default();
            let data = Data { attributes: &nothing, keep: None, ..data };
            // As others train it, whatever suits the model beside it.
            let recipe = recipes.first().unwrap_or(&recipe);
            let trained = trainer::train(&plain, recipe, data, watch)?;
            Some(finally(plan, (&plain, recipe), trained, data, watch)?.named("SASRec"))
        }
        _ => None,
    };
    let (lines, portrait) = lines(plan, (&encoder, plain.as_ref()), &mixture, recipe.seed)?;
    let snapshot = snapshot::of(&encoder, split, attributes)?;
    let config = config.clone();
    Ok(Table { lines, mixture, blended, epoch, passes, config, recipe, tried, portrait, snapshot })
}

/// What is only counted and is a part of the blend beside the encoder.
struct Counted {
    covisitation: CoVisitation,
    sessions: SessionKnn,
    text: Option<TextKnn>,
}

impl Counted {
    fn new(sequences: &[History], split: &Split, attributes: &Attributes) -> Self {
        let config = CoVisitationConfig { repeats: !split.mask_seen, ..CoVisitationConfig::default() };
        Self {
            covisitation: CoVisitation::new(sequences, split.rows, config),
            sessions: SessionKnn::new(sequences, split.rows),
            text: (attributes.rows() == split.rows).then(|| TextKnn::new(attributes)),
        }
    }

    /// Hands on the parts of the blend: the encoder, and all that is here.
    fn blended<T>(&self, encoder: &Encoder, then: impl FnOnce(&[&dyn Ranker]) -> T) -> T {
        let mut parts: Vec<&dyn Ranker> = vec![encoder, &self.covisitation, &self.sessions];
        parts.extend(self.text.as_ref().map(|text| text as &dyn Ranker));
        then(&parts)
    }
}

/// The model learned again on all but the test, where the protocol says so; else as it is.
fn finally(
    plan: Plan<'_>,
    (config, recipe): (&ModelConfig, &Recipe),
    trained: Trained,
    data: Data<'_>,
    watch: Watch<'_>,
) -> Result<Encoder, TrainError> {
    if !plan.split.retrain {
        return Ok(trained.encoder);
    }
    let recipe = Recipe { epochs: trained.epoch, ..recipe.clone() };
    let rates: Vec<f32> = trained.passes.iter().map(|pass| pass.rate).collect();
    let data = Data { sequences: &plan.split.refit, validation: &[], rates: &rates, keep: None, ..data };
    Ok(trainer::train(config, &recipe, data, watch)?.encoder)
}

fn lines(
    plan: Plan<'_>,
    (encoder, plain): (&Encoder, Option<&Encoder>),
    mixture: &Mixture,
    seed: u64,
) -> Result<(Vec<Line>, Portrait), TrainError> {
    let split = plan.split;
    let counts = counts(&split.refit, split.rows);
    let counted = Counted::new(&split.refit, split, plan.attributes);
    let popularity = Popularity::new(&split.refit, split.rows);
    let recency = Recency::new(split.rows);
    let items = ItemKnn::new(&split.refit, split.rows);
    let ease = Ease::new(&split.refit, split.rows)?;
    let mut rankers: Vec<&dyn Ranker> =
        vec![&popularity, &recency, &counted.covisitation, &counted.sessions, &items, &ease];
    rankers.extend(counted.text.as_ref().map(|text| text as &dyn Ranker));
    rankers.extend(plain.map(|plain| plain as &dyn Ranker));
    rankers.extend(plan.others);
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &counts };
    counted.blended(encoder, |parts| {
        let blend = Blend::new(parts, mixture, terms);
        let all = rankers.into_iter().chain([encoder as &dyn Ranker, &blend]);
        let lines = all.map(|ranker| line(ranker, split, terms, seed)).collect::<Result<_, _>>()?;
        Ok((lines, Portrait::of(encoder, &blend, split, terms)?))
    })
}

/// Measures one ranker on the test.
pub(super) fn line(ranker: &dyn Ranker, split: &Split, terms: Terms<'_>, seed: u64) -> Result<Line, TrainError> {
    let count = |row: u32| terms.counts.get(row as usize).copied().unwrap_or(0);
    let of_targets: u64 = split.test.iter().map(|case| u64::from(count(case.target))).sum();
    let of_target = of_targets as f64 / split.test.len().max(1) as f64;
    let measured = measure(ranker, &split.test, terms)?;
    let of = |kind: &dyn Fn(u32) -> bool| measured.metrics_of(&split.test, |target| kind(count(target)), seed);
    Ok(Line {
        name: ranker.name().to_owned(),
        all: measured.metrics(seed),
        rare: of(&|count| (1..=RARE).contains(&count)),
        warm: of(&|count| count > 0),
        cold: of(&|count| count == 0),
        coverage: measured.covered as f64 / (split.rows - 1) as f64,
        popularity_bias: measured.popularity / of_target.max(1e-9),
        milliseconds: measured.milliseconds,
        ranks: measured.ranks,
    })
}
