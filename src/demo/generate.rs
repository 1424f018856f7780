//! Makes the catalogue from words and a seed.

use super::config::Config;
use super::market::Market;
use super::product::{
    Catalogue, Collection, FIRST_COLLECTION, FIRST_PRODUCT, Product, ProductOption, VARIANTS_A_PRODUCT, Variant,
};
use super::words::{CATEGORIES, Category, Kind, SERIES};
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// The catalogue of a configuration.
pub(super) fn catalogue(config: &Config) -> Catalogue {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let kinds: Vec<(usize, &'static Kind)> = CATEGORIES
        .iter()
        .enumerate()
        .flat_map(|(category, words)| words.kinds.iter().map(move |kind| (category, kind)))
        .collect();
    let wanted = config.products.clamp(400, 20_000);
    let mut taken = HashSet::new();
    let mut products = Vec::with_capacity(wanted);
    for position in 0..wanted {
        let place = Place { position, kind: position % kinds.len(), nth: position / kinds.len(), now: config.now };
        products.push(product(&mut random, &kinds, &place, &mut taken));
    }
    popularity(&mut random, &mut products, config.behaviour.popularity);
    let collections = collections(&products, config.now);
    Catalogue { products, collections, kinds }
}

/// Where a product stands in the catalogue that is being made.
struct Place {
    position: usize,
    kind: usize,
    /// The how manieth of its kind.
    nth: usize,
    now: Timestamp,
}

fn product(
    random: &mut ChaCha8Rng,
    kinds: &[(usize, &'static Kind)],
    place: &Place,
    taken: &mut HashSet<String>,
) -> Product {
    let (category, kind) = kinds[place.kind];
    let words = CATEGORIES[category];
    let number = FIRST_PRODUCT + place.position as u64;
    // Steps that are coprime to the lengths walk through all names before one comes again.
    let series = SERIES[(place.kind * 7 + place.nth * 13) % SERIES.len()];
    let material = words.materials[(place.nth + place.kind) % words.materials.len()];
    let mut title = format!("{series} {material} {}", kind.noun);
    let mut handle = slug(&title);
    if !taken.insert(handle.clone()) {
        title = format!("{title} No. {}", place.nth + 1);
        handle = slug(&title);
        taken.insert(handle.clone());
    }
    let tier = random.random_range(0..words.vendors.len());
    let vendor = words.vendors[tier];
    let span = (tier as f64 + random.random_range(0.0..1.0)) / words.vendors.len() as f64;
    let (low, high) = (kind.price.0 as f64, kind.price.1 as f64);
    let cents = ((low + (high - low) * span).round() as i64) * 100 - 5;
    let age = SignedDuration::from_hours(random.random_range(24..24 * 720));
    let created = place.now - age;
    let updated = created + SignedDuration::from_secs(random.random_range(0..age.as_secs()));
    let sale = random.random_bool(0.14);
    let options = options(random, words, kind);
    let variants = variants(random, number, &options, cents, sale);
    let published = match random.random_range(0..100) {
        0..5 => [true, false],
        5..9 => [false, true],
        _ => [true, true],
    };
    let text = text(random, words, kind, &title, vendor);
    let tags = tags(words, kind, material, sale, place.now.duration_since(created).as_hours() < 24 * 60);
    Product {
        number,
        index: index(&[(&title, 6), (words.name, 3), (&tags.join(" "), 3), (vendor, 3), (&text, 1)]),
        text,
        tags,
        handle,
        title,
        category,
        kind: place.kind,
        vendor,
        options,
        variants,
        created,
        updated,
        published,
        band: (span * 3.0).clamp(0.0, 2.0) as u8,
        popularity: 0.0,
        pictures: random.random_range(2..5),
    }
}

fn text(random: &mut ChaCha8Rng, words: &Category, kind: &Kind, title: &str, vendor: &str) -> String {
    let detail = words.details[random.random_range(0..words.details.len())];
    let opening = ["Made for", "A companion for", "For", "Thought out for"][random.random_range(0..4)];
    format!("{opening} {}. {detail} The {title} comes from {vendor}.", kind.purpose)
}

fn tags(words: &Category, kind: &Kind, material: &str, sale: bool, new: bool) -> Vec<String> {
    let mut tags = vec![words.handle.to_owned(), kind.tag.to_owned(), kind.season.tag().to_owned(), slug(material)];
    if sale {
        tags.push("sale".to_owned());
    }
    if new {
        tags.push("new".to_owned());
    }
    tags.sort();
    tags.dedup();
    tags
}

/// Each word once, with its highest weight.
fn index(texts: &[(&str, u32)]) -> Vec<(String, u32)> {
    let mut index: Vec<(String, u32)> = Vec::new();
    for (text, weight) in texts {
        for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 1) {
            let word = word.to_lowercase();
            if !index.iter().any(|(own, _)| *own == word) {
                index.push((word, *weight));
            }
        }
    }
    index
}

fn options(random: &mut ChaCha8Rng, words: &Category, kind: &Kind) -> Vec<ProductOption> {
    let mut options = Vec::new();
    if let Some((name, values)) = kind.size.option() {
        options.push(ProductOption { name, values: values.iter().map(|value| (*value, None)).collect() });
    }
    if words.colors.len() > 1 && random.random_bool(0.8) {
        let many = random.random_range(2..=words.colors.len().min(4));
        let first = random.random_range(0..words.colors.len());
        let color = |at: usize| words.colors[(first + at) % words.colors.len()];
        let values = (0..many).map(color).map(|(name, rgb)| (name, Some(rgb))).collect();
        options.push(ProductOption { name: "Color", values });
    }
    if options.is_empty() {
        options.push(ProductOption { name: "Title", values: vec![("Default Title", None)] });
    }
    options
}

fn variants(random: &mut ChaCha8Rng, product: u64, options: &[ProductOption], cents: i64, sale: bool) -> Vec<Variant> {
    let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
    for option in options {
        let longer = |choice: Vec<usize>| {
            (0..option.values.len()).map(move |value| choice.iter().copied().chain([value]).collect())
        };
        choices = choices.into_iter().flat_map(longer).collect();
    }
    let sold_out = random.random_bool(0.05);
    let rate = random.random_range(70..90);
    let sized = matches!(options[0].name, "Volume" | "Capacity") || options[0].values[0].0 == "Single";
    let mut variants = Vec::with_capacity(choices.len());
    for choice in choices {
        // A combination in twenty is not made, but the first always is.
        if !variants.is_empty() && random.random_bool(0.05) {
            continue;
        }
        let larger = if sized { choice[0] as i64 * cents * 3 / 10 / 100 * 100 } else { 0 };
        let full = cents + larger;
        let now = if sale { full * rate / 100 / 100 * 100 + 95 } else { full };
        let number = product * VARIANTS_A_PRODUCT + variants.len() as u64;
        let mut stock = || if sold_out || random.random_bool(0.12) { 0 } else { random.random_range(1..60) };
        variants.push(Variant {
            number,
            choice,
            sku: format!("OF-{product}-{:02}", variants.len() + 1),
            price: Market::ALL.map(|market| market.price(now)),
            was: sale.then(|| Market::ALL.map(|market| market.price(full))),
            stock: [stock(), stock()],
        });
    }
    variants
}

/// Weights by a power law over a random order, so that fame has nothing to do with the number.
fn popularity(random: &mut ChaCha8Rng, products: &mut [Product], exponent: f64) {
    let mut order: Vec<usize> = (0..products.len()).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.random_range(0..=last));
    }
    for (rank, position) in order.into_iter().enumerate() {
        products[position].popularity = 1.0 / (rank as f64 + 4.0).powf(exponent.clamp(0.0, 3.0));
    }
}

