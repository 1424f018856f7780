//! The nouns of the demo catalogue: products, variants, collections, each with what both markets know of it.

use super::market::Market;
use super::words::Kind;
use jiff::Timestamp;

/// A product. Prices and stock are of its variants, by market.
#[derive(Debug)]
pub(super) struct Product {
    /// The number in its global id.
    pub number: u64,
    pub handle: String,
    pub title: String,
    pub text: String,
    /// Position of its category in `words::CATEGORIES`.
    pub category: usize,
    /// Position of its kind in `Catalogue::kinds`.
    pub kind: usize,
    pub vendor: &'static str,
    /// Sorted.
    pub tags: Vec<String>,
    /// Name and values, in order. Never empty: a product without options has `Title: Default Title`.
    pub options: Vec<ProductOption>,
    /// Never empty.
    pub variants: Vec<Variant>,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Whether each market sells it.
    pub published: [bool; 2],
    /// 0 for the cheapest third of its kind, 2 for the dearest.
    pub band: u8,
    /// How wanted it is: a weight, higher is more. Best sellers are sorted by it, the history is drawn from it.
    pub popularity: f64,
    /// How many pictures it has.
    pub pictures: u32,
    /// Its words in lower case, each once, with how much a match on it says: title 6, tags and type 3, text 1.
    pub index: Vec<(String, u32)>,
}

/// An option of a product.
#[derive(Debug)]
pub(super) struct ProductOption {
    pub name: &'static str,
    /// Each with the colour of its swatch, where it is a colour.
    pub values: Vec<(&'static str, Option<&'static str>)>,
}

/// A variant of a product.
#[derive(Debug)]
pub(super) struct Variant {
    pub number: u64,
    /// The position of its value in each option.
    pub choice: Vec<usize>,
    pub sku: String,
    /// Minor units, by market.
    pub price: [i64; 2],
    /// The price before the sale, by market.
    pub was: Option<[i64; 2]>,
    /// Pieces in stock, by market.
    pub stock: [i64; 2],
}

impl Product {
    /// Whether the market sells it.
    pub(super) fn sold_in(&self, market: Market) -> bool {
        self.published[market.index()]
    }

    /// Whether the market sells it and has at least one piece.
    pub(super) fn available(&self, market: Market) -> bool {
        self.sold_in(market) && self.variants.iter().any(|variant| variant.stock[market.index()] > 0)
    }

    /// Whether the market has a piece of this variant.
    pub(super) fn variant_available(&self, variant: &Variant, market: Market) -> bool {
        self.sold_in(market) && variant.stock[market.index()] > 0
    }

    /// Lowest and highest price, in minor units.
    pub(super) fn prices(&self, market: Market) -> (i64, i64) {
        let prices = || self.variants.iter().map(|variant| variant.price[market.index()]);
        (prices().min().unwrap_or(0), prices().max().unwrap_or(0))
    }

    /// The words of a variant's choices, in the order of the options.
    pub(super) fn choices<'a>(
        &'a self,
        variant: &'a Variant,
    ) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
        self.options.iter().zip(&variant.choice).map(|(option, at)| (option.name, option.values[*at].0))
    }

    /// The title of a variant: its choices, as Shopify writes them.
    pub(super) fn variant_title(&self, variant: &Variant) -> String {
        self.choices(variant).map(|(_, value)| value).collect::<Vec<_>>().join(" / ")
    }
}

/// A collection.
#[derive(Debug)]
pub(super) struct Collection {
    pub number: u64,
    pub handle: &'static str,
    pub title: &'static str,
    pub german: &'static str,
    pub text: &'static str,
    /// Positions in `Catalogue::products`, in the collection's own order.
    pub members: Vec<usize>,
    pub updated: Timestamp,
    /// Lists of collections leave it out, as Shopify does with collections that are only for the page's own use.
    pub hidden: bool,
}

/// All that is sold.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// By number, without gaps: product `n` has number `FIRST_PRODUCT + n`.
    pub products: Vec<Product>,
    pub collections: Vec<Collection>,
    /// Every kind with the position of its category.
    pub kinds: Vec<(usize, &'static Kind)>,
}

/// The number of the first product.
pub(super) const FIRST_PRODUCT: u64 = 1001;
/// The number of the first collection.
pub(super) const FIRST_COLLECTION: u64 = 501;
/// Variant numbers are the product's times this, plus the position.
pub(super) const VARIANTS_A_PRODUCT: u64 = 100;

impl Catalogue {
    /// The product with this number.
    pub(super) fn product(&self, number: u64) -> Option<&Product> {
        self.products.get(usize::try_from(number.checked_sub(FIRST_PRODUCT)?).ok()?)
    }

    /// The variant with this number, and its product.
    pub(super) fn variant(&self, number: u64) -> Option<(&Product, &Variant)> {
        let product = self.product(number / VARIANTS_A_PRODUCT)?;
        let at = usize::try_from(number % VARIANTS_A_PRODUCT).ok()?;
        product.variants.get(at).map(|variant| (product, variant))
    }

    /// The collection with this number.
    pub(super) fn collection(&self, number: u64) -> Option<&Collection> {
        self.collections.get(usize::try_from(number.checked_sub(FIRST_COLLECTION)?).ok()?)
    }

    /// The product with this handle.
    pub(super) fn product_by_handle(&self, handle: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.handle == handle)
    }

    /// The collection with this handle.
    pub(super) fn collection_by_handle(&self, handle: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.handle == handle)
    }

    /// The position of a product.
    pub(super) fn position(product: &Product) -> usize {
        usize::try_from(product.number - FIRST_PRODUCT).unwrap_or(usize::MAX)
    }
}
