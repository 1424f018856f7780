//! What is shown when nothing better can be: the same order for everyone. Reads nothing of the shopper.

use super::candidates::Ask;
use super::diversify::{deduplicates, name, seed_names};
use super::eligibility::Eligibility;
use super::rank::seed_categories;
use super::ranked::Ranked;
use crate::domain::slate::{Intent, ReasonCode};
use ahash::AHashSet;

/// Whether an intent shows other products than those that it is about. What was viewed or bought cannot be made up.
pub(super) fn exists(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}

/// Adds products until there are `most`, with scores that go on below those there: first what is near the request,
/// then the most wanted, then new ones, then any.
pub(super) fn fill(items: &mut Vec<Ranked>, ask: &Ask<'_>, eligible: &Eligibility<'_>, most: usize) {
    if !exists(ask.request.intent) || items.len() >= most {
        return;
    }
    let mut filling = Filling::new(items, ask);
    let base = items.last().map_or(1.0, |item| item.score);
    let mut rank = 1.0;
    let near = near(ask).into_iter().map(|ordinal| (ordinal, ReasonCode::Popular));
    for (ordinal, reason) in near.chain(everywhere(ask)) {
        if items.len() >= most {
            break;
        }
        if filling.takes(ordinal, ask) && eligible.allows(ordinal) && filling.add(ordinal, ask) {
            rank += 1.0;
            items.push(Ranked { ordinal, score: base / rank, reason, because: None, filler: true });
        }
    }
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
fn everywhere<'a>(ask: &Ask<'a>) -> impl Iterator<Item = (u32, ReasonCode)> + 'a {
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
