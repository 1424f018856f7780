//! Pages, blog, articles, menus, policies and site maps.

use super::picture::Picture;
use super::product::count;
use super::scene::Scene;
use super::terms::Terms;
use super::value::{Object, Value};
use crate::demo::pages::{ARTICLES, Article, BLOG, MENUS, Menu, PAGES, POLICIES, Page, Target};
use jiff::SignedDuration;
use std::rc::Rc;

fn seo<'s>(title: &str, text: &str) -> Value<'s> {
    Value::record("SEO", vec![("title", Value::leaf(title)), ("description", Value::leaf(text))])
}

/// The pages that fit, by number.
pub(super) fn pages<'s>(scene: &Scene<'_>, terms: Option<&Terms>) -> Vec<(u64, Value<'s>)> {
    let fits = |page: &&Page| terms.is_none_or(|terms| terms.fits(&format!("{} {}", page.title, page.body)));
    PAGES.iter().filter(fits).map(|it| (it.number, page(scene, it))).collect()
}

/// The page with this number or handle.
pub(super) fn find_page<'s>(scene: &Scene<'_>, is: impl Fn(&Page) -> bool) -> Value<'s> {
    PAGES.iter().find(|it| is(it)).map_or(Value::NULL, |it| page(scene, it))
}

fn page<'s>(scene: &Scene<'_>, page: &Page) -> Value<'s> {
    let at = Value::leaf((scene.store.config.now - SignedDuration::from_hours(24 * 100)).to_string());
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/Page/{}", page.number))),
        ("handle", Value::leaf(page.handle)),
        ("title", Value::leaf(page.title)),
        ("body", Value::leaf(format!("<p>{}</p>", page.body))),
        ("bodySummary", Value::leaf(page.body)),
        ("createdAt", at.clone()),
        ("updatedAt", at),
        ("onlineStoreUrl", Value::leaf(scene.address(&format!("/pages/{}", page.handle)))),
        ("seo", seo(page.title, page.body)),
    ];
    Value::record("Page", fields)
}

/// The articles that fit, by number.
pub(super) fn articles<'s>(scene: &'s Scene<'s>, terms: Option<&Terms>) -> Vec<(u64, Value<'s>)> {
    let fits = |it: &&Article| terms.is_none_or(|terms| terms.fits(&format!("{} {}", it.title, it.body)));
    ARTICLES.iter().filter(fits).map(|it| (it.number, article(scene, it))).collect()
}

/// The article with this number.
pub(super) fn find_article<'s>(scene: &'s Scene<'s>, number: u64) -> Value<'s> {
    ARTICLES.iter().find(|it| it.number == number).map_or(Value::NULL, |it| article(scene, it))
}

fn author<'s>() -> Value<'s> {
    let fields = vec![
        ("name", Value::leaf("Ada Example")),
        ("firstName", Value::leaf("Ada")),
        ("lastName", Value::leaf("Example")),
        ("email", Value::leaf("ada@outfitter.example")),
        ("bio", Value::leaf("Writes about things that last.")),
    ];
    Value::record("ArticleAuthor", fields)
}

fn article<'s>(scene: &'s Scene<'s>, article: &'static Article) -> Value<'s> {
    let image = Picture { of: "article", number: article.number, view: 1, alt: article.title };
    let published = scene.store.config.now - SignedDuration::from_hours(24 * article.days_ago);
    let html = Value::leaf(format!("<p>{}</p>", article.body));
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/Article/{}", article.number))),
        ("handle", Value::leaf(article.handle)),
        ("title", Value::leaf(article.title)),
        ("content", Value::leaf(article.body)),
        ("contentHtml", html.clone()),
        ("excerpt", Value::leaf(article.body)),
        ("excerptHtml", html),
        ("author", author()),
        ("authorV2", author()),
        ("blog", Value::Later(Rc::new(move || blog(scene)))),
        ("image", Value::Object(Object::Picture(image))),
        ("publishedAt", Value::leaf(published.to_string())),
        ("tags", Value::texts(article.tags.iter().copied())),
        ("onlineStoreUrl", Value::leaf(scene.address(&format!("/blogs/{}/{}", BLOG.0, article.handle)))),
        ("seo", seo(article.title, article.body)),
    ];
    Value::record("Article", fields)
}

/// The one blog.
pub(super) fn blog<'s>(scene: &'s Scene<'s>) -> Value<'s> {
    let fields = vec![
        ("id", Value::leaf("gid://shopify/Blog/1")),
        ("handle", Value::leaf(BLOG.0)),
        ("title", Value::leaf(BLOG.1)),
        ("articles", Value::paged("Article", articles(scene, None))),
        ("authors", Value::list([author()])),
        ("onlineStoreUrl", Value::leaf(scene.address(&format!("/blogs/{}", BLOG.0)))),
        ("seo", seo(BLOG.1, "Notes on things that last.")),
    ];
    Value::record("Blog", fields)
}

