//! How much of one embedding another keeps: whether the same texts are near each other in both.

use super::error::TextError;

/// Neighbours that should be found.
const NEAREST: usize = 10;
/// Among how many they may be found, beside among as many.
const AMONG: usize = 50;
/// The most pairs whose cosines are ranked.
const PAIRS: usize = 200_000;

/// How well two embeddings of the same texts agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Texts.
    pub texts: usize,
    /// Texts whose neighbours were looked for, drawn evenly.
    pub asked: usize,
    /// Share of the ten nearest by the one that are among the ten nearest by the other.
    pub of_10: f64,
    /// Share that are among the fifty nearest.
    pub of_50: f64,
    /// Spearman's correlation of the cosines of pairs.
    pub spearman: f64,
}

/// Compares the second with the first; vectors `[N, D]` of length 1 in the order of the texts.
///
/// # Errors
/// Fewer than 100 texts, or not as many in both.
pub fn compare(one: &[Vec<f32>], other: &[Vec<f32>], asked: usize) -> Result<Agreement, TextError> {
    if one.len() != other.len() || one.len() < 100 {
        let (one, other) = (one.len(), other.len());
        return Err(TextError::Unfit(format!(
            "{one} and {other} texts; at least 100 and as many of both are compared"
        )));
    }
    let step = one.len().div_ceil(asked.max(1)).max(1);
    let (mut of_10, mut of_50, mut count, mut pairs) = (0, 0, 0, Vec::new());
    let keep = (one.len() / step * one.len()).div_ceil(PAIRS).max(1);
    for at in (0..one.len()).step_by(step) {
        let (by_one, by_other) = (cosines(one, at), cosines(other, at));
        let (expected, found) = (nearest(&by_one, at, NEAREST), nearest(&by_other, at, AMONG));
        of_10 += expected.iter().filter(|text| found[..NEAREST].contains(text)).count();
        of_50 += expected.iter().filter(|text| found.contains(text)).count();
        count += 1;
        let of_text =
            by_one.into_iter().zip(by_other).enumerate().filter(|(text, _)| *text != at && (text + at) % keep == 0);
        pairs.extend(of_text.map(|(_, pair)| pair));
    }
    let share = |found: usize| found as f64 / (count * NEAREST) as f64;
    Ok(Agreement {
        texts: one.len(),
        asked: count,
        of_10: share(of_10),
        of_50: share(of_50),
        spearman: spearman(&pairs),
    })
}

fn cosines(vectors: &[Vec<f32>], at: usize) -> Vec<f32> {
    vectors.iter().map(|vector| vector.iter().zip(&vectors[at]).map(|(a, b)| a * b).sum()).collect()
}

/// The nearest others, nearest first; of equally near ones the first.
fn nearest(cosines: &[f32], at: usize, count: usize) -> Vec<usize> {
    let mut others: Vec<usize> = (0..cosines.len()).filter(|other| *other != at).collect();
    let nearer = |a: &usize, b: &usize| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b));
    others.select_nth_unstable_by(count - 1, nearer);
    others.truncate(count);
    others.sort_by(nearer);
    others
}

/// The correlation of ranks. Source: Spearman (1904).
fn spearman(pairs: &[(f32, f32)]) -> f64 {
    let (one, other) = (ranks(pairs, |pair| pair.0), ranks(pairs, |pair| pair.1));
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt().max(f64::MIN_POSITIVE)
}

/// Ranks from 0; equal values have the mean of theirs.
fn ranks(pairs: &[(f32, f32)], value: impl Fn(&(f32, f32)) -> f32) -> Vec<f64> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|a, b| value(&pairs[*a]).total_cmp(&value(&pairs[*b])));
    let mut ranks = vec![0f64; pairs.len()];
    let mut from = 0;
    for equal in order.chunk_by(|a, b| value(&pairs[*a]) == value(&pairs[*b])) {
        let rank = from as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|at| ranks[*at] = rank);
        from += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a half circle.
    fn points(shift: impl Fn(usize) -> f32) -> Vec<Vec<f32>> {
        let at = |at: usize| (at as f32 * 0.02 + shift(at)).sin_cos();
        (0..150).map(|point| [at(point).0, at(point).1].to_vec()).collect()
    }

    #[test]
    fn the_same_vectors_agree_in_everything_and_others_in_little() {
        let (one, same) = (points(|_| 0.0), points(|_| 1.0));
        let agreement = compare(&one, &same, 50).unwrap();
        assert_eq!((agreement.texts, agreement.asked), (150, 50));
        assert!(agreement.of_10 > 0.95 && agreement.of_50 > 0.95 && agreement.spearman > 0.999, "{agreement:?}");
        let other = compare(&one, &points(|at| (at * 7919 % 151) as f32), 150).unwrap();
        assert!(other.of_10 < 0.3 && other.of_50 > other.of_10 && other.spearman.abs() < 0.3, "{other:?}");
        assert!(compare(&one, &same[..149], 10).is_err() && compare(&one[..9], &same[..9], 10).is_err());
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[(2.0, 0.0), (1.0, 0.0), (2.0, 0.0)], |pair| pair.0), [1.5, 0.0, 1.5]);
    }
}
