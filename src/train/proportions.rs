//! In which proportions rankers blend best, learned on validation cases.
//!
//! Proportions are climbed: from the best ranker alone, shares change hands, or one ranker is mixed into all others, as long
//! as that ranks the cases better, large shares first. Each case is ranked within the first items of every ranker, so that
//! hundreds of proportions cost no more than a few full rankings: what no ranker has near its head, no mixture has either.

use super::blend::{Mixture, Share, doubt, softened};
use super::dataset::Case;
use super::error::TrainError;
use super::evaluate::{Terms, best, finish};
use super::metrics::{ndcg, reciprocal};
use super::ranker::Ranker;
use crate::features::PADDING;

/// Shares that change hands at once, in the order tried.
const MOVES: [f32; 4] = [0.4, 0.2, 0.1, 0.05];
/// Factors tried for items of the history, where they are not taken out.
const SEEN: [f32; 8] = [0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5];
/// What is tried for newcomers, least first.
const NEWCOMERS: [f32; 6] = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0];
/// What newcomers may cost, of what the cases are worth without. Validation knows them worse than what comes after it will:
/// what is new now has been met more often by then.
const ALLOWED: f64 = 0.02;
/// First items of each ranker that a case is ranked within.
const HEAD: usize = 100;

/// The mixture with which validation cases are ranked best, and how well: by NDCG@10 where items of the history are taken
/// out; else by MRR@20 and three tenths of Recall@20, for sessions want both early places and a long enough list. Newcomers
/// are given as much as costs no more than a fiftieth of that.
///
/// # Errors
/// The rankers'.
pub fn learn(rankers: &[&dyn Ranker], cases: &[Case], terms: Terms<'_>) -> Result<(Mixture, f64), TrainError> {
    let mut own = vec![vec![0f32; terms.rows]; rankers.len()];
    let mut lists = Vec::with_capacity(cases.len());
    for case in cases {
        lists.extend(shortlist(rankers, case, terms, &mut own)?);
    }
    let text: Vec<bool> = rankers.iter().map(|ranker| ranker.reads_text()).collect();
    let tried = if text.contains(&true) { &NEWCOMERS[..] } else { &NEWCOMERS[..1] };
    let mut chosen: Option<(f32, Climbed)> = None;
    let mut least = f64::NEG_INFINITY;
    for newcomers in tried {
        let value = |shares: &[f32], seen: f32| {
            let rank = |list: &Shortlist| list.rank(shares, seen, (*newcomers, &text));
            lists.iter().map(|list| worth(rank(list), terms)).sum::<f64>() / cases.len().max(1) as f64
        };
        let climbed = climb(rankers.len(), terms.mask_seen, chosen.as_ref().map(|(_, before)| before), value);
        least = least.max(climbed.value * (1.0 - ALLOWED));
        if climbed.value < least {
            break;
        }
        chosen = Some((*newcomers, climbed));
    }
    let (newcomers, Climbed { shares, seen, value }) = chosen.unwrap_or((0.0, Climbed::nothing(rankers.len())));
    let share = |(ranker, share): (&&dyn Ranker, f32)| Share { of: ranker.name().into(), share };
    Ok((Mixture { shares: rankers.iter().zip(shares).map(share).collect(), seen, newcomers }, value))
}

fn worth(rank: f32, terms: Terms<'_>) -> f64 {
    match terms.mask_seen {
        true => ndcg(rank, 10.0),
        false => reciprocal(rank, 20.0) + if rank < 20.0 { 0.3 } else { 0.0 },
    }
}

/// What climbing found.
#[derive(Clone, PartialEq)]
struct Climbed {
    shares: Vec<f32>,
    seen: f32,
    value: f64,
}

impl Climbed {
    /// What anything is better than.
    fn nothing(rankers: usize) -> Self {
        Self { shares: vec![0.0; rankers], seen: 1.0, value: f64::NEG_INFINITY }
    }
}

