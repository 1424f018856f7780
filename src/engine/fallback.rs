//! What is shown when nothing better can be: the same order for everyone. Reads nothing of the shopper.

use super::candidates::Ask;
use super::diversify::{deduplicates, name, seed_names};
use super::eligibility::Eligibility;
use super::rank::Ranked;
use crate::domain::slate::{Intent, ReasonCode};
use ahash::AHashSet;

/// Whether an intent shows other products than those that it is about. What was viewed or bought cannot be made up.
pub(super) fn exists(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}

/// Adds most wanted products, then new ones, then any, until there are `most`. Their scores go on below those there.
pub(super) fn fill(items: &mut Vec<Ranked>, ask: &Ask<'_>, eligible: &Eligibility<'_>, most: usize) {
    let intent = ask.request.intent;
    if !exists(intent) || items.len() >= most {
        return;
    }
    let mut filling = Filling::new(items, ask);
    let popular =
        ask.statistics.popular().filter_map(|(_, key)| Some((ask.index.ordinal(key.as_str())?, ReasonCode::Popular)));
    let new =
        ask.content.newest().filter_map(|product| Some((ask.index.ordinal(product.key.as_str())?, ReasonCode::New)));
    let any = (0..u32::try_from(ask.index.len()).unwrap_or(u32::MAX)).map(|ordinal| (ordinal, ReasonCode::Popular));
    let base = items.last().map_or(1.0, |item| item.score);
    let mut rank = 1.0;
    for (ordinal, reason) in popular.chain(new).chain(any) {
        if items.len() >= most {
            break;
        }
        if filling.takes(ordinal, ask) && eligible.allows(ordinal) && filling.add(ordinal, ask) {
            rank += 1.0;
            items.push(Ranked { ordinal, score: base / rank, reason, because: None, filler: true });
        }
    }
}

/// What the slate has already.
struct Filling<'a> {
    ordinals: AHashSet<u32>,
    names: AHashSet<(String, Box<str>)>,
    /// Categories not to be added to; of use only where there is one product for each.
    categories: AHashSet<&'a str>,
}

impl<'a> Filling<'a> {
    fn new(items: &[Ranked], ask: &Ask<'a>) -> Self {
        let there = || items.iter().filter_map(|item| ask.index.product(item.ordinal));
        let seeds = ask.request.seeds.iter().filter_map(|seed| ask.index.get(seed.as_str()));
        let mut names = seed_names(ask);
        names.extend(there().map(name));
        let categories = there().chain(seeds).map(|product| &*product.category).collect();
        Self { ordinals: items.iter().map(|item| item.ordinal).collect(), names, categories }
    }

    fn takes(&self, ordinal: u32, ask: &Ask<'a>) -> bool {
        let one_each = ask.request.intent == Intent::CompleteTheLook;
        !self.ordinals.contains(&ordinal)
            && ask.index.product(ordinal).is_some_and(|product| {
                !(one_each && (product.category.is_empty() || self.categories.contains(&*product.category)))
            })
    }

    /// False where the product is there under another name.
    fn add(&mut self, ordinal: u32, ask: &Ask<'a>) -> bool {
        let Some(product) = ask.index.product(ordinal) else { return false };
        if deduplicates(ask.request.intent) && !self.names.insert(name(product)) {
            return false;
        }
        self.categories.insert(&product.category);
        self.ordinals.insert(ordinal)
    }
}
