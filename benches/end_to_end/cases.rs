//! What is asked: the operations of the table in `docs/performance.md`.

/// One line of the table.
pub(crate) struct Case {
    /// How the table calls it.
    pub(crate) name: &'static str,
    /// The most that the gateway may cost, in bare proxies; none where the line is for orientation.
    pub(crate) target: Option<f64>,
    /// The operation.
    pub(crate) query: &'static str,
    /// Whether a shopper's session goes with it.
    pub(crate) shopper: bool,
    /// What has to be in the answer, or the measurement would be of something else.
    pub(crate) holds: &'static [&'static str],
}

const PRODUCT: &str = r#"query Product($handle: String!) { product(handle: $handle) { id title handle vendor productType description tags availableForSale
  priceRange { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } }
  images(first: 4) { nodes { url altText width height } } options { name optionValues { name } }
  variants(first: 8) { nodes { id title availableForSale sku price { amount currencyCode } compareAtPrice { amount currencyCode } selectedOptions { name value } } }
  seo { title description } } }"#;

const HYDRATED: &str = r#"query Product($handle: String!) { product(handle: $handle) { id title handle vendor productType description tags availableForSale
  priceRange { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } }
  images(first: 4) { nodes { url altText width height } } options { name optionValues { name } }
  variants(first: 8) { nodes { id title availableForSale sku price { amount currencyCode } compareAtPrice { amount currencyCode } selectedOptions { name value } } }
  seo { title description }
  personalized { recommendations(first: 4) { items { position reason { code } product { id title handle
    priceRange { minVariantPrice { amount currencyCode } } featuredImage { url altText width height } } } decision { id servedBy } } } } }"#;

const COLLECTION: &str = r#"query Collection($handle: String!) { collection(handle: $handle) { id title products(first: 24) { nodes { id title handle vendor productType description tags availableForSale
  priceRange { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } }
  images(first: 2) { nodes { url altText width height } }
  variants(first: 8) { nodes { id title availableForSale price { amount currencyCode } } } } pageInfo { hasNextPage endCursor } } } }"#;

const AFFINITIES: &str = r#"query Collection($handle: String!) { collection(handle: $handle) { id title products(first: 24) { nodes { id title handle vendor productType description tags availableForSale
  priceRange { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } }
  images(first: 2) { nodes { url altText width height } }
  variants(first: 8) { nodes { id title availableForSale price { amount currencyCode } } }
  personalized { affinity } } pageInfo { hasNextPage endCursor } } } }"#;

const SLATES: &str = r#"query Collection($handle: String!) { collection(handle: $handle) { id title products(first: 24) { nodes { id title handle vendor productType description tags availableForSale
  priceRange { minVariantPrice { amount currencyCode } maxVariantPrice { amount currencyCode } }
  images(first: 2) { nodes { url altText width height } }
  variants(first: 8) { nodes { id title availableForSale price { amount currencyCode } } }
  personalized { recommendations(first: 4) { items { product { id title handle } } } } } pageInfo { hasNextPage endCursor } } } }"#;

/// The cases, in the order of the table.
pub(crate) const CASES: [Case; 5] = [
    Case {
        name: "product page, passed through",
        target: Some(1.5),
        query: PRODUCT,
        shopper: false,
        holds: &["\"variants\""],
    },
    Case {
        name: "collection of 45 KB, passed through",
        target: Some(2.0),
        query: COLLECTION,
        shopper: false,
        holds: &["\"hasNextPage\""],
    },
    Case {
        name: "the same collection, its 24 products personalized (affinity)",
        target: Some(4.0),
        query: AFFINITIES,
        shopper: true,
        holds: &["\"affinity\":0."],
    },
    Case {
        name: "product page with four hydrated recommendations",
        target: Some(2.5),
        query: HYDRATED,
        shopper: true,
        holds: &["\"position\":4", "\"servedBy\":\"STATISTICS\""],
    },
    Case {
        name: "the same collection, four hydrated recommendations for each of 24",
        target: None,
        query: SLATES,
        shopper: true,
        holds: &["\"recommendations\":{\"items\":[{"],
    },
];

impl Case {
    /// The body of the `nth` connection's request. Each is another one, so that nobody can answer two at once.
    pub(crate) fn body(&self, nth: usize, products: &[String]) -> String {
        let product = products.get(nth % products.len().max(1)).map_or("", String::as_str);
        let handle = if self.query.starts_with("query Product") { product } else { "tops" };
        serde_json::json!({ "query": self.query, "variables": { "handle": handle, "connection": nth } }).to_string()
    }
}
