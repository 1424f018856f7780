//! Fields of `QueryRoot`.

use super::ask::Ask;
use super::cart::cart;
use super::content;
use super::customer::customer;
use super::node::{node, number};
use super::recommend::recommendations;
use super::scene::Scene;
use super::search;
use super::shop;
use super::terms::Terms;
use super::value::{Object, Resolved, Value, error};
use crate::demo::product::{Collection, Product};
use crate::demo::words::CATEGORIES;
use std::collections::BTreeSet;

/// The most ids a client may look up at once.
const MAX_IDS: usize = 250;

/// A field of `QueryRoot`.
pub(super) fn field<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let text = |name: &str| ask.text(name).unwrap_or_default();
    Ok(match ask.field {
        "product" | "productByHandle" => Value::object(product(scene, ask)?.map(Object::Product)),
        "products" => search::products(scene, ask)?,
        "collection" | "collectionByHandle" => Value::object(collection(scene, ask)?.map(Object::Collection)),
        "collections" => collections(scene, ask),
        "node" => node(scene, text("id")),
        "nodes" => {
            let ids = ask.texts("ids").unwrap_or_default();
            if ids.len() > MAX_IDS {
                return Err(error(format!("ids has {} items, and may have {MAX_IDS} at most.", ids.len())));
            }
            scene.charge(ids.len())?;
            Value::list(ids.into_iter().map(|id| node(scene, id)))
        }
        "search" => search::search(scene, ask)?,
        "predictiveSearch" => search::predictive(scene, ask)?,
        "productRecommendations" => match recommended_to(scene, ask) {
            Some(product) => recommendations(scene, product, ask.text("intent") == Some("COMPLEMENTARY"))?,
            None => Value::NULL,
        },
        "productTags" => {
            strings(scene.store.catalogue.products.iter().flat_map(|product| &product.tags).map(String::as_str))
        }
        "productTypes" => strings(CATEGORIES.iter().map(|category| category.name)),
        _ => return about(scene, ask),
    })
}

/// The fields that are not about products.
fn about<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let text = |name: &str| ask.text(name).unwrap_or_default();
    Ok(match ask.field {
        "shop" => shop::shop(scene),
        "localization" => shop::localization(scene),
        "paymentSettings" => shop::payment_settings(scene),
        "cart" => match scene.store.carts.get(text("id")) {
            Some(found) => cart(scene, &found),
            None => Value::NULL,
        },
        "customer" => match scene.store.customers.of(text("customerAccessToken")) {
            Some(at) => customer(scene, at),
            None => Value::NULL,
        },
        "menu" => content::menu(scene, text("handle")),
        "page" | "pageByHandle" => match ask.text("id") {
            Some(id) => content::find_page(scene, |page| number(id, "Page") == Some(page.number)),
            None => content::find_page(scene, |page| page.handle == text("handle")),
        },
        "pages" => Value::paged("Page", content::pages(scene, ask.text("query").map(Terms::parse).as_ref())),
        "article" => number(text("id"), "Article").map_or(Value::NULL, |number| content::find_article(scene, number)),
        "articles" => Value::paged("Article", content::articles(scene, ask.text("query").map(Terms::parse).as_ref())),
        "blog" | "blogByHandle" => match (ask.text("id"), ask.text("handle")) {
            (Some(id), _) if number(id, "Blog") == Some(1) => content::blog(scene),
            (None, Some(handle)) if handle == crate::demo::pages::BLOG.0 => content::blog(scene),
            _ => Value::NULL,
        },
        "blogs" => Value::paged("Blog", [(1, content::blog(scene))]),
        "sitemap" => content::sitemap(scene, text("type")),
        "urlRedirects" => Value::paged("UrlRedirect", []),
        "publicApiVersions" => Value::list(["2026-04", "unstable"].map(|version| {
            let fields = vec![
                ("handle", Value::leaf(version)),
                ("displayName", Value::leaf(version)),
                ("supported", Value::leaf(true)),
            ];
            Value::record("ApiVersion", fields)
        })),
        _ => Value::Absent,
    })
}

fn product<'s>(
    scene: &'s Scene<'s>,
    ask: Ask<'_>,
) -> Result<Option<&'s Product>, apollo_compiler::resolvers::FieldError> {
    let catalogue = &scene.store.catalogue;
    let found = match (ask.text("id"), ask.text("handle")) {
        (Some(id), _) => number(id, "Product").and_then(|number| catalogue.product(number)),
        (None, Some(handle)) => catalogue.product_by_handle(handle),
        (None, None) => return Err(error("product needs an id or a handle.")),
    };
    Ok(found.filter(|product| product.sold_in(scene.market)))
}

fn collection<'s>(
    scene: &'s Scene<'s>,
    ask: Ask<'_>,
) -> Result<Option<&'s Collection>, apollo_compiler::resolvers::FieldError> {
    let catalogue = &scene.store.catalogue;
    Ok(match (ask.text("id"), ask.text("handle")) {
        (Some(id), _) => number(id, "Collection").and_then(|number| catalogue.collection(number)),
        (None, Some(handle)) => catalogue.collection_by_handle(handle),
        (None, None) => return Err(error("collection needs an id or a handle.")),
    })
}

fn collections<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Value<'s> {
    let terms = Terms::parse(ask.text("query").unwrap_or_default());
    let shown = scene.store.catalogue.collections.iter().filter(|it| !it.hidden && terms.fits(it.title));
    let mut shown: Vec<&Collection> = shown.collect();
    match ask.text("sortKey") {
        Some("TITLE") => shown.sort_by_key(|it| it.title),
        Some("UPDATED_AT") => shown.sort_by_key(|it| it.updated),
        _ => {}
    }
    Value::paged("Collection", shown.into_iter().map(|it| (it.number, Value::Object(Object::Collection(it)))))
}

fn recommended_to<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Option<&'s Product> {
    let catalogue = &scene.store.catalogue;
    let found = match ask.text("productId") {
        Some(id) => catalogue.product(number(id, "Product")?),
        None => catalogue.product_by_handle(ask.text("productHandle")?),
    };
    found.filter(|product| product.sold_in(scene.market))
}

/// Each string once, sorted, as a connection.
fn strings<'s>(texts: impl Iterator<Item = &'s str>) -> Value<'s> {
    let texts: BTreeSet<&str> = texts.collect();
    Value::paged("String", texts.into_iter().enumerate().map(|(at, text)| (at as u64, Value::leaf(text))))
}
