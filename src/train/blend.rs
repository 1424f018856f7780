//! Rankers together, in proportions learned on validation cases.

use super::dataset::Case;
use super::error::TrainError;
use super::evaluate::{Terms, finish, rank};
use super::metrics::{ndcg, reciprocal};
use super::ranker::Ranker;

/// Proportions tried of two rankers, and of more: in so many parts of the whole.
const STEPS: (usize, usize) = (20, 10);

/// Rankers and their shares, which sum to 1.
pub struct Blend<'a> {
    parts: Vec<(&'a dyn Ranker, f32)>,
}

impl<'a> Blend<'a> {
    /// Puts rankers together; each has its share.
    pub fn new(rankers: &[&'a dyn Ranker], shares: &[f32]) -> Self {
        Self { parts: rankers.iter().copied().zip(shares.iter().copied()).collect() }
    }
}

impl Ranker for Blend<'_> {
    fn name(&self) -> &str {
        "blend"
    }

    fn score(&self, histories: &[&[u32]], scores: &mut [f32]) -> Result<(), TrainError> {
        let mut own = vec![0f32; scores.len()];
        for (ranker, share) in self.parts.iter().filter(|(_, share)| *share > 0.0) {
            own.fill(0.0);
            ranker.score(histories, &mut own)?;
            scores.iter_mut().zip(&own).for_each(|(score, own)| *score += share * own);
        }
        Ok(())
    }
}

/// The shares with which validation cases are ranked best, and how well. Among equals the first ranker has more.
///
/// # Errors
/// The rankers'.
pub fn learn(rankers: &[&dyn Ranker], cases: &[Case], terms: Terms<'_>) -> Result<(Vec<f32>, f64), TrainError> {
    let steps = if rankers.len() > 2 { STEPS.1 } else { STEPS.0 };
    let tried: Vec<Vec<f32>> = parted(steps, rankers.len())
        .into_iter()
        .map(|parts| parts.into_iter().map(|part| part as f32 / steps as f32).collect())
        .collect();
    let mut sums = vec![0f64; tried.len()];
    let (mut own, mut mixed) = (vec![vec![0f32; terms.rows]; rankers.len()], vec![0f32; terms.rows]);
    for case in cases {
        for (ranker, own) in rankers.iter().zip(&mut own) {
            own.fill(0.0);
            ranker.score(&[&case.history], own)?;
        }
        for (shares, sum) in tried.iter().zip(&mut sums) {
            mixed.fill(0.0);
            for (own, share) in own.iter().zip(shares).filter(|(_, share)| **share > 0.0) {
                mixed.iter_mut().zip(own).for_each(|(score, own)| *score += share * own);
            }
            finish(&mut mixed, &case.history, terms);
            let rank = rank(&mixed, case.target);
            // Sessions want both: early places and a long enough list.
            let session = || reciprocal(rank, 20.0) + if rank < 20.0 { 0.3 } else { 0.0 };
            *sum += if terms.mask_seen { ndcg(rank, 10.0) } else { session() };
        }
    }
    let best = sums.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    let (at, sum) = best.map_or((0, 0.0), |(at, sum)| (at, *sum));
    Ok((tried.into_iter().nth(at).unwrap_or_default(), sum / cases.len().max(1) as f64))
}

/// Every way to part a whole, those with most for the first before others.
fn parted(whole: usize, among: usize) -> Vec<Vec<usize>> {
    if among <= 1 {
        return vec![vec![whole; among]];
    }
    let first = (0..=whole).rev();
    first
        .flat_map(|first| {
            parted(whole - first, among - 1).into_iter().map(move |mut rest| {
                rest.insert(0, first);
                rest
            })
        })
        .collect()
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
        let learned = |rankers: &[&dyn Ranker]| learn(rankers, &cases, terms).unwrap();
        assert!(learned(&[&good, &bad]).0[0] > 0.5);
        assert!(learned(&[&bad, &good]).0[0] < 0.5);
        // Each alone is wrong, together they are right.
        let (one, other) = (Fixed(&[0.0, 0.6, 0.4, 0.0]), Fixed(&[0.0, 0.0, 0.4, 0.6]));
        let (shares, value) = learned(&[&one, &other]);
        assert!(shares[0] > 0.2 && shares[0] < 0.8 && (value - 1.0).abs() < 1e-9, "{shares:?} {value}");
        let (shares, value) = learned(&[&bad, &one, &other]);
        assert!(shares[0] < 0.5 && (value - 1.0).abs() < 1e-9, "{shares:?} {value}");
    }

    #[test]
    fn every_way_to_part_a_whole_is_tried_once() {
        assert_eq!(parted(2, 2), [[2, 0], [1, 1], [0, 2]]);
        let ways = parted(10, 3);
        assert_eq!(ways.len(), 66);
        assert!(ways.iter().all(|way| way.iter().sum::<usize>() == 10));
        assert_eq!(parted(5, 1), [[5]]);
    }

    #[test]
    fn scores_are_summed_by_share() {
        let (one, other) = (Fixed(&[0.0, 1.0, 0.0]), Fixed(&[0.0, 0.5, 0.5]));
        let mut scores = [0.0; 3];
        Blend::new(&[&one, &other], &[0.5, 0.5]).score(&[&[1]], &mut scores).unwrap();
        assert!(scores.iter().zip([0.0, 0.75, 0.25]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
