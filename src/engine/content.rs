//! Which products are alike by what is written of them: title, tags, category, vendor, price band and text, as sparse
//! TF-IDF vectors compared by cosine. Built anew for each catalogue, beside the requests; neighbours are computed
//! when first asked for and kept. Source: Salton and Buckley, "Term-weighting approaches in automatic text retrieval"
//! (1988).

use super::statistics::Statistics;
use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use crate::domain::product::CatalogueProduct;
use ahash::AHashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// Neighbours kept of each product.
const NEIGHBOURS: usize = 50;
/// Words of the description that are read: the first ones say what it is.
const WORDS: usize = 60;
/// Words of a search that are looked up, and products of each that are looked at: a search is read again with every
/// decision, so it must cost little whatever was typed.
const QUERY: usize = 4;
const POSTINGS: usize = 300;
/// A token that more products than this have says too little for its cost.
const COMMON: usize = 2_000;
/// New products kept by name.
const NEWEST: usize = 200;

/// Pairs of a number and its weight.
type Row = Box<[(u32, f32)]>;

/// What is derived from one catalogue.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The snapshot that it was made from.
    of: Arc<Index>,
    /// The token of each word of titles and texts.
    words: AHashMap<String, u32>,
    /// Unit vectors: token and weight, ascending by token.
    vectors: Vec<Row>,
    /// Products of each token, with its weight in them.
    postings: Vec<Vec<(u32, f32)>>,
    /// Ordinal of the snapshot and cosine, best first.
    neighbours: Vec<OnceLock<Row>>,
    /// Ordinals of the snapshot, most recently created first, ties by key.
    newest: Vec<u32>,
    /// Of each product, one more than the number under which statistics last counted it; 0 where that is not known.
    counted: Vec<AtomicU32>,
}

impl Content {
    /// Reads every product. Takes some ten microseconds a product.
    pub(super) fn build(index: Arc<Index>) -> Self {
        let mut tokens: AHashMap<String, u32> = AHashMap::new();
        let mut counts: Vec<u32> = Vec::new();
        let mut vectors: Vec<Vec<(u32, f32)>> = Vec::with_capacity(index.len());
        for product in index.products() {
            let mut vector = vector(product, &mut tokens);
            vector.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            // A word of both title and text counts once, at the better weight.
            vector.dedup_by_key(|(token, _)| *token);
            counts.resize(tokens.len(), 0);
            vector.iter().for_each(|(token, _)| counts[*token as usize] += 1);
            vectors.push(vector);
        }
        let mut postings = vec![Vec::new(); tokens.len()];
        for (ordinal, vector) in (0_u32..).zip(&mut vectors) {
            weigh(vector, &counts, index.len());
            for (token, weight) in vector.iter().filter(|(token, _)| counts[*token as usize] as usize <= COMMON) {
                postings[*token as usize].push((ordinal, *weight));
            }
        }
        let neighbours = (0..index.len()).map(|_| OnceLock::new()).collect();
        let vectors = vectors.into_iter().map(Vec::into_boxed_slice).collect();
        tokens.retain(|name, _| !name.contains(':'));
        let counted = (0..index.len()).map(|_| AtomicU32::new(0)).collect();
        Self { newest: newest(&index), of: index, words: tokens, vectors, postings, neighbours, counted }
    }

    /// Whether it was made from this snapshot.
    pub(super) fn is_of(&self, index: &Arc<Index>) -> bool {
        Arc::ptr_eq(&self.of, index)
    }

    /// A number that no content of another snapshot has.
    pub(super) fn generation(&self) -> u64 {
        self.of.generation()
    }

    /// The products most alike that are in `index`, best first: the ordinal there, and their cosine, above 0 and at most 1.
    pub(super) fn like<'a>(&'a self, key: &ProductKey, index: &'a Index) -> impl Iterator<Item = (u32, f64)> + 'a {
        let near = self.of.ordinal(key.as_str()).map_or(&[][..], |ordinal| self.near(ordinal));
        let same = std::ptr::eq(index, &raw const *self.of);
        let here = move |ordinal: u32| {
            if same { Some(ordinal) } else { index.ordinal(self.of.product(ordinal)?.key.as_str()) }
        };
        near.iter().filter_map(move |(ordinal, cosine)| Some((here(*ordinal)?, f64::from(*cosine))))
    }

    /// The products that a search most likely meant, best first: those in which its words weigh most.
    pub(super) fn find(&self, query: &str, most: usize) -> Vec<&ProductKey> {
        let mut found: AHashMap<u32, f32> = AHashMap::new();
        for token in words(query).take(QUERY).filter_map(|word| self.words.get(&word)) {
            let postings = self.postings.get(*token as usize).map_or(&[][..], Vec::as_slice);
            for (ordinal, weight) in postings.iter().take(POSTINGS) {
                *found.entry(*ordinal).or_insert(0.0) += weight;
            }
        }
        let mut found: Vec<(u32, f32)> = found.into_iter().collect();
        found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(most);
        found.into_iter().filter_map(|(ordinal, _)| Some(&self.of.product(ordinal)?.key)).collect()
    }

