//! Settings that follow from the data: one recipe for every shop and data set, nothing set by hand for one of them.

use super::history::History;
use super::recipe::Recipe;
use super::split::Split;
use crate::features::Attributes;
use crate::model::{ModelConfig, Similarity};

/// Logits of a pass above which a target is compared with drawn items instead of all: beyond it a pass takes minutes.
const LOGITS: usize = 4_000_000_000;
/// How many are drawn.
const DRAWN: usize = 4_096;
/// The temperature of the cosine where shoppers return to what they saw.
const TEMPERATURE: f32 = 0.07;

/// Sequences a step, and the share of places dropped: what no count of the data tells. Where few sequences hold an item small
/// steps throw its vector about, and where many do large ones waste passes.
const TRIED: [(usize, f32); 2] = [(128, 0.3), (512, 0.5)];

/// The model and the recipe for what is to be learned.
pub fn chosen(split: &Split, attributes: &Attributes) -> (ModelConfig, Recipe) {
    let similarity = match split.mask_seen {
        true => Similarity::Dot,
        false => Similarity::Cosine { temperature: TEMPERATURE },
    };
    let deeds = split.train.iter().any(History::tells_deeds);
    // What was searched for says more of what comes next than anything else tried; texts of items are worth having beside it
    // alone, as they give searches the same space.
    let searches = split.train.iter().any(|history| history.searches().next().is_some());
    let text = attributes.texts().filter(|_| searches).map_or(0, |(width, _)| width);
    let config = ModelConfig {
        attributes: attributes.names().len(),
        text,
        searches: text > 0,
        similarity,
        actions: deeds,
        times: deeds,
        ..ModelConfig::small(split.rows)
    };
    let places: usize = split.train.iter().map(|rows| rows.len().saturating_sub(1).min(config.max_length)).sum();
    let negatives = if places.saturating_mul(split.rows) > LOGITS { DRAWN } else { 0 };
    (config, Recipe { negatives, ..Recipe::default() })
}

/// The recipe, and after it the others that are worth a trial: validation tells which is best.
pub fn candidates(recipe: Recipe) -> Vec<Recipe> {
    let own = (recipe.batch, recipe.dropout);
    let others = TRIED.into_iter().filter(|tried| *tried != own);
    let others = others.map(|(batch, dropout)| Recipe { batch, dropout, ..recipe.clone() });
    std::iter::once(recipe.clone()).chain(others.collect::<Vec<_>>()).collect()
}

/// The model without what was added to it: plain SASRec, as a baseline.
pub(super) fn plain(config: &ModelConfig) -> ModelConfig {
    ModelConfig::small(config.rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Action, Interaction, Sequence};

    fn split(rows: usize, sequences: usize, mask_seen: bool) -> Split {
        let train = vec![vec![1; 11].into(); sequences];
        let refit = Vec::new();
        Split { rows, train, validation: Vec::new(), refit, retrain: false, test: Vec::new(), mask_seen }
    }

    #[test]
    fn what_no_count_tells_is_tried_and_the_default_first() {
        let told = |recipe: &Recipe| (recipe.batch, recipe.dropout, recipe.seed);
        let candidates = candidates(Recipe { seed: 9, ..Recipe::default() });
        assert_eq!(candidates.iter().map(told).collect::<Vec<_>>(), [(128, 0.3, 9), (512, 0.5, 9)]);
    }

    #[test]
    fn settings_follow_from_the_data_alone() {
        let attributes = Attributes::new(&[vec![], vec!["a"], vec!["a"]]);
        let (config, recipe) = chosen(&split(3, 10, true), &attributes);
        assert_eq!((config.attributes, config.similarity, recipe.negatives), (1, Similarity::Dot, 0));
        let (config, recipe) = chosen(&split(50_000, 10_000, false), &Attributes::default());
        assert_eq!((config.similarity, recipe.negatives), (Similarity::Cosine { temperature: TEMPERATURE }, DRAWN));
        assert_eq!(plain(&config), ModelConfig::small(50_000));
        // Searches are read where there are any, and texts of items to meet them.
        let searched = [
            Interaction { row: 0, action: Action::Searched, at: 1 },
            Interaction { row: 2, action: Action::Viewed, at: 2 },
        ];
        let searched = Sequence::with_queries(searched.to_vec(), vec!["hat".into()]);
        let mut split = split(3, 1, true);
        let texts = attributes.clone().with_texts(2, vec![0.5; 6]);
        let read = |split: &Split, attributes| (chosen(split, attributes).0.text, chosen(split, attributes).0.searches);
        assert_eq!(read(&split, &texts), (0, false));
        split.train.push(History::of_sequence(&searched, 10));
        assert_eq!((read(&split, &texts), read(&split, &attributes)), ((2, true), (0, false)));
    }
}
