//! Look-up by global id.

use super::cart::cart;
use super::content;
use super::scene::Scene;
use super::shop;
use super::value::{Object, Value};

/// The number of a global id of this type, with or without a query part.
pub(super) fn number(id: &str, of: &str) -> Option<u64> {
    let (kind, number) = split(id)?;
    (kind == of).then(|| number.parse().ok()).flatten()
}

/// Type and local part of a global id.
pub(super) fn split(id: &str) -> Option<(&str, &str)> {
    let (kind, rest) = id.strip_prefix("gid://shopify/")?.split_once('/')?;
    Some((kind, rest.split_once('?').map_or(rest, |(number, _)| number)))
}

/// The object behind a global id; null where there is none, or none in this market.
pub(super) fn node<'s>(scene: &'s Scene<'s>, id: &str) -> Value<'s> {
    let Some((kind, local)) = split(id) else { return Value::NULL };
    if kind == "Cart" {
        return scene.store.carts.get(id).map_or(Value::NULL, |found| cart(scene, &found));
    }
    let Ok(number) = local.parse::<u64>() else { return Value::NULL };
    let catalogue = &scene.store.catalogue;
    match kind {
        "Product" => {
            let product = catalogue.product(number).filter(|product| product.sold_in(scene.market));
            Value::object(product.map(Object::Product))
        }
        "ProductVariant" => {
            let variant = catalogue.variant(number).filter(|(product, _)| product.sold_in(scene.market));
            Value::object(variant.map(|(product, variant)| Object::Variant(product, variant)))
        }
        "Collection" => Value::object(catalogue.collection(number).map(Object::Collection)),
        "Page" => content::find_page(scene, |page| page.number == number),
        "Article" => content::find_article(scene, number),
        "Blog" if number == 1 => content::blog(scene),
        "Shop" if number == 1 => shop::shop(scene),
        _ => Value::NULL,
    }
}
