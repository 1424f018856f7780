//! Which recipe suits the data: each of some is trained, and the one that validation finds best is kept.
//!
//! The first one is trained to its own end. Every other has as many passes as the best before it made to become clearly better
//! than that; one that does goes on to its own end, and one that does not ends there. So the first one is kept unless there is
//! a reason, with the weights that it would have had alone.

use super::error::TrainError;
use super::passes::{Data, Watch};
use super::recipe::Recipe;
use super::trainer::{self, Rival, Trained};
use crate::model::ModelConfig;
use std::path::{Path, PathBuf};

/// How much better than the best before it another recipe has to be: another seed changes as much, and no recipe is to be left
/// for that.
const BETTER: f64 = 1.02;

/// One recipe of a trial, and how well it did.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Tried {
    /// Sequences a step.
    pub batch: usize,
    /// Share of places dropped.
    pub dropout: f32,
    /// Passes made.
    pub passes: usize,
    /// What validation found after the best pass; none without validation cases.
    pub metric: Option<f64>,
}

/// What came of a trial.
pub(super) struct Trial {
    /// The best model.
    pub(super) trained: Trained,
    /// How it was trained.
    pub(super) recipe: Recipe,
    /// Every recipe tried, in order.
    pub(super) tried: Vec<Tried>,
}

/// Trains by each of the recipes, and keeps the model that validation finds best; the earlier one where two are nearly alike.
/// Without validation cases nothing can be compared, and the first one alone is trained.
///
/// # Errors
/// The trainer's; that there is no recipe.
pub(super) fn best(
    config: &ModelConfig,
    recipes: &[Recipe],
    data: Data<'_>,
    watch: Watch<'_>,
) -> Result<Trial, TrainError> {
    let Some((first, others)) = recipes.split_first() else {
        return Err(TrainError::Unfit("there is no recipe to train by".into()));
    };
    let trained = trainer::train(config, first, data, watch)?;
    let mut best = Trial { tried: vec![tried(first, &trained)], recipe: first.clone(), trained };
    for (at, recipe) in others.iter().enumerate() {
        let Some(metric) = best.trained.metric().map(|metric| metric * BETTER) else { break };
        let rival = Rival { metric, passes: best.trained.passes.len() };
        // Each has a state of its own, so that a trial that was cut off goes on with the one that it was at.
        let keep = data.keep.map(|path| beside(path, at + 2));
        let trained =
            trainer::train_against(Some(rival), config, recipe, Data { keep: keep.as_deref(), ..data }, watch)?;
        best.tried.push(tried(recipe, &trained));
        if trained.metric().is_some_and(|found| found > metric) {
            (best.trained, best.recipe) = (trained, recipe.clone());
        }
    }
    Ok(best)
}

fn tried(recipe: &Recipe, trained: &Trained) -> Tried {
    let Recipe { batch, dropout, .. } = *recipe;
    Tried { batch, dropout, passes: trained.passes.len(), metric: trained.metric() }
}

fn beside(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("-{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::dataset::Case;
    use super::super::evaluate::Terms;
    use super::super::history::History;
    use super::super::passes::Told;
    use super::*;
    use std::sync::Arc;

    const TERMS: Terms<'_> = Terms { rows: 21, mask_seen: true, counts: &[0; 21] };

    /// Item follows item around a circle, and nothing is learned of it at a rate of nothing.
    fn trial(recipes: &[Recipe], cases: bool, keep: Option<&Path>) -> (Trial, usize) {
        let sequences: Vec<History> = (0..60u32).map(|user| (0..6).map(|at| (user + at) % 20 + 1).collect()).collect();
        let next = |at: u32| Case { history: vec![at + 1, (at + 1) % 20 + 1].into(), target: (at + 2) % 20 + 1 };
        let validation: Vec<Case> = (0..20).map(next).filter(|_| cases).collect();
        let attributes = Arc::default();
        let (sequences, validation) = (&sequences[..], &validation[..]);
        let data = Data { sequences, validation, terms: TERMS, attributes: &attributes, rates: &[], keep };
        let config = ModelConfig { width: 16, max_length: 8, ..ModelConfig::small(21) };
        let mut steps = 0;
        let mut watch = |told: Told<'_>| steps += usize::from(matches!(told, Told::Step { .. }));
        let found = best(&config, recipes, data, &mut watch).unwrap();
        (found, steps)
    }

    fn recipe(batch: usize, rate: f32) -> Recipe {
        Recipe { epochs: 20, patience: 3, batch, rate, dropout: 0.1, ..Recipe::default() }
    }

    fn weights(trial: &Trial) -> Vec<f32> {
        trial.trained.tensors["items"].flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_recipe_that_validation_finds_best_is_kept_with_the_weights_that_it_learns_alone() {
        let (good, bad) = (recipe(8, 1e-2), recipe(60, 1e-7));
        let (alone, _) = trial(std::slice::from_ref(&good), true, None);
        assert!(alone.trained.metric() > Some(0.9), "{:?}", alone.tried);
        for recipes in [[good.clone(), bad.clone()], [bad.clone(), good.clone()]] {
            let (found, _) = trial(&recipes, true, None);
            assert_eq!((&found.recipe, found.trained.epoch), (&good, alone.trained.epoch));
            assert_eq!(weights(&found), weights(&alone));
            assert_eq!(found.tried.iter().map(|tried| tried.batch).collect::<Vec<_>>(), recipes.map(|one| one.batch));
            assert_eq!(found.tried.iter().find(|tried| tried.batch == 8), alone.tried.first());
        }
    }

    #[test]
    fn one_that_is_not_better_within_the_passes_of_the_best_ends_there() {
        // It would go on for as long as it grows, however slowly.
        let slow = Recipe { epochs: 60, patience: 60, ..recipe(60, 1e-6) };
        let (found, _) = trial(&[recipe(8, 1e-2), slow], true, None);
        assert_eq!((found.recipe.batch, found.tried[1].passes), (8, found.tried[0].passes));
    }

    #[test]
    fn of_two_alike_the_first_is_kept_and_without_validation_no_other_is_tried() {
        let (found, _) = trial(&[recipe(8, 1e-2), Recipe { epochs: 19, ..recipe(8, 1e-2) }], true, None);
        assert_eq!(found.recipe.epochs, 20);
        let (found, _) = trial(&[recipe(8, 1e-2), recipe(60, 1e-2)], false, None);
        assert_eq!((found.recipe.batch, found.tried.len(), found.tried[0].metric), (8, 1, None));
    }

    #[test]
    fn a_trial_that_was_cut_off_learns_nothing_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measured");
        let recipes = [recipe(60, 1e-3), recipe(8, 1e-2)];
        let (whole, made) = trial(&recipes, true, Some(&path));
        // As if it had been cut off in the second: that one's state is as it was before any pass.
        std::fs::remove_file(beside(&path, 2)).unwrap();
        let (again, steps) = trial(&recipes, true, Some(&path));
        assert_eq!((weights(&whole), &whole.tried), (weights(&again), &again.tried));
        assert!(steps > 0 && steps == made - whole.tried[0].passes, "{steps} of {made}");
        assert_eq!(trial(&recipes, true, Some(&path)).1, 0);
    }
}
