//! Full ranking: every item is scored for every case, none is sampled.

use super::dataset::Case;
use super::error::TrainError;
use super::history::History;
use super::metrics::Metrics;
use super::ranker::Ranker;
use crate::features::PADDING;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Cases scored at once.
const CHUNK: usize = 64;
/// The rank of a target that cannot be ranked.
const MISS: f32 = 1e9;

/// What a ranker did with the cases.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The target's rank in each case, from 0; among equals the mean of their places.
    pub ranks: Vec<f32>,
    /// Different items among the first ten of any case.
    pub covered: usize,
    /// Mean number of training events of the items among the first ten.
    pub popularity: f64,
    /// What scoring a case took, in milliseconds, in batches and on as many threads as candle uses.
    pub milliseconds: f64,
}

/// How cases are measured.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Rows of the item table.
    pub rows: usize,
    /// Whether items of the history are taken out.
    pub mask_seen: bool,
    /// Training events of each row; also parts what a ranker scores alike.
    pub counts: &'a [u32],
}

/// Ranks all items for every case.
///
/// # Errors
/// The ranker's.
pub fn measure(ranker: &dyn Ranker, cases: &[Case], terms: Terms<'_>) -> Result<Measured, TrainError> {
    let mut ranks = vec![MISS; cases.len()];
    let (mut covered, mut popularity, mut shown) = (BTreeSet::new(), 0f64, 0u64);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    // Histories of like length side by side: a batch is as long as its longest.
    order.sort_by_key(|at| cases[*at].history.len());
    let mut scores = vec![0f32; CHUNK * terms.rows];
    let mut took = Duration::ZERO;
    for chunk in order.chunks(CHUNK) {
        let histories: Vec<&History> = chunk.iter().map(|at| &cases[*at].history).collect();
        let scores = &mut scores[..chunk.len() * terms.rows];
        scores.fill(0.0);
        let began = Instant::now();
        ranker.score(&histories, scores)?;
        took += began.elapsed();
        for (at, scores) in chunk.iter().zip(scores.chunks_exact_mut(terms.rows)) {
            finish(scores, &cases[*at].history, terms);
            ranks[*at] = rank(scores, cases[*at].target);
            for row in best(scores, 10) {
                covered.insert(row);
                popularity += f64::from(terms.counts[row as usize]);
                shown += 1;
            }
        }
    }
    let milliseconds = took.as_secs_f64() * 1e3 / cases.len().max(1) as f64;
    Ok(Measured { ranks, covered: covered.len(), popularity: popularity / shown.max(1) as f64, milliseconds })
}

impl Measured {
    /// The metrics over all cases.
    pub fn metrics(&self, seed: u64) -> Metrics {
        Metrics::of(&self.ranks, seed)
    }

    /// The metrics over the cases whose target is of a kind.
    pub fn metrics_of(&self, cases: &[Case], kind: impl Fn(u32) -> bool, seed: u64) -> Metrics {
        let of_kind = self.ranks.iter().zip(cases).filter(|(_, case)| kind(case.target));
        Metrics::of(&of_kind.map(|(rank, _)| *rank).collect::<Vec<_>>(), seed)
    }
}

/// Takes out what must not be ranked and parts what is scored alike by popularity, too little to change anything else.
pub(super) fn finish(scores: &mut [f32], history: &[u32], terms: Terms<'_>) {
    let most = terms.counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    for (score, count) in scores.iter_mut().zip(terms.counts) {
        *score += 1e-9 * *count as f32 / most;
    }
    scores[PADDING as usize] = f32::NEG_INFINITY;
    if terms.mask_seen {
        history.iter().for_each(|row| scores[*row as usize] = f32::NEG_INFINITY);
    }
}

/// The target's place among finished scores.
pub(super) fn rank(scores: &[f32], target: u32) -> f32 {
    let own = scores[target as usize];
    if target == PADDING || own == f32::NEG_INFINITY || own.is_nan() {
        return MISS;
    }
    let (mut above, mut equal) = (0u32, 0u32);
    for score in scores {
        above += u32::from(*score > own);
        equal += u32::from(*score == own);
    }
    above as f32 + (equal - 1) as f32 / 2.0
}

/// The first rows of finished scores, best first.
pub(super) fn best(scores: &[f32], count: usize) -> Vec<u32> {
    let mut kept: Vec<(f32, u32)> = Vec::with_capacity(count + 1);
    for (score, row) in scores.iter().zip(0u32..) {
        let bar = kept.last().map_or(f32::NEG_INFINITY, |last| last.0);
        if *score > bar || (kept.len() < count && *score > f32::NEG_INFINITY) {
            kept.insert(kept.partition_point(|kept| kept.0 >= *score), (*score, row));
            kept.truncate(count);
        }
    }
    kept.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ranker::Fixed;
    use super::*;

    fn ranks(mask_seen: bool, cases: &[Case]) -> Vec<f32> {
        let counts = [0; 6];
        measure(
            &Fixed("fixed", vec![9.0, 0.1, 0.5, 0.3, 0.3, 0.3]),
            cases,
            Terms { rows: 6, mask_seen, counts: &counts },
        )
        .unwrap()
        .ranks
    }

    #[test]
    fn equals_share_their_places_and_padding_has_none() {
        let case = |target| Case { history: vec![2].into(), target };
        assert_eq!(ranks(false, &[case(2), case(1), case(3), case(4), case(0)]), [0.0, 4.0, 2.0, 2.0, MISS]);
        assert_eq!(ranks(true, &[case(1), case(3), case(2)]), [3.0, 1.0, MISS]);
    }

    #[test]
    fn a_ranker_that_scores_all_alike_gains_nothing_from_the_order_of_rows() {
        let counts = [0; 101];
        let cases: Vec<Case> = (1..=100).map(|target| Case { history: History::default(), target }).collect();
        let measured =
            measure(&Fixed("fixed", vec![0.5; 101]), &cases, Terms { rows: 101, mask_seen: true, counts: &counts })
                .unwrap();
        assert!(measured.ranks.iter().all(|rank| (rank - 49.5).abs() < f32::EPSILON));
    }

    #[test]
    fn the_best_are_found_in_order() {
        assert_eq!(best(&[f32::NEG_INFINITY, 0.2, 0.9, 0.2, 0.5], 3), [2, 4, 1]);
        assert_eq!(best(&[f32::NEG_INFINITY, 0.2], 3), [1]);
    }
}
