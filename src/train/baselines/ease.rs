//! EASE: one linear model from items to items, solved in closed form. Source: arXiv:1905.03375.
//!
//! Its matrix is square in the items, so only the most frequent are in it: the others score nothing.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use super::counts;
use candle_core::{Device, Result, Tensor};

/// The most items: their matrix takes 100 MB, and its inverse some ten seconds.
const ITEMS: usize = 5_000;
/// Newest items of a sequence that are paired.
const PAIRED: usize = 100;
/// What is added to the diagonal: how much evidence a weight needs.
const DAMPING: f32 = 250.0;
/// Matrices of up to so many rows are inverted directly.
const DIRECT: usize = 48;

/// The weights between the most frequent items.
pub struct Ease {
    /// Of each row its place in the matrix.
    places: Vec<Option<u32>>,
    /// Of each place its row.
    kept: Vec<u32>,
    /// `[kept, kept]`, from the item of the history to the item scored.
    weights: Vec<f32>,
}

impl Ease {
    /// Solves for the training sequences.
    ///
    /// # Errors
    /// Candle's.
    pub fn new(sequences: &[impl AsRef<[u32]>], rows: usize) -> std::result::Result<Self, TrainError> {
        Self::of(sequences, rows, ITEMS, DAMPING)
    }

    fn of<S: AsRef<[u32]>>(
        sequences: &[S],
        rows: usize,
        most: usize,
        damping: f32,
    ) -> std::result::Result<Self, TrainError> {
        let counts = counts(sequences, rows);
        let mut kept: Vec<u32> = (1..rows as u32).filter(|row| counts[*row as usize] > 0).collect();
        kept.sort_by_key(|row| std::cmp::Reverse(counts[*row as usize]));
        kept.truncate(most);
        let mut places = vec![None; rows];
        kept.iter().zip(0u32..).for_each(|(row, at)| places[*row as usize] = Some(at));
        let size = kept.len();
        if size == 0 {
            return Ok(Self { places, kept, weights: Vec::new() });
        }
        let mut together = vec![0f32; size * size];
        for sequence in sequences.iter().map(AsRef::as_ref) {
            let newest = &sequence[sequence.len().saturating_sub(PAIRED)..];
            let mut set: Vec<usize> =
                newest.iter().filter_map(|row| places[*row as usize]).map(|at| at as usize).collect();
            set.sort_unstable();
            set.dedup();
            for one in &set {
                set.iter().for_each(|other| together[one * size + other] += 1.0);
            }
        }
        (0..size).for_each(|at| together[at * size + at] += damping);
        let inverse = inverse(&Tensor::from_vec(together, (size, size), &Device::Cpu)?)?;
        let mut weights = inverse.flatten_all()?.to_vec1::<f32>()?;
        let diagonal: Vec<f32> = (0..size).map(|at| weights[at * size + at]).collect();
        for (one, row) in weights.chunks_exact_mut(size).enumerate() {
            row.iter_mut().zip(&diagonal).for_each(|(weight, of)| *weight /= -of);
            row[one] = 0.0;
        }
        Ok(Self { places, kept, weights })
    }
}

/// The inverse of a symmetric positive definite matrix, by halves: its products are candle's, which are fast.
fn inverse(matrix: &Tensor) -> Result<Tensor> {
    let size = matrix.dim(0)?;
    if size <= DIRECT {
        return direct(matrix, size);
    }
    let (half, rest) = (size / 2, size - size / 2);
    let first = inverse(&matrix.narrow(0, 0, half)?.narrow(1, 0, half)?.contiguous()?)?;
    let across = matrix.narrow(0, half, rest)?.narrow(1, 0, half)?.contiguous()?;
    let last = matrix.narrow(0, half, rest)?.narrow(1, half, rest)?.contiguous()?;
    let carried = across.matmul(&first)?;
    let last = inverse(&(last - carried.matmul(&across.t()?)?)?)?;
    let off = last.matmul(&carried)?.neg()?;
    let first = (first - carried.t()?.matmul(&off)?)?;
    let upper = Tensor::cat(&[&first, &off.t()?.contiguous()?], 1)?;
    Tensor::cat(&[&upper, &Tensor::cat(&[&off, &last], 1)?], 0)
}

