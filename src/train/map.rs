//! A flat map of vectors: the two directions in which they differ most, by power iteration. Source: Pearson, "On Lines and
//! Planes of Closest Fit to Systems of Points in Space" (1901).

/// Rounds of the iteration; a picture needs no more digits.
const ROUNDS: usize = 60;

/// Two coordinates for each of the vectors, which are all of one length: `[N, D] → [N, 2]`, the mean at the origin.
/// Vectors that hold anything not finite are put there, too. The same vectors give the same map.
pub(super) fn flat(vectors: &[Vec<f32>]) -> Vec<[f32; 2]> {
    let width = vectors.first().map_or(0, Vec::len);
    let sound = |vector: &&Vec<f32>| vector.len() == width && vector.iter().all(|value| value.is_finite());
    let count = vectors.iter().filter(sound).count().max(1) as f64;
    let mut mean = vec![0f64; width];
    for vector in vectors.iter().filter(sound) {
        mean.iter_mut().zip(vector).for_each(|(mean, value)| *mean += f64::from(*value) / count);
    }
    let centred: Vec<Vec<f64>> = vectors
        .iter()
        .map(|vector| match sound(&vector) {
            true => vector.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean).collect(),
            false => vec![0.0; width],
        })
        .collect();
    let first = direction(&centred, width, None);
    let second = direction(&centred, width, Some(&first));
    centred.iter().map(|vector| [dot(vector, &first) as f32, dot(vector, &second) as f32]).collect()
}

/// The direction of most variance, of length 1, at a right angle to another; zeros where nothing varies.
fn direction(vectors: &[Vec<f64>], width: usize, other: Option<&[f64]>) -> Vec<f64> {
    // No two starts alike, so that hardly any data is at a right angle to it.
    let mut found: Vec<f64> = (0..width).map(|at| 1.0 / (at as f64 + 1.0)).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0f64; width];
        for vector in vectors {
            let along = dot(vector, &found);
            next.iter_mut().zip(vector).for_each(|(next, value)| *next += along * value);
        }
        if let Some(other) = other {
            let along = dot(&next, other);
            next.iter_mut().zip(other).for_each(|(next, value)| *next -= along * value);
        }
        let length = dot(&next, &next).sqrt();
        if length < 1e-12 {
            return vec![0.0; width];
        }
        next.iter_mut().for_each(|value| *value /= length);
        found = next;
    }
    found
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_directions_of_most_variance_are_the_map() {
        // Along (3, 4)/5 by 10, across it by 1, along the third axis not at all.
        let at = |along: f32, across: f32| vec![0.6 * along - 0.8 * across + 7.0, 0.8 * along + 0.6 * across, 3.0];
        let map = flat(&[at(10.0, 0.0), at(-10.0, 0.0), at(0.0, 1.0), at(0.0, -1.0)]);
        let near = |found: f32, expected: f32| assert!((found.abs() - expected).abs() < 1e-4, "{map:?}");
        near(map[0][0], 10.0);
        near(map[0][1], 0.0);
        near(map[2][0], 0.0);
        near(map[2][1], 1.0);
        assert!(map[0][0] * map[1][0] < 0.0 && map[2][1] * map[3][1] < 0.0);
    }

    #[test]
    fn nothing_to_draw_is_no_error() {
        assert!(flat(&[]).is_empty());
        assert_eq!(flat(&[vec![1.0, 2.0], vec![1.0, 2.0]]), [[0.0; 2]; 2]);
        assert_eq!(flat(&[vec![f32::NAN, 1.0], vec![0.0, 1.0], vec![2.0, 1.0]])[0], [0.0; 2]);
    }
}
