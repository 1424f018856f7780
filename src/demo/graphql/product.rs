//! Fields of `Product`.

use super::ask::Ask;
use super::picture::Picture;
use super::record::{metafields, truncated};
use super::scene::Scene;
use super::value::{Object, Resolved, Value};
use crate::demo::market::Market;
use crate::demo::product::{Catalogue, Product, ProductOption, Variant};
use crate::demo::words::CATEGORIES;

/// A field of `Product`.
pub(super) fn field<'s>(scene: &'s Scene<'s>, product: &'s Product, ask: Ask<'_>) -> Resolved<'s> {
    let market = scene.market;
    Ok(match ask.field {
        "id" => Value::leaf(format!("gid://shopify/Product/{}", product.number)),
        "handle" => Value::leaf(product.handle.as_str()),
        "title" => Value::leaf(product.title.as_str()),
        "description" => Value::leaf(truncated(&product.text, ask)),
        "descriptionHtml" => Value::leaf(format!("<p>{}</p>", product.text)),
        "productType" => Value::leaf(CATEGORIES[product.category].name),
        "category" => category(product),
        "vendor" => Value::leaf(product.vendor),
        "tags" => Value::texts(product.tags.iter().map(String::as_str)),
        "createdAt" | "publishedAt" => Value::leaf(product.created.to_string()),
        "updatedAt" => Value::leaf(product.updated.to_string()),
        "availableForSale" => Value::leaf(product.available(market)),
        "totalInventory" => {
            let pieces: i64 = product.variants.iter().map(|variant| variant.stock[market.index()]).sum();
            Value::leaf(pieces)
        }
        "isGiftCard" | "requiresSellingPlan" => Value::leaf(false),
        "onlineStoreUrl" => Value::leaf(scene.address(&format!("/products/{}", product.handle))),
        "priceRange" => price_range(scene, product.prices(market)),
        "compareAtPriceRange" => price_range(scene, compare_at(product, market)),
        "seo" => {
            let fields = vec![
                ("title", Value::leaf(product.title.as_str())),
                ("description", Value::leaf(product.text.as_str())),
            ];
            Value::record("SEO", fields)
        }
        "options" => options(product, ask),
        "metafields" => metafields(ask),
        _ => return variants_and_pictures(scene, product, ask),
    })
}

fn variants_and_pictures<'s>(scene: &'s Scene<'s>, product: &'s Product, ask: Ask<'_>) -> Resolved<'s> {
    let one = |variant: &'s Variant| Value::Object(Object::Variant(product, variant));
    Ok(match ask.field {
        "variants" => Value::paged("ProductVariant", sorted(product, ask).into_iter().map(|v| (v.number, one(v)))),
        "variantsCount" => count(product.variants.len()),
        "selectedOrFirstAvailableVariant" => {
            let chosen = ask.choices("selectedOptions").filter(|chosen| !chosen.is_empty());
            let chosen = chosen.and_then(|chosen| find(product, &chosen, ask));
            chosen.or_else(|| first_available(product, scene.market)).map_or(Value::NULL, one)
        }
        "variantBySelectedOptions" => {
            let chosen = ask.choices("selectedOptions").unwrap_or_default();
            find(product, &chosen, ask).map_or(Value::NULL, one)
        }
        "adjacentVariants" => Value::list(adjacent(scene, product, ask).into_iter().map(one)),
        "encodedVariantExistence" => Value::leaf(encode(product, |_| true)),
        "encodedVariantAvailability" => {
            Value::leaf(encode(product, |variant| product.variant_available(variant, scene.market)))
        }
        "featuredImage" => Value::Object(Object::Picture(picture(product, 1))),
        "images" => Value::paged(
            "Image",
            pictures(product).map(|picture| (picture.key(), Value::Object(Object::Picture(picture)))),
        ),
        "media" => Value::paged("Media", pictures(product).map(|picture| (picture.key(), picture.media()))),
        "collections" => {
            let at = Catalogue::position(product);
            let all = scene.store.catalogue.collections.iter();
            let its = all.filter(|collection| !collection.hidden && collection.members.contains(&at));
            Value::paged("Collection", its.map(|it| (it.number, Value::Object(Object::Collection(it)))))
        }
        _ => Value::Absent,
    })
}

/// One of the product's pictures, from 1.
pub(super) fn picture(product: &Product, view: u32) -> Picture<'_> {
    Picture { of: "product", number: product.number, view, alt: &product.title }
}

fn pictures(product: &Product) -> impl Iterator<Item = Picture<'_>> {
    (1..=product.pictures).map(|view| picture(product, view))
}

/// A `Count` that is exact.
pub(super) fn count<'s>(many: usize) -> Value<'s> {
    let many = i32::try_from(many).unwrap_or(i32::MAX);
    Value::record("Count", vec![("count", Value::leaf(many)), ("precision", Value::leaf("EXACT"))])
}

fn category<'s>(product: &Product) -> Value<'s> {
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/TaxonomyCategory/of-{}", product.category + 1))),
        ("name", Value::leaf(CATEGORIES[product.category].name)),
        ("ancestors", Value::none()),
    ];
    Value::record("TaxonomyCategory", fields)
}

fn price_range<'s>(scene: &Scene<'s>, (low, high): (i64, i64)) -> Value<'s> {
    let fields = vec![("minVariantPrice", scene.money(low)), ("maxVariantPrice", scene.money(high))];
    Value::record("ProductPriceRange", fields)
}

/// Lowest and highest price before the sale; zero where there is no sale, as Shopify has it.
fn compare_at(product: &Product, market: Market) -> (i64, i64) {
    let was = || product.variants.iter().filter_map(|variant| variant.was).map(|was| was[market.index()]);
    (was().min().unwrap_or(0), was().max().unwrap_or(0))
}

