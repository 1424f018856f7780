//! The catalogue in memory, immutable, addressed by ordinal: `u32`, dense, from 0, ordered by product key.

use super::text::TextIndex;
use crate::domain::ids::{CollectionKey, ProductKey, VariantKey};
use crate::domain::product::CatalogueProduct;
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the next snapshot; 0 is an empty catalogue.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One snapshot of the catalogue.
#[derive(Debug, Default)]
pub struct Index {
    generation: u64,
    products: Vec<CatalogueProduct>,
    by_key: AHashMap<ProductKey, u32>,
    by_handle: AHashMap<Box<str>, u32>,
    by_variant: AHashMap<VariantKey, u32>,
    by_category: BTreeMap<Box<str>, Vec<u32>>,
    by_collection: AHashMap<CollectionKey, Vec<u32>>,
    /// By ordinal.
    bands: Vec<Option<u8>>,
    text: TextIndex,
}

impl Index {
    /// Indexes the products. Of two with one key the later wins. Ordinals follow the order of keys, so the same
    /// products give the same index whatever order they came in.
    pub fn build(products: impl IntoIterator<Item = CatalogueProduct>) -> Self {
        let unique: BTreeMap<ProductKey, CatalogueProduct> =
            products.into_iter().map(|product| (product.key.clone(), product)).collect();
        let mut index = Self {
            products: unique.into_values().collect(),
            generation: NEXT.fetch_add(1, Ordering::Relaxed),
            ..Self::default()
        };
        for (ordinal, product) in (0_u32..).zip(&index.products) {
            index.by_key.insert(product.key.clone(), ordinal);
            index.by_handle.insert(product.handle.clone(), ordinal);
            index.by_category.entry(product.category.clone()).or_default().push(ordinal);
            for variant in &product.variants {
                index.by_variant.insert(variant.clone(), ordinal);
            }
            for collection in &product.collections {
                index.by_collection.entry(collection.clone()).or_default().push(ordinal);
            }
        }
        index.bands = bands(&index.products, &index.by_category);
        index.text = TextIndex::build(&index.products);
        index
    }

    /// A number that no other snapshot of this process has had.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many products there are.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether nothing has been crawled or imported yet.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// All products, by ordinal.
    pub fn products(&self) -> &[CatalogueProduct] {
        &self.products
    }

    /// The product at an ordinal of this index.
    pub fn product(&self, ordinal: u32) -> Option<&CatalogueProduct> {
        self.products.get(ordinal as usize)
    }

    /// The ordinal of a key.
    pub fn ordinal(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The product of a key.
    pub fn get(&self, key: &str) -> Option<&CatalogueProduct> {
        self.product(self.ordinal(key)?)
    }

    /// The product of a handle.
    pub fn by_handle(&self, handle: &str) -> Option<&CatalogueProduct> {
        self.product(*self.by_handle.get(handle)?)
    }

    /// The product of a variant.
    pub fn by_variant(&self, variant: &str) -> Option<&CatalogueProduct> {
        self.product(*self.by_variant.get(variant)?)
    }

    /// Ordinals of a category, ascending.
    pub fn in_category(&self, category: &str) -> &[u32] {
        self.by_category.get(category).map_or(&[], Vec::as_slice)
    }

    /// Ordinals of a collection, ascending.
    pub fn in_collection(&self, collection: &str) -> &[u32] {
        self.by_collection.get(collection).map_or(&[], Vec::as_slice)
    }

    /// Categories with their ordinals, by name.
    pub fn categories(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.by_category.iter().map(|(name, ordinals)| (&**name, ordinals.as_slice()))
    }

    /// The price band of a product: 0 for the cheapest fifth of its category to [`BANDS`]` - 1` for the dearest, so that
    /// a band means the same among rings as among socks. `None` without a price.
    pub fn band(&self, ordinal: u32) -> Option<u8> {
        self.bands.get(ordinal as usize).copied().flatten()
    }

    /// Ordinals of a category in one price band, ascending.
    pub fn in_band(&self, category: &str, band: u8) -> impl Iterator<Item = u32> + '_ {
        self.in_category(category).iter().copied().filter(move |ordinal| self.band(*ordinal) == Some(band))
    }

    /// The best `limit` products for the words of a query with their scores, best first; none where no word is known.
    /// Scores are comparable within one search.
    pub fn search(&self, query: &str, limit: usize) -> Vec<(u32, f32)> {
        self.text.search(query, limit)
    }
}

/// How many price bands a category has.
pub const BANDS: u8 = 5;

fn bands(products: &[CatalogueProduct], by_category: &BTreeMap<Box<str>, Vec<u32>>) -> Vec<Option<u8>> {
    let mut bands = vec![None; products.len()];
    for ordinals in by_category.values() {
        let price = |ordinal: &u32| products.get(*ordinal as usize).and_then(|product| product.price);
        let mut prices: Vec<i64> = ordinals.iter().filter_map(price).map(|price| price.minor).collect();
        prices.sort_unstable();
        for ordinal in ordinals {
            let Some(price) = price(ordinal) else { continue };
            // Equal prices are of one band: that of the first of them.
            let rank = prices.partition_point(|other| *other < price.minor);
            let band = rank * usize::from(BANDS) / prices.len().max(1);
            bands[*ordinal as usize] = u8::try_from(band).ok();
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Currency, Money};

    fn product(key: &str, title: &str, category: &str, minor: i64) -> CatalogueProduct {
        let line = format!(r#"{{"key":"{key}","handle":"{key}","title":"{title}","category":"{category}"}}"#);
        let price = Some(Money { minor, currency: Currency::parse("EUR").unwrap() });
        CatalogueProduct { price, ..serde_json::from_str(&line).unwrap() }
    }

    #[test]
    fn bands_are_fifths_of_the_category() {
        let rings = (0..10).map(|n| product(&format!("r{n}"), "Ring", "Rings", 10_000 + n));
        let socks = (0..5).map(|n| product(&format!("s{n}"), "Sock", "Socks", 100 + n));
        let index = Index::build(rings.chain(socks));
        let band = |key: &str| index.band(index.ordinal(key).unwrap()).unwrap();
        assert_eq!(["r0", "r1", "r2", "r8", "r9"].map(band), [0, 0, 1, 4, 4]);
        assert_eq!(["s0", "s4"].map(band), [0, 4]);
        assert_eq!(index.in_band("Rings", 4).count(), 2);
        assert_eq!(index.band(99), None);
    }

    #[test]
    fn search_puts_titles_and_rare_words_first() {
        let index = Index::build([
            product("a", "Blue wool hat", "Hats", 1),
            product("b", "Blue cotton shirt", "Shirts", 1),
            product("c", "Blue silk scarf", "Scarves", 1),
        ]);
        let found = |query: &str| -> Vec<&str> {
            index.search(query, 10).iter().filter_map(|hit| index.product(hit.0)).map(|p| p.key.as_str()).collect()
        };
        assert_eq!(found("blue HAT")[0], "a");
        assert_eq!(found("blue").len(), 3);
        assert_eq!(found("velvet"), Vec::<&str>::new());
        assert_eq!(index.search("blue", 2).len(), 2);
    }
}
