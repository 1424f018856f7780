//! The reward of a product at a place, guessed from its features: the direct method, and what makes estimates doubly robust.
//!
//! Ridge regression, learned on the half of the shoppers that it is not asked about, so that what it has learned by heart
//! biases nothing. It need not be right: a doubly robust estimate is right where the propensities are, and its interval is
//! the narrower the better the guess.

use super::log::{Decision, Log, Reward};

/// What keeps weights small, in placements.
const DAMPING: f64 = 10.0;

/// What is guessed from: constant, features and features by place.
fn inputs(decision: &Decision, log: &Log, listed: usize, place: usize) -> Vec<f64> {
    let count = log.sources.len() + 4;
    let mut inputs = vec![0.0; 2 * count];
    let discount = 1.0 / (place as f64 + 2.0).log2();
    inputs[0] = 1.0;
    if let Some(features) = &decision.listed[listed].features {
        inputs[1] = 1.0;
        inputs[2] = f64::from(features.affinity);
        let logged = |source: usize| decision.weights.iter().find(|(own, _)| *own == source).map_or(0.0, |(_, w)| *w);
        // Squeezed: rules may multiply a score by thousands.
        let score = features.score(logged, decision.affinity);
        inputs[3] = if score.is_finite() { score.max(0.0).ln_1p() } else { 0.0 };
        for (source, share) in &features.shares {
            inputs[4 + source] = f64::from(*share);
        }
    }
    for at in 0..count {
        inputs[count + at] = inputs[at] * discount;
    }
    inputs
}

/// What was learned.
pub(super) struct RewardModel(Vec<f64>);

impl RewardModel {
    /// Learns from what was served in these decisions.
    pub(super) fn learn<'a>(log: &Log, decisions: impl Iterator<Item = &'a Decision>, reward: Reward) -> Self {
        let width = 2 * (log.sources.len() + 4);
        let (mut square, mut product) = (vec![vec![0.0; width]; width], vec![0.0; width]);
        for decision in decisions {
            for (place, served) in decision.served.iter().enumerate() {
                let inputs = inputs(decision, log, served.listed, place);
                for (row, input) in inputs.iter().enumerate().filter(|(_, input)| **input != 0.0) {
                    square[row].iter_mut().zip(&inputs).for_each(|(sum, other)| *sum += input * other);
                    product[row] += input * served.reward(reward);
                }
            }
        }
        square.iter_mut().enumerate().for_each(|(at, row)| row[at] += DAMPING);
        Self(solved(square, product))
    }

    /// The guess, 0 to 1.
    pub(super) fn guess(&self, decision: &Decision, log: &Log, listed: usize, place: usize) -> f64 {
        let inputs = inputs(decision, log, listed, place);
        let guess: f64 = self.0.iter().zip(inputs).map(|(weight, input)| weight * input).sum();
        if guess.is_finite() { guess.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Solves a symmetric positive definite system by Cholesky's factors.
fn solved(mut matrix: Vec<Vec<f64>>, mut values: Vec<f64>) -> Vec<f64> {
    let size = values.len();
    for column in 0..size {
        for row in column..size {
            let own: f64 = (0..column).map(|at| matrix[row][at] * matrix[column][at]).sum();
            let left = matrix[row][column] - own;
            // Damped, so above zero on the diagonal.
            let diagonal = if row == column { left.max(f64::MIN_POSITIVE).sqrt() } else { matrix[column][column] };
            matrix[row][column] = if row == column { diagonal } else { left / diagonal };
        }
    }
    for row in 0..size {
        let known: f64 = (0..row).map(|at| matrix[row][at] * values[at]).sum();
        values[row] = (values[row] - known) / matrix[row][row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|at| matrix[at][row] * values[at]).sum();
        values[row] = (values[row] - known) / matrix[row][row];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let wanted = [1.0, -2.0, 0.5];
        let values = matrix.iter().map(|row| row.iter().zip(wanted).map(|(a, b)| a * b).sum()).collect();
        let found = solved(matrix, values);
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }
}