    /// Products by when they were created, newest first; those without a date are left out.
    pub(super) fn newest(&self) -> impl Iterator<Item = &CatalogueProduct> {
        self.newest.iter().filter_map(|ordinal| self.of.product(*ordinal))
    }

    /// The number under which a product of `index` is counted. Found by its name once: the popularity of whole categories is
    /// asked for with every decision.
    pub(super) fn counted(&self, ordinal: u32, index: &Index, statistics: &Statistics) -> Option<u32> {
        let key = &index.product(ordinal)?.key;
        let held = self.counted.get(ordinal as usize).filter(|_| std::ptr::eq(index, &raw const *self.of));
        let Some(held) = held else { return statistics.id(key) };
        let known = held.load(Ordering::Relaxed).checked_sub(1);
        // Statistics may have been emptied and count it under another by now.
        if let Some(id) = known.filter(|id| statistics.key(*id) == Some(key)) {
            return Some(id);
        }
        let id = statistics.id(key)?;
        held.store(id.saturating_add(1), Ordering::Relaxed);
        Some(id)
    }

    fn near(&self, ordinal: u32) -> &[(u32, f32)] {
        let Some(cell) = self.neighbours.get(ordinal as usize) else { return &[] };
        cell.get_or_init(|| {
            let mut cosines = vec![0.0_f32; self.vectors.len()];
            let mut touched = Vec::new();
            let own = self.vectors.get(ordinal as usize).map_or(&[][..], |vector| vector);
            for (token, weight) in own {
                for (other, their) in self.postings.get(*token as usize).map_or(&[][..], Vec::as_slice) {
                    let Some(cosine) = cosines.get_mut(*other as usize) else { continue };
                    if *cosine == 0.0 {
                        touched.push(*other);
                    }
                    *cosine += weight * their;
                }
            }
            let mut near: Vec<(u32, f32)> = touched
                .into_iter()
                .filter(|other| *other != ordinal)
                .map(|other| (other, cosines[other as usize].clamp(f32::MIN_POSITIVE, 1.0)))
                .collect();
            let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
            // Thousands share a word with a product: those that are kept are parted from the rest before they are sorted.
            if near.len() > NEIGHBOURS {
                near.select_nth_unstable_by(NEIGHBOURS, order);
                near.truncate(NEIGHBOURS);
            }
            near.sort_unstable_by(order);
            near.into_boxed_slice()
        })
    }
}

/// Tokens of a product with the weight of the field that they stand in. Fields do not mix: a tag is another token
/// than the same word in the text, but the words of title and text are one.
fn vector(product: &CatalogueProduct, tokens: &mut AHashMap<String, u32>) -> Vec<(u32, f32)> {
    let mut vector = Vec::new();
    let mut push = |name: String, weight: f32| {
        let next = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        vector.push((*tokens.entry(name).or_insert(next), weight));
    };
    for word in words(&product.title) {
        push(word, 3.0);
    }
    for word in words(&product.text).take(WORDS) {
        push(word, 0.5);
    }
    for tag in &product.tags {
        push(format!("tag:{}", tag.to_lowercase()), 2.0);
    }
    if !product.category.is_empty() {
        push(format!("category:{}", product.category), 2.5);
    }
    if !product.vendor.is_empty() {
        push(format!("vendor:{}", product.vendor), 1.0);
    }
    if let Some(price) = product.price.filter(|price| price.minor > 0) {
        // A band is a factor of two.
        push(format!("price:{}", price.minor.ilog2()), 0.7);
    }
    vector
}

/// Lower-case words of three letters or more.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().nth(2).is_some()).map(str::to_lowercase)
}

/// Weighs by rarity and scales to length one. A token that all have weighs next to nothing.
fn weigh(vector: &mut [(u32, f32)], counts: &[u32], products: usize) {
    for (token, weight) in vector.iter_mut() {
        let count = counts.get(*token as usize).copied().unwrap_or(1).max(1) as f32;
        *weight *= (1.0 + products as f32 / count).ln();
    }
    let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|(_, weight)| *weight /= length);
}