fn sorted<'s>(product: &'s Product, ask: Ask<'_>) -> Vec<&'s Variant> {
    let mut variants: Vec<&Variant> = product.variants.iter().collect();
    match ask.text("sortKey") {
        Some("TITLE") => variants.sort_by_key(|variant| product.variant_title(variant)),
        Some("SKU") => variants.sort_by(|a, b| a.sku.cmp(&b.sku)),
        _ => {}
    }
    variants
}

/// The options, each value with the first variant that has it.
fn options<'s>(product: &'s Product, ask: Ask<'_>) -> Value<'s> {
    let limit = ask.int("first").and_then(|first| usize::try_from(first).ok()).unwrap_or(usize::MAX);
    let many = product.options.iter().enumerate().take(limit);
    Value::list(many.map(|(at, option)| {
        let values = (0..option.values.len()).map(|value| option_value(product, option, at, value));
        let fields = vec![
            ("id", Value::leaf(format!("gid://shopify/ProductOption/{}", product.number * 10 + at as u64))),
            ("name", Value::leaf(option.name)),
            ("values", Value::texts(option.values.iter().map(|(name, _)| *name))),
            ("optionValues", Value::list(values)),
        ];
        Value::record("ProductOption", fields)
    }))
}

fn option_value<'s>(product: &'s Product, option: &ProductOption, at: usize, value: usize) -> Value<'s> {
    let first = product.variants.iter().find(|variant| variant.choice[at] == value);
    let (name, color) = option.values[value];
    let swatch = |rgb| Value::record("ProductOptionValueSwatch", vec![("color", Value::leaf(rgb))]);
    let number = (product.number * 10 + at as u64) * 100 + value as u64;
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/ProductOptionValue/{number}"))),
        ("name", Value::leaf(name)),
        ("firstSelectableVariant", Value::object(first.map(|variant| Object::Variant(product, variant)))),
        ("swatch", color.map_or(Value::NULL, swatch)),
    ];
    Value::record("ProductOptionValue", fields)
}

/// The variant with these choices. Options that the product does not have are passed over where the client says so.
fn find<'s>(product: &'s Product, chosen: &[(&str, &str)], ask: Ask<'_>) -> Option<&'s Variant> {
    let loose = ask.flag("caseInsensitiveMatch");
    let same = |a: &str, b: &str| if loose { a.eq_ignore_ascii_case(b) } else { a == b };
    let known = |name: &str| product.options.iter().any(|option| same(option.name, name));
    let chosen: Vec<_> = chosen.iter().filter(|(name, _)| known(name) || !ask.flag("ignoreUnknownOptions")).collect();
    product.variants.iter().find(|variant| {
        let mut own = product.choices(variant);
        chosen.len() == product.options.len()
            && own.all(|(name, value)| chosen.iter().any(|(n, v)| same(n, name) && same(v, value)))
    })
}

/// The first variant that can be bought, or the first.
pub(super) fn first_available(product: &Product, market: Market) -> Option<&Variant> {
    let available = product.variants.iter().find(|variant| product.variant_available(variant, market));
    available.or(product.variants.first())
}

/// The variants that differ from the chosen one in one option.
fn adjacent<'s>(scene: &Scene<'s>, product: &'s Product, ask: Ask<'_>) -> Vec<&'s Variant> {
    let chosen = ask.choices("selectedOptions").filter(|chosen| !chosen.is_empty());
    let chosen = chosen.and_then(|chosen| find(product, &chosen, ask));
    let Some(chosen) = chosen.or_else(|| first_available(product, scene.market)) else { return Vec::new() };
    let differs =
        |variant: &&Variant| variant.choice.iter().zip(&chosen.choice).filter(|(own, other)| own != other).count() == 1;
    product.variants.iter().filter(differs).collect()
}

/// The existing combinations of options in Shopify's compact text: `v1_`, then per option the position of a value;
/// `:` goes down to the next option, `,` ends a prefix, ` ` separates and `-` spans values of the last option.
fn encode(product: &Product, keep: impl Fn(&Variant) -> bool) -> String {
    let mut kept: Vec<&[usize]> =
        product.variants.iter().filter(|variant| keep(variant)).map(|variant| variant.choice.as_slice()).collect();
    if kept.is_empty() {
        return String::new();
    }
    kept.sort_unstable();
    let mut text = String::from("v1_");
    encode_level(&kept, 0, &mut text);
    text
}

fn encode_level(kept: &[&[usize]], level: usize, text: &mut String) {
    let values: Vec<&[&[usize]]> = kept.chunk_by(|a, b| a[level] == b[level]).collect();
    if kept.first().is_some_and(|choice| choice.len() > level + 1) {
        for group in values {
            text.push_str(&format!("{}:", group[0][level]));
            encode_level(group, level + 1, text);
            text.push(',');
        }
        return;
    }
    let numbers: Vec<usize> = values.iter().map(|group| group[0][level]).collect();
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    text.push_str(&runs.collect::<Vec<_>>().join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_encoded_as_shopify_encodes_them() {
        let encoded = |kept: &[&[usize]]| {
            let mut text = String::new();
            encode_level(kept, 0, &mut text);
            text
        };
        assert_eq!(encoded(&[&[0, 0, 0], &[1, 1, 1], &[2, 2, 2]]), "0:0:0,,1:1:1,,2:2:2,,");
        assert_eq!(encoded(&[&[0, 0], &[0, 1], &[0, 3], &[1, 2]]), "0:0-1 3,1:2,");
        assert_eq!(encoded(&[&[0], &[1], &[2]]), "0-2");
    }
}
