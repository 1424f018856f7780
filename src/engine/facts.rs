//! What choosing from a ranking asks of products: answered by the catalogue when a decision is made, and by the record when
//! it is run again.

use crate::catalogue::Index;
use crate::domain::made::Made;
use crate::domain::product::CatalogueProduct;

/// What a product is called without its variant, and by whom.
pub(super) type Name = (String, Box<str>);

/// Products by number.
pub(super) trait Facts {
    /// Its category, empty where it has none; `None` for an unknown product.
    fn category(&self, product: u32) -> Option<&str>;

    /// What it is called without its variant.
    fn name(&self, product: u32) -> Option<Name>;
}

impl Facts for Index {
    fn category(&self, product: u32) -> Option<&str> {
        Some(&self.product(product)?.category)
    }

    fn name(&self, product: u32) -> Option<Name> {
        self.product(product).map(name)
    }
}

impl Facts for Made {
    fn category(&self, product: u32) -> Option<&str> {
        let known = self.products.get(product as usize)?;
        self.categories.get(known.category as usize).map(|category| &**category)
    }

    /// The number of the name: all that is asked is whether two are equal.
    fn name(&self, product: u32) -> Option<Name> {
        Some((self.products.get(product as usize)?.name.to_string(), Box::default()))
    }
}

/// What a product is called without its variant, and by whom: `Linen shirt – blue` and `Linen Shirt (white)` of one
/// vendor have one name.
fn name(product: &CatalogueProduct) -> Name {
    let title = &*product.title;
    let cuts = [" - ", " – ", " — ", " | ", " / ", " (", ", "];
    let end = cuts.iter().filter_map(|cut| title.find(cut)).min().unwrap_or(title.len());
    let stem = title.get(..end).map(str::trim).filter(|stem| !stem.is_empty()).unwrap_or(title);
    (stem.to_lowercase(), product.vendor.clone())
}
