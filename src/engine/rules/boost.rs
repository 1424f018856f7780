//! Boost: the product's score is multiplied.

use super::{Action, Rule};
use crate::domain::product::CatalogueProduct;

/// The rule's factor for the product; 1 where it is not about it or the factor is not a number from 0 up.
pub(super) fn factor(rule: &Rule, product: &CatalogueProduct) -> f64 {
    match rule.action {
        Action::Boost(factor) if factor.is_finite() && factor >= 0.0 && rule.products.meets(product) => factor,
        _ => 1.0,
    }
}