/// Climbs from where it is told, or from the best ranker alone. Among equals what was found first stands.
fn climb(rankers: usize, masked: bool, from: Option<&Climbed>, value: impl Fn(&[f32], f32) -> f64) -> Climbed {
    let factors: &[f32] = if masked { &[1.0] } else { &SEEN };
    let alone = |at: usize| (0..rankers).map(|other| if other == at { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
    let mut top = Climbed::nothing(rankers);
    let better = |shares: Vec<f32>, seen: f32, top: &mut Climbed| {
        let value = value(&shares, seen);
        if value > top.value {
            *top = Climbed { shares, seen, value };
        }
    };
    match from {
        Some(from) => better(from.shares.clone(), from.seen, &mut top),
        None => (0..rankers).for_each(|at| better(alone(at), 1.0, &mut top)),
    }
    for step in MOVES {
        loop {
            let before = top.clone();
            for to in 0..rankers {
                let mut mixed: Vec<f32> = before.shares.iter().map(|share| share * (1.0 - step)).collect();
                mixed[to] += step;
                better(mixed, before.seen, &mut top);
                for from in (0..rankers).filter(|from| *from != to && before.shares[*from] > 0.0) {
                    let mut moved = before.shares.clone();
                    moved[to] += step.min(moved[from]);
                    moved[from] -= step.min(moved[from]);
                    better(moved, before.seen, &mut top);
                }
            }
            factors.iter().for_each(|seen| better(before.shares.clone(), *seen, &mut top));
            if top == before {
                break;
            }
        }
    }
    top
}

/// A case among the first items of every ranker.
struct Shortlist {
    /// Of each item what each ranker says of it, softened; the target's first.
    scores: Vec<f32>,
    items: Vec<Listed>,
}

/// What counts of an item beside its scores.
struct Listed {
    seen: bool,
    /// Training events.
    count: u32,
    /// What parts items that are scored alike.
    tie: f32,
}

impl Shortlist {
    /// The target's rank, from 0; among equals the mean of their places. `text` tells which rankers read text.
    fn rank(&self, shares: &[f32], factor: f32, (newcomers, text): (f32, &[bool])) -> f32 {
        let score = |(own, item): (&[f32], &Listed)| {
            let doubt = doubt(newcomers, item.count);
            let part = |((own, share), text): ((&f32, &f32), &bool)| own * share * if *text { doubt } else { 1.0 };
            let sum: f32 = own.iter().zip(shares).zip(text).map(part).sum();
            if item.seen { sum * factor + item.tie } else { sum + item.tie }
        };
        let mut all = self.scores.chunks_exact(shares.len().max(1)).zip(&self.items).map(score);
        let target = all.next().unwrap_or(f32::NEG_INFINITY);
        let (mut above, mut equal) = (0u32, 0u32);
        for score in all {
            above += u32::from(score > target);
            equal += u32::from(score == target);
        }
        above as f32 + equal as f32 / 2.0
    }
}

/// None where the target cannot be ranked.
fn shortlist(
    rankers: &[&dyn Ranker],
    case: &Case,
    terms: Terms<'_>,
    own: &mut [Vec<f32>],
) -> Result<Option<Shortlist>, TrainError> {
    if case.target == PADDING || (terms.mask_seen && case.history.contains(&case.target)) {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(rankers.len() * HEAD);
    let mut finished = Vec::with_capacity(terms.rows);
    for (ranker, own) in rankers.iter().zip(&mut *own) {
        own.fill(0.0);
        ranker.score(&[&case.history], own)?;
        finished.clone_from(own);
        finish(&mut finished, &case.history, terms);
        rows.extend(best(&finished, HEAD));
        softened(own, if terms.mask_seen { &case.history } else { &[] });
        if ranker.reads_text() {
            // Once more as newcomers have it at most, so that they are on the list.
            let most = NEWCOMERS.iter().copied().fold(0.0, f32::max);
            let doubted = |((score, own), count): ((&mut f32, &f32), &u32)| {
                *score = if score.is_finite() { own * doubt(most, *count) } else { *score };
            };
            finished.iter_mut().zip(&*own).zip(terms.counts).for_each(doubted);
            rows.extend(best(&finished, HEAD));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows.retain(|row| *row != case.target);
    rows.insert(0, case.target);
    // The ties of the full ranking, laid on nothing.
    let mut ties = vec![0f32; terms.rows];
    finish(&mut ties, &[], Terms { mask_seen: false, ..terms });
    let item = |row: &u32| Listed {
        seen: case.history.contains(row),
        count: terms.counts[*row as usize],
        tie: ties[*row as usize],
    };
    Ok(Some(Shortlist {
        scores: rows.iter().flat_map(|row| own.iter().map(|own| own[*row as usize])).collect(),
        items: rows.iter().map(item).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::super::ranker::Fixed;
    use super::*;

    fn terms(mask_seen: bool) -> Terms<'static> {
        Terms { rows: 4, mask_seen, counts: &[0, 9, 9, 0] }
    }

    #[test]
    fn the_shares_that_rank_best_are_found() {
        let cases = [Case { history: History::default(), target: 2 }];
        let learned = |rankers: &[&dyn Ranker]| learn(rankers, &cases, terms(true)).unwrap();
        let (good, bad) = (Fixed("good", vec![0.0, 0.1, 0.8, 0.1]), Fixed("bad", vec![0.0, 0.9, 0.0, 0.1]));
        assert!((learned(&[&bad, &good]).0.of("good") - 1.0).abs() < 1e-6, "what gains nothing has no share");
        // Each alone is wrong, together they are right.
        let (one, other) = (Fixed("one", vec![0.0, 0.6, 0.4, 0.0]), Fixed("other", vec![0.0, 0.0, 0.4, 0.6]));
        for rankers in [&[&one as &dyn Ranker, &other][..], &[&bad, &one, &other]] {
            let (mixture, value) = learned(rankers);
            let share = mixture.of("one");
            assert!(share > 0.2 && share < 0.8 && (value - 1.0).abs() < 1e-9, "{mixture} {value}");
            assert!((mixture.shares.iter().map(|share| share.share).sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn whether_what_was_seen_comes_next_is_learned() {
        let ranker = Fixed("one", vec![0.0, 0.6, 0.4, 0.0]);
        let learned = |history: Vec<u32>, mask_seen| {
            learn(&[&ranker], &[Case { history: history.into(), target: 2 }], terms(mask_seen)).unwrap()
        };
        let (mixture, value) = learned(vec![1], false);
        assert!(mixture.seen < 0.67 && (value - 1.3).abs() < 1e-9, "{mixture}: shoppers do not return to it");
        let (mixture, value) = learned(vec![2], false);
        assert!(mixture.seen >= 1.5 && (value - 1.3).abs() < 1e-9, "{mixture}: they do");
        let (mixture, value) = learned(vec![1], true);
        assert!((mixture.seen - 1.0).abs() < f32::EPSILON && (value - 1.0).abs() < 1e-9);
        assert_eq!(learned(vec![2], true).1, 0.0, "a target that is taken out is found by nobody");
    }

    #[test]
    fn newcomers_are_given_what_costs_next_to_nothing_and_no_more() {
        let case = |target| Case { history: History::default(), target };
        let learned =
            |text: [f32; 4], cases: &[Case]| learn(&[&Fixed("text", text.to_vec())], cases, terms(true)).unwrap();
        // Item 3 has never been met, 1 and 2 nine times. Nothing is lost up to the last value tried.
        assert_eq!(learned([0.0, 0.1, 0.8, 0.01], &[case(2)]).0.newcomers, 4.0);
        // With .5 the third would be first, √.6 · 1.5 against 1.05: a case would be lost.
        let (mixture, value) = learned([0.0, 0.1, 0.5, 0.3], &[case(2)]);
        assert_eq!((mixture.newcomers, value), (0.25, 1.0));
        // Where it is the target it gains.
        let (mixture, value) = learned([0.0, 0.1, 0.5, 0.3], &[case(3)]);
        assert!(mixture.newcomers >= 1.0 && (value - 1.0).abs() < 1e-9, "{mixture}");
        let plain = Fixed("plain", vec![0.0, 0.1, 0.8, 0.01]);
        assert_eq!(learn(&[&plain], &[case(2)], terms(true)).unwrap().0.newcomers, 0.0, "only text speaks for them");
    }
}
