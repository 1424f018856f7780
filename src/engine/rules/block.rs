//! Block: the product is never recommended.

use super::{Action, Rule};
use crate::domain::product::CatalogueProduct;

/// Whether the rule forbids the product.
pub(super) fn blocks(rule: &Rule, product: &CatalogueProduct) -> bool {
    rule.action == Action::Block && rule.products.meets(product)
}
