//! Faceted filters of product lists: what a client may choose, and what its choice keeps.
//!
//! Filters of one kind are alternatives, filters of different kinds must all hold, as Shopify has it.

use super::ask::Ask;
use super::value::Value;
use crate::demo::market::Market;
use crate::demo::product::Product;
use crate::demo::words::CATEGORIES;
use std::collections::{BTreeMap, HashMap};

/// Whether the product passes all filters.
pub(super) fn passes(product: &Product, filters: &[Ask<'_>], market: Market) -> bool {
    let mut kinds: HashMap<&str, bool> = HashMap::new();
    for filter in filters {
        for (kind, holds) in tests(product, filter, market) {
            *kinds.entry(kind).or_default() |= holds;
        }
    }
    kinds.into_values().all(|holds| holds)
}

fn tests<'a>(product: &Product, filter: &Ask<'a>, market: Market) -> Vec<(&'a str, bool)> {
    let mut tests = Vec::new();
    if filter.get("available").is_some() {
        tests.push(("available", product.available(market) == filter.flag("available")));
    }
    if let Some(range) = filter.object("price") {
        let bound = |name: &str| range.get(name).and_then(|value| value.as_f64()).map(|amount| amount * 100.0);
        let fits =
            |price: f64| bound("min").is_none_or(|min| price >= min) && bound("max").is_none_or(|max| price <= max);
        let mut prices = product.variants.iter().map(|variant| variant.price[market.index()] as f64);
        tests.push(("price", prices.any(fits)));
    }
    if let Some(name) = filter.text("productType") {
        tests.push(("productType", CATEGORIES[product.category].name.eq_ignore_ascii_case(name)));
    }
    if let Some(name) = filter.text("productVendor") {
        tests.push(("productVendor", product.vendor.eq_ignore_ascii_case(name)));
    }
    if let Some(tag) = filter.text("tag") {
        tests.push(("tag", product.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))));
    }
    if let Some(category) = filter.object("category") {
        let number = format!("gid://shopify/TaxonomyCategory/of-{}", product.category + 1);
        tests.push(("category", category.text("id").is_some_and(|id| number.ends_with(id))));
    }
    if let Some(option) = filter.object("variantOption") {
        let (name, value) = (option.text("name").unwrap_or_default(), option.text("value").unwrap_or_default());
        let same = |(own, chosen): (&str, &str)| own.eq_ignore_ascii_case(name) && chosen.eq_ignore_ascii_case(value);
        let holds = product.variants.iter().any(|variant| product.choices(variant).any(same));
        // Each option is a kind of its own: size and colour must both hold.
        tests.push((name, holds));
    }
    tests
}

/// The filters that these products can be chosen by, with counts.
pub(super) fn offered<'s>(products: &[&'s Product], market: Market) -> Value<'s> {
    if products.is_empty() {
        return Value::none();
    }
    let available = products.iter().filter(|product| product.available(market)).count();
    let stock = [("1", "In stock", true, available), ("0", "Out of stock", false, products.len() - available)];
    let stock = stock.map(|(id, label, yes, many)| {
        value(&format!("filter.v.availability.{id}"), label, many, &serde_json::json!({ "available": yes }))
    });
    let top = products.iter().map(|product| product.prices(market).1).max().unwrap_or(0);
    let range = serde_json::json!({ "price": { "min": 0, "max": top as f64 / 100.0 } });
    let mut filters = vec![
        filter("filter.v.availability", "Availability", "LIST", stock.to_vec()),
        filter(
            "filter.v.price",
            "Price",
            "PRICE_RANGE",
            vec![value("filter.v.price", "Price", products.len(), &range)],
        ),
    ];
    let types = counted(products.iter().map(|product| CATEGORIES[product.category].name));
    filters.push(list(
        "filter.p.product_type",
        "Product type",
        types,
        |name| serde_json::json!({ "productType": name }),
    ));
    let vendors = counted(products.iter().map(|product| product.vendor));
    filters.push(list("filter.p.vendor", "Brand", vendors, |name| serde_json::json!({ "productVendor": name })));
    for option in ["Color", "Size"] {
        let of = |product: &&'s Product| product.options.iter().find(|own| own.name == option);
        let values = products.iter().filter_map(of).flat_map(|own| own.values.iter().map(|(name, _)| *name));
        let id = format!("filter.v.option.{}", option.to_lowercase());
        let input = |name: &str| serde_json::json!({ "variantOption": { "name": option, "value": name } });
        filters.push(list(&id, option, counted(values), input));
    }
    Value::list(filters)
}

fn counted<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn list<'s>(
    id: &str,
    label: &str,
    counts: BTreeMap<&str, usize>,
    input: impl Fn(&str) -> serde_json::Value,
) -> Value<'s> {
    let one = |(name, many): (&str, usize)| value(&format!("{id}.{}", name.to_lowercase()), name, many, &input(name));
    filter(id, label, "LIST", counts.into_iter().map(one).collect())
}

fn filter<'s>(id: &str, label: &str, kind: &str, values: Vec<Value<'s>>) -> Value<'s> {
    let fields = vec![
        ("id", Value::leaf(id)),
        ("label", Value::leaf(label)),
        ("type", Value::leaf(kind)),
        ("values", Value::list(values)),
    ];
    Value::record("Filter", fields)
}

fn value<'s>(id: &str, label: &str, many: usize, input: &serde_json::Value) -> Value<'s> {
    let fields = vec![
        ("id", Value::leaf(id)),
        ("label", Value::leaf(label)),
        ("count", Value::leaf(i32::try_from(many).unwrap_or(i32::MAX))),
        // A JSON text within a string: clients parse it and send it back as a filter.
        ("input", Value::leaf(input.to_string())),
    ];
    Value::record("FilterValue", fields)
}
