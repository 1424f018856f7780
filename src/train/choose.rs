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

/// The model and the recipe for what is to be learned.
pub fn chosen(split: &Split, attributes: &Attributes) -> (ModelConfig, Recipe) {
    let similarity = match split.mask_seen {
        true => Similarity::Dot,
        false => Similarity::Cosine { temperature: TEMPERATURE },
    };
    let deeds = split.train.iter().any(History::tells_deeds);
    let config = ModelConfig {
        attributes: attributes.names().len(),
        similarity,
        actions: deeds,
        times: deeds,
        ..ModelConfig::small(split.rows)
    };
    let places: usize = split.train.iter().map(|rows| rows.len().saturating_sub(1).min(config.max_length)).sum();
    let negatives = if places.saturating_mul(split.rows) > LOGITS { DRAWN } else { 0 };
    (config, Recipe { negatives, ..Recipe::default() })
}

/// The model without what was added to it: plain SASRec, as a baseline.
pub(super) fn plain(config: &ModelConfig) -> ModelConfig {
    ModelConfig::small(config.rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(rows: usize, sequences: usize, mask_seen: bool) -> Split {
        let train = vec![vec![1; 11].into(); sequences];
        let refit = Vec::new();
        Split { rows, train, validation: Vec::new(), refit, retrain: false, test: Vec::new(), mask_seen }
    }

    #[test]
    fn settings_follow_from_the_data_alone() {
        let attributes = Attributes::new(&[vec![], vec!["a"], vec!["a"]]);
        let (config, recipe) = chosen(&split(3, 10, true), &attributes);
        assert_eq!((config.attributes, config.similarity, recipe.negatives), (1, Similarity::Dot, 0));
        let (config, recipe) = chosen(&split(50_000, 10_000, false), &Attributes::default());
        assert_eq!((config.similarity, recipe.negatives), (Similarity::Cosine { temperature: TEMPERATURE }, DRAWN));
        assert_eq!(plain(&config), ModelConfig::small(50_000));
    }
}
