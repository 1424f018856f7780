//! What webhooks tell between two crawls: kept by product, the latest of each, and put into the next snapshot.
//!
//! News may come out of order, twice, and while a crawl is under way: each has a time of its own, the later of two
//! counts, and what is younger than the begin of a crawl is put into its result again. Bounded: beyond [`MOST`] products
//! the oldest news gives way, and the next crawl brings it.

use super::Index;
use crate::domain::ids::{CollectionKey, ProductKey};
use crate::domain::money::{Currency, Money};
use crate::domain::product::CatalogueProduct;
use crate::platform::news::{Change, ProductNews};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// The most products whose news is kept.
const MOST: usize = 50_000;
/// The most inventory items that lead back to their product.
const ITEMS: usize = 200_000;

/// News since the last crawl.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By product, each with the moment at which it was heard.
    products: HashMap<ProductKey, (Timestamp, Told)>,
    /// The same, in the order in which they were heard first.
    heard: VecDeque<ProductKey>,
    /// Collections that are gone, with the moment at which that was heard.
    collections: BTreeMap<CollectionKey, Timestamp>,
    /// Inventory items by the product they are of, as product news has told it.
    items: HashMap<String, ProductKey>,
    /// Whether something was heard that the snapshot in use does not hold.
    pub(super) pending: bool,
    /// Where all that is kept was ended just now for news of nobody knows which product: whether more such came since.
    pub(super) ended: Option<bool>,
}

/// The latest news of a product.
#[derive(Clone, Debug)]
enum Told {
    Is(Box<ProductNews>),
    Gone(Timestamp),
    InStock(Timestamp),
}

/// What follows from a piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// The shop itself is to be asked.
    pub(super) ask: bool,
    /// Of what nothing that is kept elsewhere is to be shown.
    pub(super) old: Old,
}

/// What is not to be shown any more as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Old {
    Nothing,
    Product(ProductKey),
    /// One of them, and nobody knows which.
    Unknown,
    Everything,
}

impl Told {
    fn at(&self) -> Timestamp {
        match self {
            Self::Is(news) => news.at,
            Self::Gone(at) | Self::InStock(at) => *at,
        }
    }
}

impl Changes {
    /// Takes a piece of news.
    pub(super) fn hear(&mut self, change: Change, now: Timestamp) -> Heard {
        let told = |old| Heard { ask: false, old };
        match change {
            Change::Product(news) => {
                for item in &news.items {
                    if self.items.len() < ITEMS || self.items.contains_key(item) {
                        self.items.insert(item.clone(), news.key.clone());
                    }
                }
                let key = news.key.clone();
                self.note(key.clone(), Told::Is(news), now);
                told(Old::Product(key))
            }
            Change::Gone(key, at) => {
                self.note(key.clone(), Told::Gone(at), now);
                told(Old::Product(key))
            }
            Change::Stock(item, some, at) => {
                let Some(key) = self.items.get(&item).cloned() else { return told(Old::Unknown) };
                if some {
                    self.in_stock(key.clone(), at, now);
                }
                told(Old::Product(key))
            }
            Change::Touched(key) => Heard { ask: true, old: Old::Product(key) },
            Change::CollectionGone(key) => {
                if self.collections.len() < MOST {
                    self.collections.insert(key, now);
                    self.pending = true;
                }
                told(Old::Nothing)
            }
            Change::Stale => Heard { ask: true, old: Old::Nothing },
            Change::Everything => Heard { ask: true, old: Old::Everything },
        }
    }

    /// Stock says less than the product's own news, which it completes where that is older.
    fn in_stock(&mut self, key: ProductKey, at: Timestamp, now: Timestamp) {
        match self.products.get_mut(&key) {
            Some((heard, Told::Is(news))) if news.at <= at => {
                news.available = Some(true);
                *heard = now;
                self.pending = true;
            }
            Some((_, Told::Is(_) | Told::Gone(_))) => {}
            Some((_, Told::InStock(_))) | None => self.note(key, Told::InStock(at), now),
        }
    }

    fn note(&mut self, key: ProductKey, told: Told, now: Timestamp) {
        if let Some((_, before)) = self.products.get(&key)
            && before.at() > told.at()
        {
            return;
        }
        self.pending = true;
        if self.products.insert(key.clone(), (now, told)).is_none() {
            self.heard.push_back(key);
        }
        while self.products.len() > MOST {
            let Some(oldest) = self.heard.pop_front() else { break };
            self.products.remove(&oldest);
        }
    }

    /// Forgets what a crawl that began at this moment has seen for itself.
    pub(super) fn forget_before(&mut self, begun: Timestamp) {
        self.products.retain(|_, (heard, _)| *heard >= begun);
        self.collections.retain(|_, heard| *heard >= begun);
        let Self { heard, products, .. } = self;
        heard.retain(|key| products.contains_key(key));
    }

    /// Whether there is anything to put into a snapshot.
    pub(super) fn is_empty(&self) -> bool {
        self.products.is_empty() && self.collections.is_empty()
    }

    /// The products of a snapshot with the news in it.
    pub(super) fn applied(&self, index: &Index) -> Vec<CatalogueProduct> {
        let currency = index.products().iter().find_map(|product| product.price).map(|price| price.currency);
        let gone: HashSet<&CollectionKey> = self.collections.keys().collect();
        let mut left: HashMap<&ProductKey, &Told> = self.products.iter().map(|(key, (_, told))| (key, told)).collect();
        let mut products = Vec::with_capacity(index.len() + 1);
        for product in index.products() {
            let mut product = product.clone();
            if !gone.is_empty() {
                product.collections.retain(|collection| !gone.contains(collection));
            }
            match left.remove(&product.key) {
                Some(Told::Gone(_)) => continue,
                Some(Told::Is(news)) => renew(&mut product, news, currency),
                Some(Told::InStock(_)) => product.available = true,
                None => {}
            }
            products.push(product);
        }
        let news = left.into_values().filter_map(|told| if let Told::Is(news) = told { Some(news) } else { None });
        products.extend(news.filter_map(|news| fresh(news, currency)));
        products
    }
}

