//! A shop of made-up products and a history of visits, as large as a bench asks for.

use jiff::Timestamp;
use outfitter::domain::event::{Event, EventType, Line};
use outfitter::domain::ids::{EventId, ProductKey, ShopperKey};
use outfitter::domain::product::CatalogueProduct;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(crate) const CATEGORIES: usize = 40;
const START: i64 = 1_767_268_800;

pub(crate) fn key(product: usize) -> ProductKey {
    ProductKey::new(format!("gid://shopify/Product/{product:06}"))
}

pub(crate) fn products(random: &mut ChaCha8Rng, count: usize) -> Vec<CatalogueProduct> {
    let mut word = |of: usize| format!("word{}", (random.random::<f64>().powi(3) * of as f64) as usize);
    (0..count)
        .map(|n| {
            let text: Vec<String> = (0..40).map(|_| word(8_000)).collect();
            serde_json::from_value(serde_json::json!({
                "key": key(n).as_str(),
                "handle": format!("product-{n}"),
                "title": format!("{} {} {n}", word(2_000), word(2_000)),
                "text": text.join(" "),
                "category": format!("category {}", n % CATEGORIES),
                "vendor": format!("vendor {}", n % 170),
                "tags": [word(300), word(300), word(300)],
                "price": {"minor": 500 + (n * 37) % 40_000, "currency": "EUR"},
            }))
            .unwrap()
        })
        .collect()
}

/// Visits of about eight events within two categories, the popular products more often; one in ten ends in an order.
pub(crate) fn history(random: &mut ChaCha8Rng, products: usize, count: usize) -> Vec<(ShopperKey, Event)> {
    let mut events = Vec::with_capacity(count);
    let mut visit = 0;
    while events.len() < count {
        visit += 1;
        let who = ShopperKey::new(format!("shopper {}", visit % 5_000));
        let category = random.random_range(0..CATEGORIES);
        for step in 0..8 {
            let at = Timestamp::from_second(START + visit * 200 + step * 20).unwrap();
            let of_category = (products / CATEGORIES) as f64;
            let near = (random.random::<f64>().powi(2) * of_category) as usize * CATEGORIES;
            let near = near + (category + step as usize / 5) % CATEGORIES;
            let id = EventId::new(format!("{visit} {step}"));
            let event = match step {
                6 => Event::of_product(id, EventType::ProductAddedToCart, at, key(near)),
                7 if visit % 10 == 0 => {
                    let line = |n| Line { product: key(n), variant: None, quantity: 1, price: None };
                    let lines = vec![line(near), line((near + 41) % products), line((near + 82) % products)];
                    Event { lines, ..Event::bare(id, EventType::CheckoutCompleted, at) }
                }
                _ => Event::of_product(id, EventType::ProductViewed, at, key(near)),
            };
            events.push((who.clone(), event));
        }
    }
    events
}
