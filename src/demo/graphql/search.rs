//! `products`, `search` and `predictiveSearch`.

use super::ask::Ask;
use super::collection::sort;
use super::content;
use super::filter;
use super::scene::Scene;
use super::terms::Terms;
use super::value::{Object, Paged, Resolved, Value, error};
use crate::demo::product::{Collection, Product};
use std::rc::Rc;

/// The longest query that is read, in characters.
const LONGEST: usize = 512;

fn read(query: &str) -> Result<Terms, apollo_compiler::resolvers::FieldError> {
    if query.chars().count() > LONGEST {
        return Err(error(format!("query is too long: at most {LONGEST} characters are read.")));
    }
    Ok(Terms::parse(query))
}

/// What the market sells and the query fits, best first where the query has words.
fn found<'s>(scene: &'s Scene<'s>, terms: &Terms) -> Vec<&'s Product> {
    let sold = scene.store.catalogue.products.iter().filter(|product| product.sold_in(scene.market));
    let mut found: Vec<(u32, &Product)> =
        sold.filter_map(|product| Some((terms.score(product, scene.market)?, product))).collect();
    let fame = |a: &Product, b: &Product| b.popularity.total_cmp(&a.popularity);
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| fame(a.1, b.1)));
    found.into_iter().map(|(_, product)| product).collect()
}

/// `QueryRoot.products`.
pub(super) fn products<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    scene.charge(100)?;
    let mut found = found(scene, &read(ask.text("query").unwrap_or_default())?);
    sort(&mut found, ask.text("sortKey").unwrap_or("ID"), scene.market);
    Ok(Value::products(found, vec![("filters", Value::none())]))
}

/// `QueryRoot.search`: products, pages and articles in one connection, products first.
pub(super) fn search<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    scene.charge(200)?;
    let terms = read(ask.text("query").unwrap_or_default())?;
    let types = ask.texts("types");
    let wanted = |name: &str| types.as_ref().is_none_or(|types| types.contains(&name));
    let filters = ask.objects("productFilters").unwrap_or_default();
    let all = if wanted("PRODUCT") { shown(scene, found(scene, &terms), ask) } else { Vec::new() };
    let kept = all.iter().copied().filter(|product| filter::passes(product, &filters, scene.market));
    let mut kept: Vec<&Product> = kept.collect();
    sort(&mut kept, ask.text("sortKey").unwrap_or_default(), scene.market);
    let mut items: Vec<(u64, Value<'s>)> =
        kept.into_iter().map(|product| (product.number, Value::Object(Object::Product(product)))).collect();
    if wanted("PAGE") {
        items.extend(content::pages(scene, Some(&terms)).into_iter().map(|(key, page)| (PAGES + key, page)));
    }
    if wanted("ARTICLE") {
        items
            .extend(content::articles(scene, Some(&terms)).into_iter().map(|(key, article)| (ARTICLES + key, article)));
    }
    let market = scene.market;
    let total = Value::leaf(i32::try_from(items.len()).unwrap_or(i32::MAX));
    let offered = Value::Later(Rc::new(move || filter::offered(&all, market)));
    let extra = vec![("totalCount", total), ("productFilters", offered)];
    Ok(Value::Paged(Rc::new(Paged { of: "SearchResultItem", items, extra })))
}

/// Offsets that keep the keys of pages and articles apart from those of products.
const PAGES: u64 = 1 << 40;
const ARTICLES: u64 = 1 << 41;

/// Hides or puts last what cannot be bought, as the client asks; last is the default.
fn shown<'s>(scene: &Scene<'s>, mut found: Vec<&'s Product>, ask: Ask<'_>) -> Vec<&'s Product> {
    match ask.text("unavailableProducts") {
        Some("SHOW") => {}
        Some("HIDE") => found.retain(|product| product.available(scene.market)),
        _ => found.sort_by_key(|product| !product.available(scene.market)),
    }
    found
}

/// `QueryRoot.predictiveSearch`.
pub(super) fn predictive<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    scene.charge(200)?;
    let query = ask.text("query").unwrap_or_default();
    let terms = read(query)?;
    let types = ask.texts("types");
    let limit = usize::try_from(ask.int("limit").unwrap_or(10).clamp(1, 10)).unwrap_or(10);
    // `ALL`, the default, shares the limit among the types; `EACH` gives it to each.
    let mut left = if ask.text("limitScope") == Some("EACH") { usize::MAX } else { limit };
    let mut take = |name: &str, items: Vec<Value<'s>>| {
        let wanted = types.as_ref().is_none_or(|types| types.contains(&name)) && !query.trim().is_empty();
        let many = if wanted { items.len().min(limit).min(left) } else { 0 };
        left -= many;
        Value::list(items.into_iter().take(many))
    };
    let found = shown(scene, found(scene, &terms), ask);
    let suggestions = suggestions(&found, query);
    let collections = scene.store.catalogue.collections.iter();
    let collections = collections.filter(|it: &&Collection| !it.hidden && terms.fits(it.title));
    let second = |items: Vec<(u64, Value<'s>)>| items.into_iter().map(|(_, item)| item).collect();
    let fields = vec![
        ("queries", take("QUERY", suggestions)),
        ("products", take("PRODUCT", found.iter().map(|product| Value::Object(Object::Product(product))).collect())),
        ("collections", take("COLLECTION", collections.map(|it| Value::Object(Object::Collection(it))).collect())),
        ("pages", take("PAGE", second(content::pages(scene, Some(&terms))))),
        ("articles", take("ARTICLE", second(content::articles(scene, Some(&terms))))),
    ];
    Ok(Value::record("PredictiveSearchResult", fields))
}

/// Words of what was found that go on from what was typed, the first found first.
fn suggestions<'s>(found: &[&Product], query: &str) -> Vec<Value<'s>> {
    let typed = query.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    let mut texts: Vec<&str> = Vec::new();
    for (word, _) in found.iter().take(50).flat_map(|product| &product.index) {
        if word.starts_with(&typed) && !texts.contains(&word.as_str()) && texts.len() < 10 {
            texts.push(word);
        }
    }
    let one = |text: &str| {
        // `text` is a word of our own catalogue: letters and digits only, so it needs no escaping.
        let rest = text.get(typed.len()..).unwrap_or_default();
        let styled = format!("<mark>{}</mark><span>{rest}</span>", text.get(..typed.len()).unwrap_or_default());
        Value::record("SearchQuerySuggestion", vec![("text", Value::leaf(text)), ("styledText", Value::leaf(styled))])
    };
    texts.into_iter().map(one).collect()
}