/// Writes what was said over what was known.
fn renew(product: &mut CatalogueProduct, news: &ProductNews, currency: Option<Currency>) {
    macro_rules! take {
        ($($field:ident),*) => { $(if let Some(said) = &news.$field { product.$field = said.clone(); })* };
    }
    take!(handle, title, text, category, vendor, tags, variants, available);
    product.created = news.created.or(product.created);
    let currency = news.currency.or(product.price.map(|price| price.currency)).or(currency);
    product.price = price(news, currency).or(product.price);
}

/// A product that the last crawl has not seen; `None` where too little is said of it.
fn fresh(news: &ProductNews, currency: Option<Currency>) -> Option<CatalogueProduct> {
    let mut product = CatalogueProduct {
        key: news.key.clone(),
        handle: news.handle.clone()?,
        title: news.title.clone()?,
        text: "".into(),
        category: "".into(),
        vendor: "".into(),
        tags: Vec::new(),
        price: None,
        available: true,
        collections: Vec::new(),
        variants: Vec::new(),
        created: None,
    };
    renew(&mut product, news, currency);
    Some(product)
}

fn price(news: &ProductNews, currency: Option<Currency>) -> Option<Money> {
    Money::parse(news.price.as_deref()?, currency?).filter(|price| price.minor >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn news(key: &str, second: i64, title: &str) -> Change {
        let mut news = ProductNews::of(ProductKey::new(key), at(second));
        news.handle = Some(key.into());
        news.title = Some(title.into());
        news.price = Some("12.50".to_owned());
        news.items = vec![format!("item of {key}")];
        news.available = Some(false);
        Change::Product(Box::new(news))
    }

    fn index() -> Index {
        let line = |key: &str| {
            let text = format!(
                r#"{{"key":"{key}","handle":"{key}","title":"Before","category":"Hats","collections":["c1","c2"],
                "price":{{"minor":100,"currency":"EUR"}}}}"#
            );
            serde_json::from_str::<CatalogueProduct>(&text).unwrap()
        };
        Index::build(["a", "b"].map(line))
    }

    fn titles(changes: &Changes) -> Vec<(String, String, bool)> {
        let products = Index::build(changes.applied(&index()));
        let told = |product: &CatalogueProduct| (product.key.to_string(), product.title.to_string(), product.available);
        products.products().iter().map(told).collect()
    }

    fn row(key: &str, title: &str, available: bool) -> (String, String, bool) {
        (key.to_owned(), title.to_owned(), available)
    }

    #[test]
    fn the_later_news_counts_whichever_comes_first_and_what_it_does_not_say_stays() {
        let mut changes = Changes::default();
        changes.hear(news("a", 20, "Later"), at(100));
        changes.hear(news("a", 10, "Earlier"), at(101));
        changes.hear(news("new", 5, "New"), at(102));
        changes.hear(Change::Gone(ProductKey::new("b"), at(5)), at(103));
        changes.hear(news("b", 4, "Not any more"), at(104));
        assert_eq!(titles(&changes), [row("a", "Later", false), row("new", "New", false)]);
        let products = changes.applied(&index());
        let kept = products.iter().find(|product| product.key.as_str() == "a").unwrap();
        assert_eq!((&*kept.category, kept.collections.len()), ("Hats", 2));
        assert_eq!(kept.price.map(|price| price.amount()).as_deref(), Some("12.50"));
    }

    #[test]
    fn stock_of_a_known_item_makes_its_product_available_again() {
        let mut changes = Changes::default();
        let stock = |some, second| Change::Stock("item of a".to_owned(), some, at(second));
        assert_eq!(changes.hear(stock(true, 9), at(99)).old, Old::Unknown);
        assert!(changes.is_empty(), "nobody has told yet whose item it is");
        changes.hear(news("a", 10, "A"), at(100));
        changes.hear(stock(true, 9), at(101));
        assert_eq!(titles(&changes)[0], row("a", "A", false));
        changes.hear(stock(true, 11), at(102));
        assert_eq!(titles(&changes)[0], row("a", "A", true));
        let none = changes.hear(stock(false, 12), at(103));
        assert_eq!(none, Heard { ask: false, old: Old::Product(ProductKey::new("a")) });
        assert_eq!(titles(&changes)[0], row("a", "A", true), "that one place has none says nothing of others");
    }

    #[test]
    fn a_crawl_forgets_what_was_heard_before_it_began_and_nothing_after() {
        let mut changes = Changes::default();
        changes.hear(news("a", 10, "Before the crawl"), at(100));
        changes.hear(news("b", 11, "During the crawl"), at(200));
        changes.hear(Change::CollectionGone(CollectionKey::new("c1")), at(201));
        changes.forget_before(at(150));
        assert_eq!(titles(&changes), [row("a", "Before", true), row("b", "During the crawl", false)]);
        assert!(changes.applied(&index()).iter().all(|product| product.collections.len() == 1));
        assert!(changes.hear(Change::Stale, at(202)).ask);
    }

    #[test]
    fn news_of_endless_products_is_bounded() {
        let mut changes = Changes::default();
        for n in 0..=MOST {
            changes.hear(Change::Gone(ProductKey::new(format!("p{n}")), at(1)), at(2));
        }
        assert_eq!(changes.products.len(), MOST);
        assert!(!changes.products.contains_key("p0"));
    }
}
