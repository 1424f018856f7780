//! Rankers together, as the gateway puts sources together: of each ranker the square roots of its scores over its best one,
//! summed by share. Roots, because a ranker that is sure of its first item says little with how far the others are behind.

use super::error::TrainError;
use super::evaluate::Terms;
use super::history::History;
use super::ranker::{Ranker, normalize};
use crate::features::PADDING;
use serde::Serialize;
use std::fmt;

/// How rankers are put together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mixture {
    /// Of every ranker, in their order; they sum to 1.
    pub shares: Vec<Share>,
    /// What the score of an item of the history is multiplied by; 1 where those are taken out anyway.
    pub seen: f32,
    /// The benefit of the doubt for items that few have met: rankers that read text have the score of an item of n training
    /// events multiplied by `1 + newcomers / (1 + n)`.
    pub newcomers: f32,
}

/// What a ranker counts for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The ranker's name.
    pub of: String,
    /// From 0 to 1.
    pub share: f32,
}

impl Mixture {
    /// The share of a ranker; 0 where it is not among them.
    pub fn of(&self, name: &str) -> f32 {
        self.shares.iter().find(|share| share.of == name).map_or(0.0, |share| share.share)
    }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.shares.iter().filter(|share| share.share > 0.0);
        let told: Vec<String> = told.map(|share| format!("{} {:.2}", share.of, share.share)).collect();
        write!(f, "{}", told.join(", "))?;
        if self.seen != 1.0 {
            write!(f, "; items of the history count {:.2}", self.seen)?;
        }
        if self.newcomers == 0.0 { Ok(()) } else { write!(f, "; newcomers {:.2}", self.newcomers) }
    }
}

/// Rankers, put together.
pub struct Blend<'a> {
    parts: Vec<(&'a dyn Ranker, f32)>,
    seen: f32,
    /// Whether items of the history are taken out, so that none of them is a best one.
    masked: bool,
    /// Of each row what rankers that read text are multiplied by.
    doubt: Vec<f32>,
}

impl<'a> Blend<'a> {
    /// Puts rankers together; each has the share that the mixture names it with.
    pub fn new(rankers: &[&'a dyn Ranker], mixture: &Mixture, terms: Terms<'_>) -> Self {
        let parts = rankers.iter().map(|ranker| (*ranker, mixture.of(ranker.name())));
        let doubt = terms.counts.iter().map(|count| doubt(mixture.newcomers, *count)).collect();
        Self {
            parts: parts.collect(),
            seen: if terms.mask_seen { 0.0 } else { mixture.seen },
            masked: terms.mask_seen,
            doubt,
        }
    }
}

/// The benefit of the doubt for an item of so many training events.
pub(super) fn doubt(newcomers: f32, count: u32) -> f32 {
    1.0 + newcomers / (1.0 + count as f32)
}

impl Ranker for Blend<'_> {
    fn name(&self) -> &str {
        "blend"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        let mut own = vec![0f32; scores.len()];
        let rows = self.doubt.len().max(1);
        for (ranker, share) in self.parts.iter().filter(|(_, share)| *share > 0.0) {
            own.fill(0.0);
            ranker.score(histories, &mut own)?;
            let each = own.chunks_exact_mut(rows).zip(scores.chunks_exact_mut(rows));
            for ((own, scores), history) in each.zip(histories) {
                softened(own, if self.masked { history } else { &[] });
                if ranker.reads_text() {
                    own.iter_mut().zip(&self.doubt).for_each(|(own, doubt)| *own *= doubt);
                }
                scores.iter_mut().zip(own).for_each(|(score, own)| *score += share * *own);
            }
        }
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(rows)) {
            let mut once = history.to_vec();
            once.sort_unstable();
            once.dedup();
            once.iter().for_each(|row| scores[*row as usize] *= self.seen);
            // Back from roots: the order stays, and shares of the whole are nearer to probabilities.
            scores.iter_mut().for_each(|score| *score *= *score);
            normalize(scores);
        }
        Ok(())
    }
}

/// Turns a ranker's scores into square roots of their shares of its best one, items left out aside; zeros stay zeros.
pub(super) fn softened(scores: &mut [f32], without: &[u32]) {
    without.iter().for_each(|row| scores[*row as usize] = 0.0);
    scores[PADDING as usize] = 0.0;
    let best = scores.iter().copied().fold(0.0, f32::max);
    if best > 0.0 {
        scores.iter_mut().for_each(|score| *score = (*score / best).sqrt());
    }
}

#[cfg(test)]
mod tests {
    use super::super::baselines::assert_near;
    use super::super::ranker::Fixed;
    use super::*;

    #[test]
    fn scores_are_summed_by_share_and_by_the_factors_for_what_was_seen_and_for_what_few_have_met() {
        let (one, text) = (Fixed("one", vec![0.0, 0.8, 0.2, 0.0]), Fixed("text", vec![0.0, 0.1, 0.4, 0.4]));
        let share = |of: &str, share| Share { of: of.into(), share };
        let mixture = Mixture { shares: vec![share("text", 0.25), share("one", 0.75)], seen: 0.5, newcomers: 2.0 };
        let scored = |mask_seen| {
            let terms = Terms { rows: 4, mask_seen, counts: &[0, 3, 0, 7] };
            let mut scores = [0.0; 8];
            let blend = Blend::new(&[&one, &text], &mixture, terms);
            blend.score(&[&vec![1, 1].into(), &vec![2].into()], &mut scores).unwrap();
            scores
        };
        // Roots of shares of the best: 1, .5, 0 and .5, 1, 1; the text times 1.5, 3 and 1.25 for what few have met.
        let [first, second, third] = [0.75 + 0.25 * 0.75, 0.75 * 0.5 + 0.25 * 3.0, 0.25 * 1.25];
        let shares = |values: [f32; 3]| {
            let squares = values.map(|value| value * value);
            squares.map(|square| square / squares.iter().sum::<f32>())
        };
        let (of_one, of_two) = (shares([first / 2.0, second, third]), shares([first, second / 2.0, third]));
        assert_near(&scored(false)[1..4], &of_one);
        assert_near(&scored(false)[5..], &of_two);
        // Without what was seen another is the best of its ranker.
        let of_one = shares([0.0, 0.75 + 0.25 * 3.0, 0.25 * 1.25]);
        assert_near(&scored(true)[1..4], &of_one);
        assert_eq!(mixture.to_string(), "text 0.25, one 0.75; items of the history count 0.50; newcomers 2.00");
        assert_eq!((mixture.of("one"), mixture.of("none")), (0.75, 0.0));
    }
}
