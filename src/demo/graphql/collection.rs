//! Fields of `Collection`, and the order of product lists.

use super::ask::Ask;
use super::filter;
use super::picture::Picture;
use super::record::{metafields, truncated};
use super::scene::Scene;
use super::value::{Object, Resolved, Value};
use crate::demo::market::Market;
use crate::demo::product::{Collection, Product};
use crate::demo::words::CATEGORIES;
use std::rc::Rc;

/// A field of `Collection`.
pub(super) fn field<'s>(scene: &'s Scene<'s>, collection: &'s Collection, ask: Ask<'_>) -> Resolved<'s> {
    let title = if scene.german { collection.german } else { collection.title };
    Ok(match ask.field {
        "id" => Value::leaf(format!("gid://shopify/Collection/{}", collection.number)),
        "handle" => Value::leaf(collection.handle),
        "title" => Value::leaf(title),
        "description" => Value::leaf(truncated(collection.text, ask)),
        "descriptionHtml" => Value::leaf(format!("<p>{}</p>", collection.text)),
        "updatedAt" => Value::leaf(collection.updated.to_string()),
        "image" => Value::Object(Object::Picture(Picture {
            of: "collection",
            number: collection.number,
            view: 1,
            alt: collection.title,
        })),
        "onlineStoreUrl" => Value::leaf(scene.address(&format!("/collections/{}", collection.handle))),
        "seo" => {
            Value::record("SEO", vec![("title", Value::leaf(title)), ("description", Value::leaf(collection.text))])
        }
        "products" => products(scene, collection, ask)?,
        "metafields" => metafields(ask),
        _ => Value::Absent,
    })
}

fn products<'s>(scene: &'s Scene<'s>, collection: &'s Collection, ask: Ask<'_>) -> Resolved<'s> {
    scene.charge(100)?;
    let market = scene.market;
    let all = collection.members.iter().map(|at| &scene.store.catalogue.products[*at]);
    let all: Vec<&Product> = all.filter(|product| product.sold_in(market)).collect();
    let filters = ask.objects("filters").unwrap_or_default();
    let mut kept: Vec<&Product> =
        all.iter().copied().filter(|product| filter::passes(product, &filters, market)).collect();
    sort(&mut kept, ask.text("sortKey").unwrap_or_default(), market);
    let offered = Value::Later(Rc::new(move || filter::offered(&all, market)));
    Ok(Value::products(kept, vec![("filters", offered)]))
}

/// Puts products in the order of a sort key. Keys that name no order (`MANUAL`, `COLLECTION_DEFAULT`, `RELEVANCE`)
/// leave the order as it is. Ties stay in the order they were in.
pub(super) fn sort(products: &mut [&Product], key: &str, market: Market) {
    match key {
        "ID" => products.sort_by_key(|product| product.number),
        "TITLE" => products.sort_by(|a, b| a.title.cmp(&b.title)),
        "PRICE" => products.sort_by_key(|product| product.prices(market).0),
        "VENDOR" => products.sort_by_key(|product| product.vendor),
        "PRODUCT_TYPE" => products.sort_by_key(|product| CATEGORIES[product.category].name),
        "CREATED" | "CREATED_AT" => products.sort_by_key(|product| product.created),
        "UPDATED_AT" => products.sort_by_key(|product| product.updated),
        "BEST_SELLING" => products.sort_by(|a, b| b.popularity.total_cmp(&a.popularity)),
        _ => {}
    }
}
