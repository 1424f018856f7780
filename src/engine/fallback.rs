//! What is shown when nothing better can be: the same order for everyone. Reads nothing of the shopper.

use super::candidates::Ask;
use super::diversify::deduplicates;
use super::facts::{Facts, Name};
use super::rank::seed_categories;
use super::ranked::Ranked;
use super::seeds::Seeds;
use crate::domain::slate::{Intent, ReasonCode};
use ahash::AHashSet;

/// Whether an intent shows other products than those that it is about. What was viewed or bought cannot be made up.
pub(super) fn exists(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}

/// Adds products until there are `most`, with scores that go on below those there, from the `proposals` in their order.
/// `eligible` is asked of those that would fit in.
pub(super) fn fill<'a, F: Facts>(
    items: &mut Vec<Ranked>,
    proposals: impl Iterator<Item = (u32, ReasonCode)>,
    facts: &'a F,
    (intent, seeds): (Intent, &Seeds<'a>),
    most: usize,
    mut eligible: impl FnMut((u32, ReasonCode)) -> bool,
) {
    if !exists(intent) || items.len() >= most {
        return;
    }
    let mut filling = Filling::new(items, facts, intent, seeds);
    let base = items.last().map_or(1.0, |item| item.score);
    let mut rank = 1.0;
    for (ordinal, reason) in proposals {
        if items.len() >= most {
            break;
        }
        if filling.takes(ordinal) && eligible((ordinal, reason)) && filling.add(ordinal) {
            rank += 1.0;
            items.push(Ranked { ordinal, score: base / rank, reason, because: None, filler: true });
        }
    }
}

/// What there is to fill with: first what is near the request, then the most wanted, then new ones, then any.
pub(super) fn proposals<'a>(ask: &Ask<'a>) -> impl Iterator<Item = (u32, ReasonCode)> + 'a {
    let asked = *ask;
    // Looked for only where something is missing.
    let near = std::iter::once_with(move || near(&asked)).flatten();
    near.map(|ordinal| (ordinal, ReasonCode::Popular)).chain(std::iter::once_with(move || everywhere(&asked)).flatten())
}

/// The products of the collection, or of the seeds' categories for more of their kind, most wanted first.
fn near(ask: &Ask<'_>) -> Vec<u32> {
    let request = ask.request;
    let near: Vec<u32> = match (&request.collection, request.intent) {
        (Some(collection), _) => ask.index.in_collection(collection.as_str()).to_vec(),
        (None, Intent::Related) => {
            seed_categories(ask).into_iter().flat_map(|category| ask.index.in_category(category)).copied().collect()
        }
        _ => Vec::new(),
    };
    let wanted = |ordinal: u32| {
        let id = ask.index.product(ordinal).and_then(|product| ask.statistics.id(&product.key));
        id.map_or(0.0, |id| ask.statistics.popularity(id, ask.now))
    };
    let mut wanted: Vec<(f64, u32)> = near.into_iter().map(|ordinal| (wanted(ordinal), ordinal)).collect();
    wanted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    wanted.into_iter().map(|(_, ordinal)| ordinal).collect()
}

/// Products of the whole shop in the order of the fallback; none for a request within a collection. What should go
/// with the seeds is of another category while there is such.
fn everywhere<'a>(ask: &Ask<'a>) -> impl Iterator<Item = (u32, ReasonCode)> + 'a + use<'a> {
    let Ask { request, index, statistics, content, .. } = *ask;
    let all = request.collection.is_none();
    let own = if request.intent == Intent::Complementary { seed_categories(ask) } else { Vec::new() };
    let popular = statistics.popular().filter_map(|(_, key)| Some((index.ordinal(key.as_str())?, ReasonCode::Popular)));
    let new = content.newest().filter_map(|product| Some((index.ordinal(product.key.as_str())?, ReasonCode::New)));
    let other = move |(ordinal, _): &(u32, ReasonCode)| {
        own.is_empty() || index.product(*ordinal).is_some_and(|product| !own.contains(&&*product.category))
    };
    let any = (0..u32::try_from(index.len()).unwrap_or(u32::MAX)).map(|ordinal| (ordinal, ReasonCode::Popular));
    popular.chain(new).filter(other).chain(any).filter(move |_| all)
}

/// What the slate has already.
struct Filling<'a, F> {
    facts: &'a F,
    intent: Intent,
    ordinals: AHashSet<u32>,
    names: AHashSet<Name>,
    /// Categories not to be added to; of use only where there is one product for each.
    categories: AHashSet<&'a str>,
}

impl<'a, F: Facts> Filling<'a, F> {
    fn new(items: &[Ranked], facts: &'a F, intent: Intent, seeds: &Seeds<'a>) -> Self {
        let ordinals: AHashSet<u32> = items.iter().map(|item| item.ordinal).collect();
        let mut names = seeds.names.clone();
        names.extend(ordinals.iter().filter_map(|ordinal| facts.name(*ordinal)));
        let there = ordinals.iter().filter_map(|ordinal| facts.category(*ordinal));
        let categories = there.chain(seeds.categories.iter().copied()).collect();
        Self { facts, intent, ordinals, names, categories }
    }

    fn takes(&self, ordinal: u32) -> bool {
        let one_each = self.intent == Intent::CompleteTheLook;
        !self.ordinals.contains(&ordinal)
            && self
                .facts
                .category(ordinal)
                .is_some_and(|category| !(one_each && (category.is_empty() || self.categories.contains(category))))
    }

    /// False where the product is there under another name.
    fn add(&mut self, ordinal: u32) -> bool {
        let Some(category) = self.facts.category(ordinal) else { return false };
        if deduplicates(self.intent) && !self.facts.name(ordinal).is_some_and(|name| self.names.insert(name)) {
            return false;
        }
        self.categories.insert(category);
        self.ordinals.insert(ordinal)
    }
}