/// Handle, title, German title and text of the collections that are no category, and whether lists leave them out.
const CURATED: [(&str, &str, &str, &str, bool); 9] = [
    ("frontpage", "Home page", "Startseite", "What the shop window shows.", false),
    ("new-arrivals", "New arrivals", "Neu eingetroffen", "The latest sixty days.", false),
    ("sale", "Sale", "Reduziert", "Good things for less.", false),
    ("best-sellers", "Best sellers", "Bestseller", "What most people take home.", false),
    ("summer-edit", "Summer edit", "Sommer", "Light, shade and cold water.", false),
    ("winter-edit", "Winter edit", "Winter", "Wool, down and candlelight.", false),
    ("gifts", "Gifts under 50", "Geschenke", "Small parcels.", false),
    ("hidden-homepage-featured-items", "Featured items", "Ausgewählt", "Three to look at first.", true),
    ("hidden-homepage-carousel", "Carousel", "Karussell", "A dozen to scroll through.", true),
];

fn collections(products: &[Product], now: Timestamp) -> Vec<Collection> {
    let mut by_fame: Vec<usize> = (0..products.len()).collect();
    by_fame.sort_by(|a, b| products[*b].popularity.total_cmp(&products[*a].popularity));
    let that = |keep: &dyn Fn(&Product) -> bool| -> Vec<usize> {
        by_fame.iter().copied().filter(|at| keep(&products[*at])).collect()
    };
    let tagged = |tag: &str| that(&|product| product.tags.iter().any(|own| own == tag));
    let everywhere = that(&|product| Market::ALL.iter().all(|market| product.available(*market)));
    let mut newest = tagged("new");
    newest.sort_by_key(|at| std::cmp::Reverse(products[*at].created));
    let category = |(at, words): (usize, &&'static Category)| {
        (words.handle, words.name, words.german, words.blurb, false, that(&|product| product.category == at))
    };
    let curated = CURATED.into_iter().map(|(handle, title, german, text, hidden)| {
        let members = match handle {
            "new-arrivals" => newest.clone(),
            "sale" => tagged("sale"),
            "best-sellers" => by_fame.iter().copied().take(60).collect(),
            "summer-edit" => tagged("summer"),
            "winter-edit" => tagged("winter"),
            "gifts" => that(&|product| product.prices(Market::Us).1 < 5_000),
            "hidden-homepage-featured-items" => everywhere.iter().copied().take(3).collect(),
            "hidden-homepage-carousel" => everywhere.iter().copied().skip(3).take(12).collect(),
            _ => everywhere.iter().copied().step_by(5).take(24).collect(),
        };
        (handle, title, german, text, hidden, members)
    });
    let all = CATEGORIES.iter().enumerate().map(category).chain(curated);
    let one = |(at, (handle, title, german, text, hidden, members)): (usize, (_, _, _, _, _, Vec<usize>))| Collection {
        number: FIRST_COLLECTION + at as u64,
        handle,
        title,
        german,
        text,
        members,
        updated: now - SignedDuration::from_hours(24 + 5 * at as i64),
        hidden,
    };
    all.enumerate().map(one).collect()
}

