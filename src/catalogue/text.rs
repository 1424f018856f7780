//! Finding products by words: an inverted index with a weight for where a word stands, scored like BM25.

use crate::domain::product::CatalogueProduct;
use std::collections::HashMap;

/// Words of a description that are indexed: what follows says little and would cost memory in large catalogues.
const DESCRIPTION_WORDS: usize = 60;
/// Words of a query that are looked up.
const QUERY_WORDS: usize = 16;
/// BM25's saturation: the tenth mention of a word says less than the second.
const SATURATION: f32 = 1.2;

/// The words of a text: runs of letters and digits, in lower case, 2 to 40 characters long.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| (2..=40).contains(&word.chars().count()))
        .map(str::to_lowercase)
}

/// Products by word.
#[derive(Debug, Default)]
pub(super) struct TextIndex {
    /// Ordinals ascending, each with the word's weight in the product.
    postings: HashMap<Box<str>, Vec<(u32, f32)>>,
    products: usize,
}

impl TextIndex {
    pub(super) fn build(products: &[CatalogueProduct]) -> Self {
        let mut postings: HashMap<Box<str>, Vec<(u32, f32)>> = HashMap::new();
        for (ordinal, product) in (0_u32..).zip(products) {
            let mut weights: HashMap<String, f32> = HashMap::new();
            let mut add = |text: &str, weight: f32, most: usize| {
                for word in words(text).take(most) {
                    *weights.entry(word).or_default() += weight;
                }
            };
            add(&product.title, 3.0, usize::MAX);
            add(&product.category, 2.0, usize::MAX);
            add(&product.vendor, 2.0, usize::MAX);
            product.tags.iter().for_each(|tag| add(tag, 1.5, usize::MAX));
            add(&product.text, 0.5, DESCRIPTION_WORDS);
            for (word, weight) in weights {
                postings.entry(word.into()).or_default().push((ordinal, weight));
            }
        }
        Self { postings, products: products.len() }
    }

    /// The best `limit` products that hold at least one of the words, best first, equal ones by ordinal.
    pub(super) fn search(&self, query: &str, limit: usize) -> Vec<(u32, f32)> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        for word in words(query).take(QUERY_WORDS) {
            let Some(found) = self.postings.get(word.as_str()) else { continue };
            let rarity = rarity(self.products, found.len());
            for (ordinal, weight) in found {
                *scores.entry(*ordinal).or_default() += rarity * weight * (SATURATION + 1.0) / (weight + SATURATION);
            }
        }
        let mut ranked: Vec<(u32, f32)> = scores.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(limit);
        ranked
    }
}

/// The inverse document frequency: a word in every product says nothing.
#[allow(clippy::cast_precision_loss)] // Counts of products are far below 2^23, where f32 loses them.
fn rarity(products: usize, found: usize) -> f32 {
    ((products as f32 - found as f32 + 0.5) / (found as f32 + 0.5)).ln_1p()
}
