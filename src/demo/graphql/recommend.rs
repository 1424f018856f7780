//! The shop's own recommendations: related by kind and category, complementary by what the words say goes together.

use super::scene::Scene;
use super::value::{Object, Resolved, Value};
use crate::demo::product::Product;

/// The most products recommended, as Shopify does.
const MOST: usize = 10;

/// The products recommended beside this one, best first.
pub(super) fn recommendations<'s>(scene: &'s Scene<'s>, product: &'s Product, complementary: bool) -> Resolved<'s> {
    scene.charge(100)?;
    let catalogue = &scene.store.catalogue;
    let with = catalogue.kinds[product.kind].1.with;
    let fit = |other: &Product| {
        let kind = catalogue.kinds[other.kind].1.tag;
        match complementary {
            true => with.iter().position(|tag| *tag == kind).map(|at| 3.0 - at as f64 * 0.5),
            false if other.kind == product.kind => Some(3.0),
            false if other.category == product.category => Some(1.0),
            false => None,
        }
    };
    let others = catalogue.products.iter().filter(|other| other.number != product.number);
    let others = others.filter(|other| other.available(scene.market));
    let same_band = |other: &Product| if other.band == product.band { 0.6 } else { 0.0 };
    let mut fitting: Vec<(f64, &Product)> =
        others.filter_map(|other| Some((fit(other)? + same_band(other) + other.popularity, other))).collect();
    fitting.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(Value::list(fitting.into_iter().take(MOST).map(|(_, other)| Value::Object(Object::Product(other)))))
}
