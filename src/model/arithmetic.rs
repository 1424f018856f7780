//! Loops over many numbers, compiled for each instruction set and chosen at run time.

use pulp::Arch;

/// e to the power of a number not above 0, relative error below 3·10⁻⁷ near 0 and 10⁻⁵ at -87, where it ends.
///
/// Splits x·log₂e into a whole part, which becomes the exponent, and the rest in [-½, ½], for which a polynomial of degree
/// 6 gives 2 to its power. No branch and no conversion that saturates, so that a loop of it becomes vector instructions.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// Adding it rounds to a whole number and leaves that number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let power = x.max(-87.0) * std::f32::consts::LOG2_E;
    let rounded = power + ROUND;
    let rest = power - (rounded - ROUND);
    let mut two_to_rest = 1.535_336_2e-4_f32;
    for term in [1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 0.240_226_48, std::f32::consts::LN_2, 1.0] {
        two_to_rest = two_to_rest * rest + term;
    }
    let whole = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    f32::from_bits(whole.wrapping_add(127) << 23) * two_to_rest
}

/// The largest number; the smallest finite one where there is none.
pub fn maximum(values: &[f32]) -> f32 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [f32::MIN; 32];
            for chunk in values.chunks(32) {
                for (lane, value) in lanes.iter_mut().zip(chunk) {
                    *lane = if *value > *lane { *value } else { *lane };
                }
            }
            lanes.iter().fold(f32::MIN, |a, b| a.max(*b))
        },
    )
}

/// Replaces each x by e^(scale·(x - maximum)) and gives their sum. `maximum` must be the largest, `scale` above 0.
pub fn exponentials(values: &mut [f32], maximum: f32, scale: f32) -> f32 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0f32; 32];
            for chunk in values.chunks_mut(32) {
                for (lane, value) in lanes.iter_mut().zip(chunk) {
                    *value = exponential((*value - maximum) * scale);
                    *lane += *value;
                }
            }
            lanes.iter().sum()
        },
    )
}

/// The product of two vectors of one length.
pub fn inner(one: &[f32], other: &[f32]) -> f32 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0f32; 16];
            let ((ones, rest), (others, other_rest)) = (one.as_chunks::<16>(), other.as_chunks::<16>());
            for (one, other) in ones.iter().zip(others) {
                for (lane, (a, b)) in lanes.iter_mut().zip(one.iter().zip(other)) {
                    *lane += a * b;
                }
            }
            lanes.iter().sum::<f32>() + rest.iter().zip(other_rest).map(|(a, b)| a * b).sum::<f32>()
        },
    )
}

/// Multiplies each number.
pub(super) fn multiply(values: &mut [f32], by: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || values.iter_mut().for_each(|value| *value *= by),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_exact_to_six_digits_near_0_and_vanish_far_below() {
        let mut values: Vec<f32> = (0..=870).map(|step| -(step as f32) / 10.0).collect();
        let given = values.clone();
        let expected: Vec<f64> = values.iter().map(|x| f64::from(*x).exp()).collect();
        let sum = exponentials(&mut values, 0.0, 1.0);
        for ((found, expected), x) in values.iter().zip(&expected).zip(&given) {
            let bound = 3e-7 + 1.2e-7 * f64::from(x.abs());
            assert!((f64::from(*found) - expected).abs() <= bound * expected, "{found} {expected}");
        }
        assert!((f64::from(sum) - expected.iter().sum::<f64>()).abs() < 1e-4);
        let mut far = [f32::MIN, 0.0];
        exponentials(&mut far, 0.0, 1.0);
        assert!(far[0] < 1e-37 && (far[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn products_of_vectors_are_sums_whatever_their_length() {
        for length in [0, 1, 15, 16, 17, 64, 100] {
            let one: Vec<f32> = (0..length).map(|at| at as f32).collect();
            let sum: f32 = one.iter().map(|value| value * 2.0).sum();
            assert!((inner(&one, &vec![2.0; length]) - sum).abs() < 1e-3);
        }
    }

    #[test]
    fn the_largest_is_found_in_any_place() {
        for at in [0, 31, 32, 69] {
            let mut values = vec![-3.0; 70];
            values[at] = 2.0;
            assert!((maximum(&values) - 2.0).abs() < f32::EPSILON);
        }
    }
}
