//! Which product is meant: clients write the platform's global id, its number, a variant's, an SKU, a handle, or the id of
//! a product feed. The catalogue decides; without one the platform's own form is taken.

use crate::catalogue::Index;
use crate::domain::ids::{CollectionKey, OrderKey, ProductKey, VariantKey};
use crate::platform::{Noun, Platform};

/// Finds keys of one catalogue of one platform.
pub(in crate::ingest) struct Keys<'a> {
    pub(in crate::ingest) index: &'a Index,
    pub(in crate::ingest) platform: &'a dyn Platform,
}

/// A product and, where it was named or meant, a variant of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) product: ProductKey,
    pub(super) variant: Option<VariantKey>,
}

impl Keys<'_> {
    /// The first of these ids that names a product, or a variant and by it its product; where none does the first as it
    /// stands, for validation to name. `None`: there is no id.
    pub(super) fn product(&self, ids: &[String], variant: Option<&str>) -> Option<Found> {
        let variant_key = variant.map(|id| self.variant(id));
        let of_variant = || {
            let key = variant_key.clone()?;
            let product = self.index.by_variant(key.as_str())?.key.clone();
            Some(Found { product, variant: Some(key) })
        };
        let named = ids.iter().find_map(|id| self.named(id));
        if let Some(found) = named {
            return Some(Found { variant: found.variant.or(variant_key), ..found });
        }
        of_variant().or_else(|| {
            let product = ProductKey::new(self.platform.global(Noun::Product, ids.first()?));
            Some(Found { product, variant: variant_key })
        })
    }

    fn named(&self, id: &str) -> Option<Found> {
        let whole =
            |product: &crate::domain::product::CatalogueProduct| Found { product: product.key.clone(), variant: None };
        let by_key = self.index.get(id).or_else(|| self.index.get(&self.platform.global(Noun::Product, id)));
        if let Some(product) = by_key {
            return Some(whole(product));
        }
        let key = self.variant(id);
        if let Some(product) = self.index.by_variant(key.as_str()) {
            return Some(Found { product: product.key.clone(), variant: Some(key) });
        }
        if let Some(product) = self.index.by_handle(id) {
            return Some(whole(product));
        }
        // Of Google's product feeds: shopify_US_{product}_{variant}.
        let (rest, variant) = id.strip_prefix("shopify_")?.rsplit_once('_')?;
        let (_, product) = rest.rsplit_once('_')?;
        let product = self.index.get(&self.platform.global(Noun::Product, product))?;
        Some(Found { product: product.key.clone(), variant: Some(self.variant(variant)) })
    }

    pub(super) fn variant(&self, id: &str) -> VariantKey {
        VariantKey::new(self.platform.global(Noun::Variant, id))
    }

    pub(super) fn collection(&self, id: &str) -> CollectionKey {
        CollectionKey::new(self.platform.global(Noun::Collection, id))
    }

    /// The order by the platform's global id, so that its webhook tells of the same one.
    pub(super) fn order(&self, id: &str) -> OrderKey {
        OrderKey::new(self.platform.global(Noun::Order, id))
    }
}