/// The menu with this handle.
pub(super) fn menu<'s>(scene: &'s Scene<'s>, handle: &str) -> Value<'s> {
    let Some((at, menu)) = MENUS.iter().enumerate().find(|(_, menu)| menu.handle == handle) else {
        return Value::NULL;
    };
    let items = menu.entries.iter().enumerate().map(|(row, _)| entry(scene, menu, (at * 100 + row + 1) as u64, row));
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/Menu/{}", at + 1))),
        ("handle", Value::leaf(menu.handle)),
        ("title", Value::leaf(menu.title)),
        ("itemsCount", Value::leaf(i32::try_from(menu.entries.len()).unwrap_or(i32::MAX))),
        ("items", Value::list(items)),
    ];
    Value::record("Menu", fields)
}

fn entry<'s>(scene: &'s Scene<'s>, menu: &'static Menu, number: u64, row: usize) -> Value<'s> {
    let (title, target) = &menu.entries[row];
    let catalogue = &scene.store.catalogue;
    let (kind, path, id, resource) = match target {
        Target::Catalog => ("CATALOG", "/collections/all".to_owned(), None, Value::NULL),
        Target::Blog => {
            let blog = Value::Later(Rc::new(move || blog(scene)));
            ("BLOG", format!("/blogs/{}", BLOG.0), Some("gid://shopify/Blog/1".to_owned()), blog)
        }
        Target::Collection(handle) => {
            let found = catalogue.collection_by_handle(handle);
            let id = found.map(|it| format!("gid://shopify/Collection/{}", it.number));
            ("COLLECTION", format!("/collections/{handle}"), id, Value::object(found.map(Object::Collection)))
        }
        Target::Page(handle) => {
            let number = PAGES.iter().find(|it| it.handle == *handle).map(|it| it.number);
            let id = number.map(|number| format!("gid://shopify/Page/{number}"));
            ("PAGE", format!("/pages/{handle}"), id, find_page(scene, |it| it.handle == *handle))
        }
        Target::Policy(handle) => {
            let number = POLICIES.iter().find(|it| it.1 == *handle).map(|it| it.0);
            let id = number.map(|number| format!("gid://shopify/ShopPolicy/{number}"));
            ("SHOP_POLICY", format!("/policies/{handle}"), id, policy(scene, handle))
        }
    };
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/MenuItem/{number}"))),
        ("title", Value::leaf(*title)),
        ("type", Value::leaf(kind)),
        ("url", Value::leaf(scene.address(&path))),
        ("resourceId", Value::maybe(id)),
        ("resource", resource),
        ("tags", Value::none()),
        ("items", Value::none()),
    ];
    Value::record("MenuItem", fields)
}

/// The policy with this handle.
pub(super) fn policy<'s>(scene: &Scene<'_>, handle: &str) -> Value<'s> {
    let Some((number, handle, title, body)) = POLICIES.iter().find(|it| it.1 == handle) else { return Value::NULL };
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/ShopPolicy/{number}"))),
        ("handle", Value::leaf(*handle)),
        ("title", Value::leaf(*title)),
        ("body", Value::leaf(format!("<p>{body}</p>"))),
        ("url", Value::leaf(scene.address(&format!("/policies/{handle}")))),
    ];
    Value::record("ShopPolicy", fields)
}

/// How many resources a page of the site map holds.
const SITEMAP_PAGE: usize = 250;

/// The site map of one type of resource: handles, titles and dates, in pages.
pub(super) fn sitemap<'s>(scene: &Scene<'_>, kind: &str) -> Value<'s> {
    let catalogue = &scene.store.catalogue;
    let now = scene.store.config.now.to_string();
    let fixed = |handle: &str, title: &str| (handle.to_owned(), title.to_owned(), now.clone());
    let rows: Vec<(String, String, String)> = match kind {
        "PRODUCT" => {
            let sold = catalogue.products.iter().filter(|product| product.sold_in(scene.market));
            sold.map(|it| (it.handle.clone(), it.title.clone(), it.updated.to_string())).collect()
        }
        "COLLECTION" => {
            let shown = catalogue.collections.iter().filter(|it| !it.hidden);
            shown.map(|it| (it.handle.to_owned(), it.title.to_owned(), it.updated.to_string())).collect()
        }
        "PAGE" => PAGES.iter().map(|it| fixed(it.handle, it.title)).collect(),
        "ARTICLE" => ARTICLES.iter().map(|it| fixed(it.handle, it.title)).collect(),
        "BLOG" => vec![fixed(BLOG.0, BLOG.1)],
        _ => Vec::new(),
    };
    let resource = |(handle, title, updated): &(String, String, String)| {
        let fields = vec![
            ("handle", Value::leaf(handle.as_str())),
            ("title", Value::leaf(title.as_str())),
            ("updatedAt", Value::leaf(updated.as_str())),
        ];
        Value::record("SitemapResource", fields)
    };
    let many = rows.len().div_ceil(SITEMAP_PAGE);
    let pages = rows.chunks(SITEMAP_PAGE).enumerate().map(|(at, chunk)| {
        let fields =
            vec![("hasNextPage", Value::leaf(at + 1 < many)), ("items", Value::list(chunk.iter().map(resource)))];
        Value::record("PaginatedSitemapResources", fields)
    });
    Value::record("Sitemap", vec![("pagesCount", count(many)), ("resources", Value::list(pages))])
}
