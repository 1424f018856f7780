//! The fit: each piece's vector moves so that sums of pieces point where they should. The loss is one less the cosine; its
//! gradient is the same for every piece of a text, so a step is some hundred additions. Source: Adagrad (Duchi and others,
//! JMLR 2011), with one rate a row.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The rate of learning.
const RATE: f32 = 0.05;
/// One example in so many is never learned from.
const HELD: usize = 20;

/// Rows of the table and the direction that their sum is to have, of length 1.
pub(super) type Example = (Vec<u32>, Vec<f32>);

/// A table that is being fitted.
pub(super) struct Fit {
    /// `[rows, width]`.
    vectors: Vec<f32>,
    width: usize,
    /// Sums of squared gradients, a row each.
    squares: Vec<f32>,
    examples: Vec<Example>,
    held: Vec<Example>,
    random: ChaCha8Rng,
}

impl Fit {
    pub(super) fn new(vectors: Vec<f32>, width: usize, mut examples: Vec<Example>, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xf17);
        examples.retain(|(rows, target)| !rows.is_empty() && target.iter().any(|value| *value != 0.0));
        examples.shuffle(&mut random);
        let held = examples.split_off(examples.len() - examples.len() / HELD);
        let squares = vec![0f32; vectors.len() / width.max(1)];
        Self { vectors, width, squares, examples, held, random }
    }

    /// The vectors as they are now, `[rows, width]`.
    pub(super) fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// The mean cosine of the examples that are not learned from.
    pub(super) fn held_out(&self) -> f64 {
        let cosine = |(rows, target): &Example| {
            let sum = self.sum(rows);
            f64::from(dot(&sum, target) / dot(&sum, &sum).sqrt().max(f32::MIN_POSITIVE))
        };
        self.held.iter().map(cosine).sum::<f64>() / self.held.len().max(1) as f64
    }

    /// One pass over the examples.
    pub(super) fn pass(&mut self) {
        let mut examples = std::mem::take(&mut self.examples);
        examples.shuffle(&mut self.random);
        examples.iter().for_each(|example| self.step(example));
        self.examples = examples;
    }

    fn step(&mut self, (rows, target): &Example) {
        let sum = self.sum(rows);
        let length = dot(&sum, &sum).sqrt();
        if length < 1e-6 {
            return;
        }
        let cosine = dot(&sum, target) / length;
        let gradient: Vec<f32> =
            sum.iter().zip(target).map(|(sum, target)| (cosine * sum / length - target) / length).collect();
        let square = dot(&gradient, &gradient) / self.width as f32;
        for row in rows {
            let at = *row as usize;
            let so_far = &mut self.squares[at];
            *so_far += square;
            let rate = RATE / (*so_far + 1e-8).sqrt() / (self.width as f32).sqrt();
            let own = &mut self.vectors[at * self.width..(at + 1) * self.width];
            own.iter_mut().zip(&gradient).for_each(|(own, gradient)| *own -= rate * gradient);
        }
    }

    fn sum(&self, rows: &[u32]) -> Vec<f32> {
        let mut sum = vec![0f32; self.width];
        for row in rows {
            let own = &self.vectors[*row as usize * self.width..(*row as usize + 1) * self.width];
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        sum
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_to_point_where_they_should() {
        // Row 0 begins across the direction that it should have.
        let examples = (0..400).map(|at| match at % 2 {
            0 => (vec![0, 1], vec![0.6, 0.8]),
            _ => (vec![0], vec![1.0, 0.0]),
        });
        let mut fit = Fit::new(vec![0.0, 1.0, 0.0, 1.0], 2, examples.collect(), 1);
        let before = fit.held_out();
        (0..50).for_each(|_| fit.pass());
        assert!(before < 0.7 && fit.held_out() > 0.99, "{before} {}", fit.held_out());
    }
}
