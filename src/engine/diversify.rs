//! Variety: no product twice under two names, not too much of one category. Greedy selection in the manner of maximal
//! marginal relevance (Carbonell and Goldstein, 1998), with a factor for each earlier product of the category.

use super::candidates::Ask;
use super::ranked::Ranked;
use crate::domain::product::CatalogueProduct;
use crate::domain::slate::Intent;
use ahash::{AHashMap, AHashSet};

/// What a candidate of FOR_YOU keeps of its score for each one of its category before it.
const SAME_CATEGORY: f64 = 0.85;
/// Candidates looked at: beyond these nothing would be chosen.
const POOL: usize = 400;

/// At most `most` of the ranking, best first. Scores are those after the factors, so they descend.
pub(super) fn diversify(mut ranked: Vec<Ranked>, ask: &Ask<'_>, most: usize) -> Vec<Ranked> {
    ranked.truncate(POOL);
    let intent = ask.request.intent;
    let mut names = seed_names(ask);
    let mut of_category: AHashMap<&str, i32> = AHashMap::new();
    let mut chosen: Vec<Ranked> = Vec::with_capacity(most);
    while chosen.len() < most {
        let kept = |item: &Ranked| -> f64 {
            let before = ask.index.product(item.ordinal).and_then(|product| of_category.get(&*product.category));
            match (intent, before) {
                (Intent::ForYou, Some(before)) => item.score * SAME_CATEGORY.powi(*before),
                (Intent::CompleteTheLook, Some(_)) => 0.0,
                _ => item.score,
            }
        };
        // The ranking is in order, so the first of the greatest is also the right one among equals; an item whose
        // bare score is not above the best so far ends the search.
        let mut best: Option<(usize, f64)> = None;
        for (at, item) in ranked.iter().enumerate() {
            if best.is_some_and(|(_, score)| item.score <= score) {
                break;
            }
            let score = kept(item);
            if score > 0.0 && best.is_none_or(|(_, most)| score > most) {
                best = Some((at, score));
            }
        }
        let Some((at, score)) = best else { break };
        let item = ranked.remove(at);
        let Some(product) = ask.index.product(item.ordinal) else { continue };
        if deduplicates(intent) && !names.insert(name(product)) {
            continue;
        }
        if !product.category.is_empty() {
            *of_category.entry(&product.category).or_default() += 1;
        }
        chosen.push(Ranked { score, ..item });
    }
    chosen
}

/// Whether variants of one product under two names are one. What was viewed or bought is shown as it was.
pub(super) fn deduplicates(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}

/// The names of the seeds: another colour of the product on the page is no recommendation.
pub(super) fn seed_names(ask: &Ask<'_>) -> AHashSet<(String, Box<str>)> {
    ask.request.seeds.iter().filter_map(|seed| ask.index.get(seed.as_str())).map(name).collect()
}

/// What a product is called without its variant, and by whom: `Linen shirt – blue` and `Linen Shirt (white)` of one
/// vendor have one name.
pub(super) fn name(product: &CatalogueProduct) -> (String, Box<str>) {
    let title = &*product.title;
    let cuts = [" - ", " – ", " — ", " | ", " / ", " (", ", "];
    let end = cuts.iter().filter_map(|cut| title.find(cut)).min().unwrap_or(title.len());
    let stem = title.get(..end).map(str::trim).filter(|stem| !stem.is_empty()).unwrap_or(title);
    (stem.to_lowercase(), product.vendor.clone())
}
