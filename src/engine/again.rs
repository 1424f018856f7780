//! Running a decision again from its record: rank, rules and slate by the same code that made it, from the features that
//! were logged. What was served is only compared with.

use super::diversify::diversify;
use super::fallback;
use super::ranked::{Ranked, by_score};
use super::rules::place;
use super::seeds::Seeds;
use super::settle::settle;
use crate::domain::audit::DecisionRecord;
use crate::domain::chance;
use crate::domain::made::Made;
use crate::domain::slate::{Slate, SlateItem};
use std::collections::HashSet;

/// What running a decision again gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// All candidates in order, before live stock was asked.
    pub candidates: Slate,
    /// The slate.
    pub slate: Slate,
    /// Whether the slate is the one that was served: the same products in the same order, with scores and reasons.
    pub same: bool,
}

/// Runs a decision again. `None` where inputs have been erased since. A record without features, as a store for the last
/// hours may keep it, is run again from its ranking on.
pub fn again(record: &DecisionRecord) -> Option<Again> {
    if !record.erased.is_empty() {
        return None;
    }
    let mut candidates = record.candidates.clone();
    if let Some(made) = &record.made {
        candidates.items = items(made);
        chance::arrange(&mut candidates);
    }
    let dropped: HashSet<_> = record.dropped.iter().cloned().collect();
    let slate = settle(&candidates, &dropped, &HashSet::new());
    let same = alike(&slate.items, &record.slate.items) && alike(&candidates.items, &record.candidates.items);
    Some(Again { candidates, slate, same })
}

/// Whether two slates hold the same. A score that was written as a decimal may be read back as a neighbour of what it was.
fn alike(left: &[SlateItem], right: &[SlateItem]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs());
    let pairs = || left.iter().zip(right);
    let same = |(a, b): (&SlateItem, &SlateItem)| {
        (&a.product, a.reason, &a.because) == (&b.product, b.reason, &b.because) && near(a.score, b.score)
    };
    left.len() == right.len() && pairs().all(same)
}

/// Rank, selection and rules.
fn items(made: &Made) -> Vec<SlateItem> {
    let ranked = made.candidates.iter().map(|candidate| Ranked {
        ordinal: candidate.product,
        score: made.score(candidate),
        reason: candidate.reason,
        because: candidate.because.clone(),
        filler: false,
    });
    let mut ranked: Vec<Ranked> = ranked.collect();
    ranked.sort_by(by_score);
    let seeds = Seeds::of(made.seeds.iter().copied(), made);
    let mut items = diversify(&ranked, made, made.intent, &seeds, made.most).chosen;
    fallback::fill(&mut items, made.fillers.iter().copied(), made, (made.intent, &seeds), made.most, |_| true);
    for pinned in &made.pins {
        place(&mut items, pinned.position, &pinned.products);
    }
    items.truncate(made.most);
    let item = |item: Ranked| {
        let Ranked { ordinal, score, reason, because, filler: _ } = item;
        Some(SlateItem { product: made.key(ordinal)?.clone(), score, reason, because })
    };
    items.into_iter().filter_map(item).collect()
}
