//! The catalogue in memory, immutable, addressed by ordinal: `u32`, dense, from 0, ordered by product key.

use crate::domain::ids::{CollectionKey, ProductKey, VariantKey};
use crate::domain::product::CatalogueProduct;
use std::collections::{BTreeMap, HashMap};

/// One snapshot of the catalogue.
#[derive(Debug, Default)]
pub struct Index {
    products: Vec<CatalogueProduct>,
    by_key: HashMap<ProductKey, u32>,
    by_handle: HashMap<Box<str>, u32>,
    by_variant: HashMap<VariantKey, u32>,
    by_category: BTreeMap<Box<str>, Vec<u32>>,
    by_collection: HashMap<CollectionKey, Vec<u32>>,
}

impl Index {
    /// Indexes the products. Of two with one key the later wins. Ordinals follow the order of keys, so the same
    /// products give the same index whatever order they came in.
    pub fn build(products: impl IntoIterator<Item = CatalogueProduct>) -> Self {
        let unique: BTreeMap<ProductKey, CatalogueProduct> =
            products.into_iter().map(|product| (product.key.clone(), product)).collect();
        let mut index = Self { products: unique.into_values().collect(), ..Self::default() };
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
        index
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
}
