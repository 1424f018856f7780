//! From Shopify's answers to the nouns of the domain.

use super::queries::catalogue::{CatalogueProducts, CatalogueProductsNodes};
use crate::domain::ids::{CollectionKey, ProductKey, VariantKey};
use crate::domain::money::{Currency, Money};
use crate::domain::product::CatalogueProduct;
use crate::platform::pages::{Page, PageError};

/// The longest description kept, in characters: what a shop sends beyond it is not read by ranking.
const TEXT: usize = 2_000;
/// The most tags kept; the platform allows as many.
const TAGS: usize = 250;

/// A page of products. Errors: `Malformed` where another page is promised without saying where it begins.
pub(super) fn page(products: CatalogueProducts) -> Result<Page, PageError> {
    let next = match (products.page_info.has_next_page, products.page_info.end_cursor) {
        (false, _) => None,
        (true, Some(cursor)) => Some(cursor),
        (true, None) => return Err(PageError::Malformed("hasNextPage is true and endCursor is null".into())),
    };
    Ok(Page { products: products.nodes.into_iter().map(product).collect(), next })
}

fn product(node: CatalogueProductsNodes) -> CatalogueProduct {
    let lowest = node.price_range.min_variant_price;
    // The currency is an enum of the schema, whose newest members this build may not know: its text is what counts.
    let currency = serde_json::to_value(&lowest.currency_code).ok();
    let currency = currency.as_ref().and_then(serde_json::Value::as_str).and_then(Currency::parse);
    let mut tags: Vec<Box<str>> = node.tags.into_iter().take(TAGS).map(Into::into).collect();
    tags.sort_unstable();
    CatalogueProduct {
        key: ProductKey::new(node.id),
        handle: node.handle.into(),
        title: node.title.into(),
        text: node.description.chars().take(TEXT).collect::<String>().into(),
        category: node.product_type.into(),
        vendor: node.vendor.into(),
        tags,
        price: currency.and_then(|currency| Money::parse(&lowest.amount, currency)),
        available: node.available_for_sale,
        collections: node.collections.nodes.into_iter().map(|collection| CollectionKey::new(collection.id)).collect(),
        variants: node.variants.nodes.into_iter().map(|variant| VariantKey::new(variant.id)).collect(),
        created: node.created_at.parse().ok(),
    }
}
