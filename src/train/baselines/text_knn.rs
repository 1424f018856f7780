//! Items described like those of the history: the cosine of what is known of them, rare names counting more. It needs no
//! event of an item, so it is what a new item's ranking is measured against.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use crate::features::Attributes;

/// Newest items of the history that speak.
const SPEAKERS: usize = 10;
/// What an item of the history counts for each place into the past.
const DECAY: f32 = 0.7;

/// The names of every item, and the items of every name.
pub struct TextKnn {
    /// Of each row its names and their weights; of length 1.
    names: Vec<Vec<(u32, f32)>>,
    /// Of each name its items and their weights.
    holders: Vec<Vec<(u32, f32)>>,
}

impl TextKnn {
    /// Weighs every name by how rare it is.
    pub fn new(attributes: &Attributes) -> Self {
        let rows = attributes.rows();
        let mut held = vec![0u32; attributes.names().len()];
        (0..rows).flat_map(|row| attributes.of(row)).for_each(|name| held[*name as usize] += 1);
        let rarity: Vec<f32> = held.iter().map(|held| (rows as f32 / (*held).max(1) as f32).ln().max(0.0)).collect();
        let weighed = |row: usize| {
            let of = attributes.of(row);
            let length = of.iter().map(|name| rarity[*name as usize].powi(2)).sum::<f32>().sqrt().max(1e-9);
            of.iter().map(|name| (*name, rarity[*name as usize] / length)).collect::<Vec<_>>()
        };
        let names: Vec<Vec<(u32, f32)>> = (0..rows).map(weighed).collect();
        let mut holders = vec![Vec::new(); held.len()];
        for (of, row) in names.iter().zip(0u32..) {
            of.iter().for_each(|(name, weight)| holders[*name as usize].push((row, *weight)));
        }
        Self { names, holders }
    }
}

impl Ranker for TextKnn {
    fn name(&self) -> &str {
        "text-kNN"
    }

    fn reads_text(&self) -> bool {
        true
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.names.len())) {
            let mut counts = 1.0;
            for row in history.iter().rev().take(SPEAKERS) {
                for (name, weight) in &self.names[*row as usize] {
                    for (other, of_other) in &self.holders[*name as usize] {
                        scores[*other as usize] += counts * weight * of_other;
                    }
                }
                // An item is most like itself, which says nothing.
                counts *= DECAY;
            }
            history.iter().for_each(|row| scores[*row as usize] = 0.0);
            normalize(scores);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_near, scores};
    use super::*;

    #[test]
    fn scores_are_those_counted_by_hand() {
        let attributes =
            Attributes::new(&[vec![], vec!["red", "hat"], vec!["red", "shoe"], vec!["shoe"], vec!["hat", "red"]]);
        let knn = TextKnn::new(&attributes);
        // Of five rows: red in three, hat and shoe in two.
        let (red, hat) = ((5f32 / 3.0).ln(), 2.5f32.ln());
        let both = red * red + hat * hat;
        let (two, four) = (red * red / both, 1.0);
        assert_near(&scores(&knn, &[1], 5), &[0.0, 0.0, two / (two + four), 0.0, four / (two + four)]);
        assert_near(&scores(&knn, &[], 5), &[0.0; 5]);
    }
}