/// A handle: lower-case letters and digits with single dashes between.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'é' | 'è' => slug.push('e'),
            '\'' | '.' => {}
            _ if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_catalogue_and_another_seed_another() {
        let config = Config::default();
        let (one, two) = (catalogue(&config), catalogue(&config));
        assert_eq!(format!("{:?}", one.products), format!("{:?}", two.products));
        let other = catalogue(&Config { seed: 2, ..config });
        assert_ne!(format!("{:?}", one.products), format!("{:?}", other.products));
    }

    #[test]
    fn every_product_has_its_own_title_and_handle_and_sane_variants() {
        let catalogue = catalogue(&Config::default());
        assert!(catalogue.products.len() >= 400);
        let handles: HashSet<&str> = catalogue.products.iter().map(|product| product.handle.as_str()).collect();
        let titles: HashSet<&str> = catalogue.products.iter().map(|product| product.title.as_str()).collect();
        assert_eq!((handles.len(), titles.len()), (catalogue.products.len(), catalogue.products.len()));
        for product in &catalogue.products {
            assert!(!product.variants.is_empty() && product.variants.len() < VARIANTS_A_PRODUCT as usize);
            assert!(product.updated >= product.created && product.published.contains(&true));
            for variant in &product.variants {
                assert!(variant.price.iter().all(|price| *price > 0), "{}", product.title);
                for (price, was) in variant.price.iter().zip(variant.was.unwrap_or(variant.price)) {
                    assert!(*price <= was, "{} costs {price} and was {was}", product.title);
                }
                assert_eq!(catalogue.variant(variant.number).map(|(found, _)| found.number), Some(product.number));
            }
        }
    }

    #[test]
    fn each_market_misses_some_products_and_has_some_sold_out() {
        let catalogue = catalogue(&Config::default());
        for market in Market::ALL {
            let sold = catalogue.products.iter().filter(|product| product.sold_in(market)).count();
            let available = catalogue.products.iter().filter(|product| product.available(market)).count();
            assert!(sold < catalogue.products.len() && sold > 400 && available < sold);
        }
        for collection in &catalogue.collections {
            assert!(collection.members.len() >= 3, "{} is nearly empty", collection.handle);
        }
    }
}
