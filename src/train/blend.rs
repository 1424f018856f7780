//! Encoder and co-visitation together, in a proportion learned on validation cases.

use super::dataset::Case;
use super::error::TrainError;
use super::evaluate::{Terms, finish, rank};
use super::metrics::{ndcg, reciprocal};
use super::ranker::Ranker;

/// Proportions tried, in twentieths.
const STEPS: usize = 20;

/// Two rankers and the first one's share.
pub struct Blend<'a> {
    one: &'a dyn Ranker,
    other: &'a dyn Ranker,
    /// From 0 to 1.
    pub share: f32,
}

impl<'a> Blend<'a> {
    /// Puts two rankers together.
    pub fn new(one: &'a dyn Ranker, other: &'a dyn Ranker, share: f32) -> Self {
        Self { one, other, share }
    }
}

impl Ranker for Blend<'_> {
    fn name(&self) -> &str {
        "blend"
    }

    fn score(&self, histories: &[&[u32]], scores: &mut [f32]) -> Result<(), TrainError> {
        let mut others = vec![0f32; scores.len()];
        self.one.score(histories, scores)?;
        self.other.score(histories, &mut others)?;
        for (score, other) in scores.iter_mut().zip(others) {
            *score = self.share * *score + (1.0 - self.share) * other;
        }
        Ok(())
    }
}

/// The first ranker's share with which validation cases are ranked best, and how well.
///
/// # Errors
/// The rankers'.
pub fn learn(one: &dyn Ranker, other: &dyn Ranker, cases: &[Case], terms: Terms<'_>) -> Result<(f32, f64), TrainError> {
    let mut sums = [0f64; STEPS + 1];
    let (mut ones, mut others) = (vec![0f32; terms.rows], vec![0f32; terms.rows]);
    for case in cases {
        ones.fill(0.0);
        others.fill(0.0);
        one.score(&[&case.history], &mut ones)?;
        other.score(&[&case.history], &mut others)?;
        for (step, sum) in sums.iter_mut().enumerate() {
            let share = step as f32 / STEPS as f32;
            let mut mixed: Vec<f32> = ones.iter().zip(&others).map(|(a, b)| share * a + (1.0 - share) * b).collect();
            finish(&mut mixed, &case.history, terms);
            let rank = rank(&mixed, case.target);
            // Sessions want both: early places and a long enough list.
            let session = || reciprocal(rank, 20.0) + if rank < 20.0 { 0.3 } else { 0.0 };
            *sum += if terms.mask_seen { ndcg(rank, 10.0) } else { session() };
        }
    }
    let best = sums.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    let (step, sum) = best.map_or((0, 0.0), |(step, sum)| (step, *sum));
    Ok((step as f32 / STEPS as f32, sum / cases.len().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [f32]);

    impl Ranker for Fixed {
        fn name(&self) -> &str {
            "fixed"
        }

        fn score(&self, _: &[&[u32]], scores: &mut [f32]) -> Result<(), TrainError> {
            scores.copy_from_slice(self.0);
            Ok(())
        }
    }

    #[test]
    fn the_share_that_ranks_best_is_found() {
        let cases = [Case { history: vec![], target: 2 }];
        let terms = Terms { rows: 4, mask_seen: true, counts: &[0; 4] };
        let (good, bad) = (Fixed(&[0.0, 0.1, 0.8, 0.1]), Fixed(&[0.0, 0.9, 0.0, 0.1]));
        let learned = |one: &Fixed, other: &Fixed| learn(one, other, &cases, terms).unwrap();
        assert!(learned(&good, &bad).0 > 0.5);
        assert!(learned(&bad, &good).0 < 0.5);
        // Each alone is wrong, together they are right.
        let (one, other) = (Fixed(&[0.0, 0.6, 0.4, 0.0]), Fixed(&[0.0, 0.0, 0.4, 0.6]));
        let (share, value) = learned(&one, &other);
        assert!(share > 0.2 && share < 0.8 && (value - 1.0).abs() < 1e-9, "{share} {value}");
    }
}
