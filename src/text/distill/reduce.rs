//! Fewer dimensions: the directions along which vectors are longest. They are not centred, because what is to be kept is
//! their products. Source: Pearson (1901); found by orthogonal iteration, Golub and Van Loan, "Matrix Computations", 8.2.4.

use crate::text::error::TextError;
use candle_core::{Device, Tensor};

/// Rounds of the iteration. Directions near the last one may be mixed with those left out, which costs next to nothing.
const ROUNDS: usize = 60;

/// Directions at right angles, each of length 1.
pub(super) struct Reduced {
    /// `[width, D]`.
    pub(super) directions: Vec<Vec<f64>>,
    /// Share of the squared length of the vectors that is along them.
    pub(super) kept: f64,
}

/// The `width` directions along which the vectors, `[N, D]`, are longest.
///
/// # Errors
/// No vectors; candle's.
pub(super) fn directions(vectors: &[Vec<f32>], width: usize) -> Result<Reduced, TextError> {
    let x = tensor(vectors)?;
    let products = x.t()?.matmul(&x)?.to_vec2::<f32>()?;
    let of = products.len();
    let products: Vec<Vec<f64>> =
        products.iter().map(|row| row.iter().map(|value| f64::from(*value)).collect()).collect();
    // No two starts alike, so that hardly any data is at a right angle to them all.
    let start = |at: usize| (0..of).map(|place| ((at * 31 + place * 17) as f64 * 0.618).sin()).collect::<Vec<f64>>();
    let mut directions: Vec<Vec<f64>> = (0..width.min(of)).map(start).collect();
    square_up(&mut directions);
    for _ in 0..ROUNDS {
        directions.iter_mut().for_each(|direction| {
            *direction = products.iter().map(|row| dot(row, direction)).collect();
        });
        square_up(&mut directions);
    }
    let along: f64 = directions
        .iter()
        .map(|direction| products.iter().zip(direction).map(|(row, at)| dot(row, direction) * at).sum::<f64>())
        .sum();
    let whole: f64 = (0..of).map(|at| products[at][at]).sum();
    Ok(Reduced { directions, kept: along / whole.max(f64::MIN_POSITIVE) })
}

/// The vectors along the directions, `[N, D] → [N, width]`.
///
/// # Errors
/// Candle's.
pub(super) fn along(vectors: &[Vec<f32>], directions: &[Vec<f64>]) -> Result<Vec<Vec<f32>>, TextError> {
    let directions: Vec<Vec<f32>> =
        directions.iter().map(|direction| direction.iter().map(|value| *value as f32).collect()).collect();
    Ok(tensor(vectors)?.matmul(&tensor(&directions)?.t()?)?.to_vec2()?)
}

fn tensor(rows: &[Vec<f32>]) -> Result<Tensor, TextError> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 {
        return Err(TextError::Unfit("there are no vectors to reduce".into()));
    }
    Ok(Tensor::from_vec(rows.concat(), (rows.len(), width), &Device::Cpu)?)
}

/// Brings each to length 1 and at right angles to those before it; zeros where nothing is left of it. Source: Gram and
/// Schmidt, in the order that is stable.
fn square_up(directions: &mut [Vec<f64>]) {
    for at in 0..directions.len() {
        let (before, rest) = directions.split_at_mut(at);
        let Some(own) = rest.first_mut() else { return };
        for other in before {
            let along = dot(own, other);
            own.iter_mut().zip(other.iter()).for_each(|(own, other)| *own -= along * other);
        }
        let length = dot(own, own).sqrt();
        own.iter_mut().for_each(|value| *value = if length > 1e-12 { *value / length } else { 0.0 });
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_directions_are_found_and_products_along_them_kept() {
        // Long along (3, 4, 0) / 5, shorter along the third axis, hardly at all along (4, -3, 0) / 5.
        let at = |a: f32, b: f32, c: f32| vec![0.6 * a + 0.8 * c, 0.8 * a - 0.6 * c, b];
        let vectors = [at(5.0, 0.0, 0.01), at(-4.0, 1.0, 0.0), at(1.0, 2.0, -0.01)];
        let Reduced { directions, kept } = directions(&vectors, 2).unwrap();
        assert!((kept - 1.0).abs() < 1e-4, "{kept}");
        let along = along(&vectors, &directions).unwrap();
        let product = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        assert!((product(&along[0], &along[1]) - product(&vectors[0], &vectors[1])).abs() < 1e-2);
        assert!(super::directions(&[], 2).is_err());
    }
}
