//! Fields of `ProductVariant`.

use super::ask::Ask;
use super::product::picture;
use super::record::metafields;
use super::scene::Scene;
use super::value::{Object, Resolved, Value};
use crate::demo::product::{Product, Variant};

/// A field of `ProductVariant`.
pub(super) fn field<'s>(
    scene: &'s Scene<'s>,
    product: &'s Product,
    variant: &'s Variant,
    ask: Ask<'_>,
) -> Resolved<'s> {
    let at = scene.market.index();
    Ok(match ask.field {
        "id" => Value::leaf(format!("gid://shopify/ProductVariant/{}", variant.number)),
        "title" => Value::leaf(product.variant_title(variant)),
        "sku" => Value::leaf(variant.sku.as_str()),
        "product" => Value::Object(Object::Product(product)),
        "price" | "priceV2" => scene.money(variant.price[at]),
        "compareAtPrice" | "compareAtPriceV2" => variant.was.map_or(Value::NULL, |was| scene.money(was[at])),
        "availableForSale" => Value::leaf(product.variant_available(variant, scene.market)),
        "currentlyNotInStock" => Value::leaf(variant.stock[at] == 0),
        "quantityAvailable" => Value::leaf(variant.stock[at]),
        "selectedOptions" => Value::list(product.choices(variant).map(|(name, value)| {
            Value::record("SelectedOption", vec![("name", Value::leaf(name)), ("value", Value::leaf(value))])
        })),
        "image" => {
            // Variants of one colour show the same picture.
            let color = product.options.iter().position(|option| option.name == "Color");
            let view = color.map_or(0, |option| variant.choice[option] as u32) % product.pictures.max(1);
            Value::Object(Object::Picture(picture(product, view + 1)))
        }
        "quantityRule" => {
            Value::record("QuantityRule", vec![("minimum", Value::leaf(1)), ("increment", Value::leaf(1))])
        }
        "requiresShipping" | "taxable" => Value::leaf(true),
        "weight" => Value::float(0.5),
        "weightUnit" => Value::leaf("KILOGRAMS"),
        "metafields" => metafields(ask),
        _ => Value::Absent,
    })
}
