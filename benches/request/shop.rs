//! What the benches share: the full Shopify schema, composed, and the documents kept for it.

use outfitter::gateway::compose::Composed;
use outfitter::gateway::documents::Documents;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::personalize;
use outfitter::platform::Platform;
use outfitter::platform::shopify::{self, Shopify};
use std::sync::Arc;

/// The schema of Shopify's Storefront API, whole.
pub(crate) const SHOPIFY: &str = include_str!("../../schema/shopify.graphql");

pub(crate) fn composed() -> Arc<Composed> {
    let shopify = Shopify::open(&shopify::Config::default()).unwrap();
    Arc::new(Composed::new(SHOPIFY, &personalize::sdl(), shopify.entities()).unwrap())
}

pub(crate) fn documents(composed: &Arc<Composed>) -> Documents {
    Documents::new(Arc::clone(composed), Limits::default(), Vec::new())
}

/// The operation of a product page with recommendations.
pub(crate) const PRODUCT: &str = r#"query Product($handle: String!, $country: CountryCode) @inContext(country: $country) {
  product(handle: $handle) { ...Card description tags
    options { name optionValues { name } }
    variants(first: 8) { nodes { id title availableForSale price { ...Money } selectedOptions { name value } } }
    personalized { recommendations(intent: COMPLEMENTARY, first: 4) {
      items { position reason { code text } product { ...Card } } decision { id servedBy } } }
  }
}
fragment Card on Product { id title handle vendor availableForSale
  priceRange { minVariantPrice { ...Money } maxVariantPrice { ...Money } }
  featuredImage { url altText width height } }
fragment Money on MoneyV2 { amount currencyCode }
"#;
