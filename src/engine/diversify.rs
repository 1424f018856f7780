//! Variety: no product twice under two names, not too much of one category. Greedy selection in the manner of maximal
//! marginal relevance (Carbonell and Goldstein, 1998), with a factor for each earlier product of the category.

use super::facts::Facts;
use super::ranked::Ranked;
use super::seeds::Seeds;
use crate::domain::slate::Intent;
use ahash::AHashMap;

/// What a candidate of FOR_YOU keeps of its score for each one of its category before it.
const SAME_CATEGORY: f64 = 0.85;
/// Candidates looked at: beyond these nothing would be chosen.
const POOL: usize = 400;

/// What was chosen of a ranking.
pub(super) struct Selection {
    /// At most as many as were wanted, best first. Scores are those after the factors, so they descend.
    pub(super) chosen: Vec<Ranked>,
    /// How much of the ranking was looked at: what came after had no part in it.
    pub(super) depth: usize,
}

/// At most `most` of the ranking, which is in order.
pub(super) fn diversify(
    ranked: &[Ranked],
    facts: &impl Facts,
    intent: Intent,
    seeds: &Seeds<'_>,
    most: usize,
) -> Selection {
    let mut open: Vec<usize> = (0..ranked.len().min(POOL)).collect();
    let mut names = seeds.names.clone();
    let mut of_category: AHashMap<&str, i32> = AHashMap::new();
    let mut chosen: Vec<Ranked> = Vec::with_capacity(most.min(open.len()));
    let mut depth = 0;
    while chosen.len() < most {
        let kept = |item: &Ranked| -> f64 {
            let before = facts.category(item.ordinal).and_then(|category| of_category.get(category));
            match (intent, before) {
                (Intent::ForYou, Some(before)) => item.score * SAME_CATEGORY.powi(*before),
                (Intent::CompleteTheLook, Some(_)) => 0.0,
                _ => item.score,
            }
        };
        // The ranking is in order, so the first of the greatest is also the right one among equals; an item whose
        // bare score is not above the best so far ends the search.
        let mut best: Option<(usize, &Ranked, f64)> = None;
        for (place, at) in open.iter().enumerate() {
            let Some(item) = ranked.get(*at) else { break };
            depth = depth.max(at + 1);
            if best.is_some_and(|(.., score)| item.score <= score) {
                break;
            }
            let score = kept(item);
            if score > 0.0 && best.is_none_or(|(.., most)| score > most) {
                best = Some((place, item, score));
            }
        }
        let Some((place, item, score)) = best else { break };
        open.remove(place);
        let Some(category) = facts.category(item.ordinal) else { continue };
        if deduplicates(intent) && !facts.name(item.ordinal).is_some_and(|name| names.insert(name)) {
            continue;
        }
        if !category.is_empty() {
            *of_category.entry(category).or_default() += 1;
        }
        chosen.push(Ranked { score, ..item.clone() });
    }
    Selection { chosen, depth }
}

/// Whether variants of one product under two names are one. What was viewed or bought is shown as it was.
pub(super) fn deduplicates(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}
