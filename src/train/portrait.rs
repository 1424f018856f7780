//! What a person wants to see of a model beside figures: the map of its items, whether its probabilities hold, and what it
//! shows after some sessions. All of it is measured on the test.

use super::dataset::Case;
use super::encoder::Encoder;
use super::error::TrainError;
use super::evaluate::{Terms, best, finish, rank};
use super::map::flat;
use super::ranker::Ranker;
use super::split::Split;

/// The most items on the map.
const POINTS: usize = 3_000;
/// The most cases that calibration is measured on.
const CASES: usize = 2_000;
/// Items of each of those cases: the head of the list is what is shown.
const HEAD: usize = 10;
/// Groups of like probability, of like size.
const BINS: usize = 10;
/// Sessions shown, and items of each.
const SESSIONS: (usize, usize) = (8, 8);

/// The pictures' data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portrait {
    /// Rows and their places on the map, drawn evenly over the rows.
    pub map: Vec<(u32, [f32; 2])>,
    /// Probabilities the blend gave to the items at the head of its lists, and how often they came true, ascending.
    pub calibration: Vec<Bin>,
    /// Sessions with what the blend shows after them, drawn evenly over the test.
    pub sessions: Vec<Shown>,
}

/// Probabilities alike, and what came of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The mean probability.
    pub said: f64,
    /// The share that came true.
    pub came: f64,
    /// Items of lists.
    pub count: usize,
}

/// A session and what is shown after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Rows, oldest first.
    pub history: Vec<u32>,
    /// What came next; padding where training never saw it.
    pub target: u32,
    /// The target's rank, from 0.
    pub rank: f32,
    /// The list, best first.
    pub list: Vec<u32>,
}

impl Portrait {
    /// Looks at the model (for its items' vectors) and at what is served (for all else).
    ///
    /// # Errors
    /// The rankers'.
    pub(super) fn of(
        encoder: &Encoder,
        served: &dyn Ranker,
        split: &Split,
        terms: Terms<'_>,
    ) -> Result<Self, TrainError> {
        let rows: Vec<u32> = drawn(split.rows - 1, POINTS).map(|at| at as u32 + 1).collect();
        let vectors = encoder.vectors(&rows)?;
        let map = rows.into_iter().zip(flat(&vectors)).collect();
        let sessions = drawn(split.test.len(), SESSIONS.0).map(|at| shown(served, &split.test[at], terms));
        Ok(Self {
            map,
            calibration: calibration(served, &split.test, terms)?,
            sessions: sessions.collect::<Result<_, _>>()?,
        })
    }
}

/// At most so many places of a list, at equal distances.
fn drawn(of: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..of).step_by(of.div_ceil(most).max(1))
}

fn scored(ranker: &dyn Ranker, case: &Case, terms: Terms<'_>) -> Result<Vec<f32>, TrainError> {
    let mut scores = vec![0f32; terms.rows];
    ranker.score(&[&case.history], &mut scores)?;
    finish(&mut scores, &case.history, terms);
    Ok(scores)
}

fn shown(ranker: &dyn Ranker, case: &Case, terms: Terms<'_>) -> Result<Shown, TrainError> {
    let scores = scored(ranker, case, terms)?;
    let Case { history, target } = case.clone();
    Ok(Shown { history: history.to_vec(), target, rank: rank(&scores, target), list: best(&scores, SESSIONS.1) })
}

fn calibration(ranker: &dyn Ranker, cases: &[Case], terms: Terms<'_>) -> Result<Vec<Bin>, TrainError> {
    let mut said: Vec<(f32, bool)> = Vec::new();
    for at in drawn(cases.len(), CASES) {
        let scores = scored(ranker, &cases[at], terms)?;
        let target = cases[at].target;
        said.extend(best(&scores, HEAD).into_iter().map(|row| (scores[row as usize], row == target)));
    }
    said.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bin = |of: &[(f32, bool)]| {
        let count = of.len() as f64;
        Bin {
            said: of.iter().map(|(said, _)| f64::from(*said)).sum::<f64>() / count,
            came: of.iter().filter(|(_, came)| *came).count() as f64 / count,
            count: of.len(),
        }
    };
    Ok(said.chunks(said.len().div_ceil(BINS).max(1)).map(bin).collect())
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::*;

    /// Says that row 1 comes with .75 and row 2 with .25.
    struct Sure;

    impl Ranker for Sure {
        fn name(&self) -> &str {
            "sure"
        }

        fn score(&self, _: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
            scores.copy_from_slice(&[0.0, 0.75, 0.25]);
            Ok(())
        }
    }

    #[test]
    fn probabilities_that_hold_are_on_the_diagonal() {
        let case = |at: usize| Case { history: History::default(), target: if at.is_multiple_of(4) { 2 } else { 1 } };
        let cases: Vec<Case> = (0..40).map(case).collect();
        let terms = Terms { rows: 3, mask_seen: false, counts: &[0, 1, 1] };
        let bins = calibration(&Sure, &cases, terms).unwrap();
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 80);
        for (bins, expected) in [(&bins[..5], 0.25), (&bins[5..], 0.75)] {
            assert!(bins.iter().all(|bin| (bin.said - expected).abs() < 1e-6), "{bins:?}");
            let came: f64 = bins.iter().map(|bin| bin.came).sum::<f64>() / 5.0;
            assert!((came - expected).abs() < 1e-9, "{bins:?}");
        }
        let one = shown(&Sure, &cases[0], terms).unwrap();
        assert_eq!((one.list, one.target, one.rank), (vec![1, 2], 2, 1.0));
    }

    #[test]
    fn places_are_drawn_evenly_and_never_too_many() {
        assert_eq!(drawn(0, 5).count(), 0);
        assert_eq!(drawn(3, 5).collect::<Vec<_>>(), [0, 1, 2]);
        for of in 1..200 {
            assert!(drawn(of, 7).count() <= 7);
        }
    }
}