/// Gauss and Jordan's, without pivots: the matrix is positive definite.
fn direct(matrix: &Tensor, size: usize) -> Result<Tensor> {
    let mut left: Vec<Vec<f64>> =
        matrix.to_vec2::<f32>()?.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect();
    let mut right: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|at| if at == row { 1.0 } else { 0.0 }).collect()).collect();
    for at in 0..size {
        let pivot = left[at][at];
        left[at].iter_mut().chain(right[at].iter_mut()).for_each(|x| *x /= pivot);
        let (own_left, own_right) = (left[at].clone(), right[at].clone());
        for row in (0..size).filter(|row| *row != at) {
            let by = left[row][at];
            left[row].iter_mut().zip(&own_left).for_each(|(x, own)| *x -= by * own);
            right[row].iter_mut().zip(&own_right).for_each(|(x, own)| *x -= by * own);
        }
    }
    let flat: Vec<f32> = right.into_iter().flatten().map(|x| x as f32).collect();
    Tensor::from_vec(flat, (size, size), &Device::Cpu)
}

impl Ranker for Ease {
    fn name(&self) -> &str {
        "EASE"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> std::result::Result<(), TrainError> {
        let size = self.kept.len();
        let mut sums = vec![0f32; size];
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.places.len())) {
            sums.fill(0.0);
            for at in history.iter().filter_map(|row| self.places[*row as usize]) {
                let weights = &self.weights[at as usize * size..(at as usize + 1) * size];
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            // What speaks against an item counts as nothing: scores are shares.
            self.kept.iter().zip(&sums).for_each(|(row, sum)| scores[*row as usize] = sum.max(0.0));
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
    fn scores_are_those_solved_by_hand() {
        // Together: [[3, 2], [2, 2]], with 1 on the diagonal [[4, 2], [2, 3]]; its inverse is [[3, -2], [-2, 4]] / 8.
        let ease = Ease::of(&[vec![1, 2], vec![2, 1, 1], vec![1]], 3, 10, 1.0).unwrap();
        // From item to item: less the inverse over the diagonal of the item scored.
        assert_near(&ease.weights, &[0.0, 2.0 / 4.0, 2.0 / 3.0, 0.0]);
        assert_near(&scores(&ease, &[1], 3), &[0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_inverse_by_halves_is_the_inverse() {
        let size = 130;
        let value = |row: usize, at: usize| ((row * at) as f32 * 0.37).sin() + if row == at { 20.0 } else { 0.0 };
        let flat: Vec<f32> = (0..size * size).map(|place| value(place / size, place % size)).collect();
        let matrix = Tensor::from_vec(flat, (size, size), &Device::Cpu).unwrap();
        let one = matrix.matmul(&inverse(&matrix).unwrap()).unwrap().to_vec2::<f32>().unwrap();
        let expected = |row, at| if row == at { 1.0 } else { 0.0 };
        let wrong = one
            .iter()
            .enumerate()
            .flat_map(|(row, xs)| xs.iter().enumerate().map(move |(at, x)| (x - expected(row, at)).abs()));
        assert!(wrong.fold(0f32, f32::max) < 1e-3);
    }

    #[test]
    fn only_the_most_frequent_items_are_in_it() {
        let ease = Ease::of(&[vec![1, 2, 3], vec![2, 3], vec![3, 2]], 5, 2, 1.0).unwrap();
        let found = scores(&ease, &[2], 5);
        assert!(found[3] > 0.99 && found[1] + found[4] < 1e-6, "{found:?}");
        assert_near(&scores(&ease, &[1], 5), &[0.0; 5]);
        assert_near(&scores(&Ease::of::<Vec<u32>>(&[], 3, 9, 1.0).unwrap(), &[1], 3), &[0.0; 3]);
    }
}
