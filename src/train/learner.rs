//! One pass over the data: shuffled batches of like length, the loss at every place that has a next item, a step each.

use super::adam::Adam;
use super::error::TrainError;
use super::history::History;
use super::loss::linear_cross_entropy;
use super::recipe::Recipe;
use crate::features::{PADDING, Padded, Sequence};
use crate::model::{Batch, ModelError, Noise, Transformer, buckets};
use candle_core::Tensor;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// So many sequences are learned in one step however long they are; more only where they are shorter, because a step's memory
/// is that of its places.
const WHOLE: usize = 128;

/// A model that learns. The randomness of a pass follows from the seed and the pass's number alone, so that a training
/// that was cut off goes on as if it had not been.
pub(super) struct Learner {
    pub(super) model: Transformer,
    pub(super) adam: Adam,
}

/// Where the next items stand in a batch, and which they are.
struct Targets {
    /// Into `[batch × length]`.
    places: Vec<u32>,
    rows: Vec<u32>,
}

impl Learner {
    /// One pass over the sequences; the mean loss of a place. `watch` hears of each step: how many are done, of how many,
    /// and the mean loss so far.
    pub(super) fn pass(
        &mut self,
        sequences: &[&History],
        recipe: &Recipe,
        (epoch, rate): (usize, f32),
        watch: &mut dyn FnMut(usize, usize, f64),
    ) -> Result<f64, TrainError> {
        let mut random = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x5eed);
        random.set_stream(epoch as u64);
        let noise = Noise::seeded(random.random(), recipe.dropout);
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.shuffle(&mut random);
        let longest = self.model.config().max_length;
        let groups = buckets(&order, recipe.batch, |at| sequences[at].len());
        let mut groups = bounded(groups, WHOLE * longest, |at| sequences[at].len().min(longest));
        groups.shuffle(&mut random);
        let (mut sum, mut places, steps) = (0f64, 0usize, groups.len());
        for (step, group) in groups.into_iter().enumerate() {
            let histories: Vec<&History> = group.iter().map(|at| sequences[*at]).collect();
            let (loss, count) = self.step(&histories, (recipe, rate), &noise, &mut random)?;
            sum += loss * count as f64;
            places += count;
            watch(step + 1, steps, sum / places.max(1) as f64);
        }
        Ok(sum / places.max(1) as f64)
    }

    /// One step; the mean loss, and over how many places.
    fn step(
        &mut self,
        histories: &[&History],
        (recipe, rate): (&Recipe, f32),
        noise: &Noise,
        random: &mut ChaCha8Rng,
    ) -> Result<(f64, usize), TrainError> {
        let config = self.model.config().clone();
        let (padded, targets) = laid_out(histories, config.max_length, config.searches);
        let table = self.model.table()?;
        let device = table.device();
        let batch = Batch::new(&padded, &config, device)?;
        let states = self.model.encode(&table, &batch, noise)?;
        let states = states.reshape((padded.batch * padded.length, config.width))?;
        let states = states.index_select(&Tensor::new(targets.places, device)?, 0)?;
        let items = self.model.targets(&table)?;
        let loss = match drawn(&targets.rows, config.rows, recipe.negatives, random) {
            None => linear_cross_entropy(&states, &items, &targets.rows, &[])?,
            Some(Drawn { rows, targets, offsets }) => {
                let items = items.index_select(&Tensor::new(rows, device)?, 0)?;
                linear_cross_entropy(&states, &items, &targets, &offsets)?
            }
        };
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            let why = "the loss is no longer a number: lower the rate of learning".to_owned();
            return Err(TrainError::Model(ModelError::Weights(why)));
        }
        self.adam.step(&loss.backward()?, rate)?;
        Ok((value, targets.rows.len()))
    }
}

/// The groups, parted where they would lay out more places than so many.
fn bounded(groups: Vec<Vec<usize>>, places: usize, length: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let parted = |group: Vec<usize>| -> Vec<Vec<usize>> {
        let longest = group.iter().map(|at| length(*at)).max().unwrap_or_default();
        group.chunks((places / longest.max(1)).max(1)).map(<[usize]>::to_vec).collect()
    };
    groups.into_iter().flat_map(parted).collect()
}

/// All but the last of each history as it is read, and at every place the next item as what is to be told: after an item, and
/// after a search, which itself is never told.
fn laid_out(histories: &[&History], longest: usize, searches: bool) -> (Padded, Targets) {
    let newest = |history: &&History| history.part(history.len().saturating_sub(longest + 1)..history.len());
    let newest: Vec<History> = histories.iter().map(newest).collect();
    let read = |history: &History| history.part(0..history.len().saturating_sub(1)).sequence(longest, searches);
    let sequences: Vec<Sequence> = newest.iter().map(read).collect();
    let padded = Padded::new(&sequences.iter().collect::<Vec<_>>());
    let mut targets = Targets { places: Vec::new(), rows: Vec::new() };
    for (at, (history, sequence)) in newest.iter().zip(&sequences).enumerate() {
        let mut next = history.last().copied().unwrap_or(PADDING);
        let from = targets.rows.len();
        for (place, one) in sequence.interactions().iter().enumerate().rev() {
            targets.places.push((at * padded.length + place) as u32);
            targets.rows.push(next);
            next = if one.row == PADDING { next } else { one.row };
        }
        // In the order of the places, as sums are reproduced.
        targets.places[from..].reverse();
        targets.rows[from..].reverse();
    }
    (padded, targets)
}