fn newest(index: &Index) -> Vec<u32> {
    let mut dated: Vec<_> =
        (0_u32..).zip(index.products()).filter_map(|(ordinal, product)| Some((product.created?, ordinal))).collect();
    dated.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    dated.into_iter().take(NEWEST).map(|(_, ordinal)| ordinal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, EventType};
    use crate::domain::ids::{EventId, ShopperKey};
    use jiff::Timestamp;

    fn product(key: &str, title: &str, category: &str, tags: &[&str]) -> CatalogueProduct {
        serde_json::from_value(serde_json::json!({
            "key": key, "handle": key, "title": title, "category": category, "tags": tags,
        }))
        .unwrap()
    }

    fn content(products: Vec<CatalogueProduct>) -> Content {
        Content::build(Arc::new(Index::build(products)))
    }

    #[test]
    fn products_that_share_rare_words_are_more_alike_than_those_that_share_common_ones() {
        let content = content(vec![
            product("a", "Linen shirt", "Shirts", &["summer"]),
            product("b", "Linen trousers", "Trousers", &["summer"]),
            product("c", "Wool shirt", "Shirts", &["winter"]),
            product("d", "Steel kettle", "Kitchen", &[]),
            product("e", "Cotton shirt", "Shirts", &["winter"]),
        ]);
        let key = |(ordinal, _)| content.of.product(ordinal).unwrap().key.as_str();
        let near: Vec<&str> = content.like(&ProductKey::new("a"), &content.of).map(key).collect();
        assert_eq!(near, ["b", "c", "e"], "linen and summer are rarer than shirt; the kettle shares nothing");
        assert_eq!(content.like(&ProductKey::new("unknown"), &content.of).count(), 0);
        // A catalogue that has changed since: numbers are its own, and what has left is not there.
        let newer = Index::build([product("0", "", "", &[]), product("c", "", "", &[]), product("e", "", "", &[])]);
        assert_eq!(content.like(&ProductKey::new("a"), &newer).map(|(ordinal, _)| ordinal).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn the_cosine_is_that_of_the_weighted_vectors() {
        // Two products with one common word of two each: weights ln(1 + 2/2) and ln(1 + 2/1) alike in both.
        let content = content(vec![product("a", "red hat", "", &[]), product("b", "red cap", "", &[])]);
        let (common, own) = (2.0_f64.ln(), 3.0_f64.ln());
        let expected = common * common / (common * common + own * own);
        let (_, cosine) = content.like(&ProductKey::new("a"), &content.of).next().unwrap();
        assert!((cosine - expected).abs() < 1e-6, "{cosine} is not {expected}");
    }

    #[test]
    fn a_product_is_counted_under_the_number_that_statistics_have_for_it_now() {
        let content = content(vec![product("a", "red hat", "", &[]), product("b", "red cap", "", &[])]);
        let counting = |order: [&str; 2]| {
            let mut statistics = Statistics::new(crate::engine::Config::default().statistics);
            for (number, key) in order.into_iter().enumerate() {
                let (id, now) = (EventId::new(number.to_string()), Timestamp::now());
                let event = Event::of_product(id, EventType::ProductViewed, now, ProductKey::new(key));
                statistics.learn(&ShopperKey::new("s"), &event, &content.of, now);
            }
            statistics
        };
        let of = |statistics: &Statistics, ordinal| content.counted(ordinal, &content.of, statistics).unwrap();
        for statistics in [counting(["a", "b"]), counting(["b", "a"]), counting(["b", "b"])] {
            let counted = |key: &str| statistics.id(&ProductKey::new(key));
            assert_eq!(of(&statistics, 1), counted("b").unwrap());
            assert_eq!(content.counted(0, &content.of, &statistics), counted("a"));
            let other = Index::build([product("b", "", "", &[])]);
            assert_eq!(content.counted(0, &other, &statistics), counted("b"), "numbers of another catalogue");
        }
        assert_eq!(content.counted(2, &content.of, &counting(["a", "b"])), None);
    }

    #[test]
    fn a_search_finds_products_by_its_words() {
        let content = content(vec![
            product("a", "Linen shirt", "Shirts", &[]),
            product("b", "Wool shirt", "Shirts", &[]),
            product("c", "Steel kettle", "Kitchen", &["shirt"]),
        ]);
        let found = |query: &str| content.find(query, 2).into_iter().map(ProductKey::as_str).collect::<Vec<_>>();
        assert_eq!(found("WOOL shirts, shirt"), ["b", "a"]);
        assert_eq!(found("tag:shirt category"), ["a", "b"], "words only, not the names of other fields' tokens");
        assert!(found("…").is_empty());
    }

    #[test]
    fn prices_of_any_size_have_a_band() {
        let mut dear = product("a", "red hat", "", &[]);
        dear.price = Some(crate::domain::money::Money {
            minor: i64::MAX,
            currency: crate::domain::money::Currency::parse("EUR").unwrap(),
        });
        let content = content(vec![dear]);
        assert_eq!(content.like(&ProductKey::new("a"), &content.of).count(), 0);
    }
}