/// Items that a step's targets are compared with, instead of all.
struct Drawn {
    /// Of the whole table: padding, the targets, and others drawn.
    rows: Vec<u32>,
    /// The targets as places in `rows`.
    targets: Vec<u32>,
    /// What is added to the score of each row: one drawn stands for many.
    offsets: Vec<f32>,
}

/// Draws items evenly among those that are no target. Targets are all there; so the sum that the softmax divides by is the
/// whole one in the mean. None where drawing would save nothing.
fn drawn(targets: &[u32], rows: usize, negatives: usize, random: &mut ChaCha8Rng) -> Option<Drawn> {
    let mut own = targets.to_vec();
    own.sort_unstable();
    own.dedup();
    let others = rows - 1 - own.len();
    if negatives == 0 || negatives >= others {
        return None;
    }
    let mut place = vec![0u32; rows];
    let mut chosen = vec![PADDING];
    chosen.extend(&own);
    chosen.iter().zip(0u32..).for_each(|(row, at)| place[*row as usize] = at);
    while chosen.len() < 1 + own.len() + negatives {
        let row = random.random_range(1..rows);
        if place[row] == 0 {
            place[row] = chosen.len() as u32;
            chosen.push(row as u32);
        }
    }
    let stands_for = (others as f32 / negatives as f32).ln();
    let offsets = (0..chosen.len()).map(|at| if at > own.len() { stands_for } else { 0.0 }).collect();
    Some(Drawn { targets: targets.iter().map(|row| place[*row as usize]).collect(), rows: chosen, offsets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Action, Interaction};

    #[test]
    fn every_place_is_to_tell_the_next_item_and_none_a_search() {
        let one = |row, action, at| Interaction { row, action, at };
        let search = |at| one(PADDING, Action::Searched, at);
        let read = [search(1), one(5, Action::Viewed, 2), search(3), search(4), one(6, Action::Viewed, 5), search(6)];
        let words = ["a", "b", "c", "d"].map(Into::into).to_vec();
        let with = History::of_sequence(&Sequence::with_queries(read.to_vec(), words), 9);
        let with = [&with, &vec![7, 8, 9, 10].into()];
        let (padded, targets) = laid_out(&with, 8, true);
        assert_eq!((padded.length, &targets.places[..]), (4, &[0, 1, 2, 3, 4, 5, 6][..]));
        assert_eq!(targets.rows, [5, 6, 6, 6, 8, 9, 10]);
        assert_eq!(padded.queries.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 2, 3]);
        let (padded, targets) = laid_out(&with, 2, false);
        assert_eq!((&targets.places[..], &targets.rows[..]), (&[0, 2, 3][..], &[6, 9, 10][..]));
        assert!(padded.queries.is_empty());
    }

    #[test]
    fn a_step_lays_out_no_more_places_than_are_allowed_and_leaves_nothing_out() {
        let groups = vec![vec![3, 1, 2, 0], vec![4, 9, 5]];
        let parts = bounded(groups.clone(), 20, |at| at);
        assert_eq!(parts, [vec![3, 1, 2, 0], vec![4, 9], vec![5]]);
        assert_eq!(bounded(groups, 4, |at| at), [vec![3], vec![1], vec![2], vec![0], vec![4], vec![9], vec![5]]);
        // A batch of that many sequences at most is never parted.
        let whole = vec![(0..WHOLE).collect::<Vec<_>>()];
        assert_eq!(bounded(whole.clone(), WHOLE * 50, |_| 50), whole);
    }

    #[test]
    fn drawn_items_are_no_targets_and_stand_for_all_others_in_the_mean() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let scores: Vec<f64> = (0..200).map(|row| f64::from(row % 7)).collect();
        let whole: f64 = scores[1..].iter().map(|score| score.exp()).sum();
        let (mut mean, times) = (0.0, 400);
        for _ in 0..times {
            let drawn = drawn(&[5, 3, 5], 200, 40, &mut random).unwrap();
            assert_eq!((drawn.rows.len(), &drawn.rows[..3]), (43, &[PADDING, 3, 5][..]));
            assert_eq!((&drawn.targets[..], drawn.offsets[2]), (&[2, 1, 2][..], 0.0));
            let mut once = drawn.rows.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), 43, "each item once");
            let of = |(row, offset): (&u32, &f32)| (scores[*row as usize] + f64::from(*offset)).exp();
            mean += drawn.rows.iter().zip(&drawn.offsets).skip(1).map(of).sum::<f64>() / f64::from(times);
        }
        assert!((mean / whole - 1.0).abs() < 0.05, "{mean} is not {whole}");
        assert!(drawn(&[1], 5, 3, &mut random).is_none() && drawn(&[1], 50, 0, &mut random).is_none());
    }
}
