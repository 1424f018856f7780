//! What a shopper takes of Redis, by `MEMORY USAGE` over all of their keys, with data as a shop on Shopify has them.

use super::servers::Server;
use super::tests::open;
use super::*;
use crate::domain::audit::InputRead;
use crate::domain::event::{EventType, Line};
use crate::domain::ids::{CollectionKey, EventId, OrderKey, ProductKey, VariantKey};
use crate::domain::money::{Currency, Money};
use crate::domain::slate::{ReasonCode, ServedBy, Slate, SlateItem};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Shoppers of each kind that are measured.
const MEASURED: usize = 20;
/// The words that people search a shop of clothes for.
const WORDS: [&str; 12] =
    ["linen", "dress", "rain", "jacket", "navy", "wool", "kids", "boots", "size 42", "organic", "gift", "sale"];

/// A shop: its products, each with a variant, and collections. Shopify counts up over all shops, so that ids of one shop lie
/// apart, in thirteen and fourteen digits.
struct Catalogue {
    random: ChaCha8Rng,
    products: Vec<(ProductKey, VariantKey)>,
    collections: Vec<CollectionKey>,
}

impl Catalogue {
    fn of(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut id = |kind: &str, from: u64, to: u64| format!("gid://shopify/{kind}/{}", random.random_range(from..to));
        let products = (0..2_000)
            .map(|_| {
                let product = ProductKey::new(id("Product", 6_500_000_000_000, 9_900_000_000_000));
                (product, VariantKey::new(id("ProductVariant", 39_000_000_000_000, 51_000_000_000_000)))
            })
            .collect();
        let collections =
            (0..60).map(|_| CollectionKey::new(id("Collection", 260_000_000_000, 660_000_000_000))).collect();
        Self { random, products, collections }
    }

    /// One of so many products that a shopper cares for, now and then another.
    fn product(&mut self, liked: &[usize]) -> (ProductKey, VariantKey) {
        let nth = match self.random.random_bool(0.8) {
            true => *liked.choose(&mut self.random).unwrap(),
            false => self.random.random_range(0..self.products.len()),
        };
        self.products[nth].clone()
    }

    /// As browsers make it.
    fn uuid(&mut self) -> String {
        let hex = format!("{:032x}", self.random.random::<u128>());
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn liked(&mut self) -> Vec<usize> {
        (0..15).map(|_| self.random.random_range(0..self.products.len())).collect()
    }

    /// What a shopper does, one thing after the other, some in the next visit.
    fn events(&mut self, many: usize, liked: &[usize]) -> Vec<Event> {
        let mut at = 1_795_600_000_000_i64 + self.random.random_range(0..86_400_000);
        let mut all = Vec::with_capacity(many);
        for nth in 0..many {
            at += if nth % 17 == 16 { 80_000_000 } else { 0 } + self.random.random_range(4_000..180_000);
            all.push(self.event(nth, Timestamp::from_millisecond(at).unwrap(), liked));
        }
        all
    }

    fn event(&mut self, nth: usize, at: Timestamp, liked: &[usize]) -> Event {
        let (id, (product, variant)) = (EventId::new(self.uuid()), self.product(liked));
        let of_product = |kind| Event::of_product(id.clone(), kind, at, product.clone());
        match nth % 12 {
            1 => {
                let words: Vec<&str> = (0..2).map(|_| *WORDS.choose(&mut self.random).unwrap()).collect();
                Event { query: Some(words.join(" ").into()), ..Event::bare(id, EventType::SearchSubmitted, at) }
            }
            4 => {
                let collection = self.collections.choose(&mut self.random).cloned();
                Event { collection, ..Event::bare(id, EventType::CollectionViewed, at) }
            }
            6 => Event { variant: Some(variant), ..of_product(EventType::ProductAddedToCart) },
            8 => {
                let decision = Some(DecisionId::new(format!("{:032x}", self.random.random::<u128>())));
                let position = Some(self.random.random_range(1..9));
                Event { decision, position, ..of_product(EventType::RecommendationClicked) }
            }
            11 if nth < 24 => self.order(at, liked),
            _ => of_product(EventType::ProductViewed),
        }
    }

    /// As the webhook tells it.
    fn order(&mut self, at: Timestamp, liked: &[usize]) -> Event {
        let money = |minor| Money { minor, currency: Currency::parse("EUR").unwrap() };
        let order =
            format!("gid://shopify/Order/{}", self.random.random_range(5_000_000_000_000_u64..6_900_000_000_000));
        let mut line = || {
            let (product, variant) = self.product(liked);
            let price = Some(money(self.random.random_range(900..19_900)));
            Line { product, variant: Some(variant), quantity: 1, price }
        };
        let (lines, value) = (vec![line(), line()], Some(money(12_480)));
        let bare = Event::bare(EventId::new(format!("order:{order}")), EventType::CheckoutCompleted, at);
        Event { lines, value, order: Some(OrderKey::new(order)), ..bare }
    }

    /// A decision of a slate of eight, as the gateway takes it down: twenty candidates and what was read of the shopper.
    fn decision(&mut self, who: &ShopperKey, liked: &[usize]) -> DecisionRecord {
        use ReasonCode::{Session, Similar, Trending, ViewedTogether};
        let mut item = |_| {
            let because = (0..2).map(|_| self.product(liked).0).next_back();
            let nth = self.random.random_range(0..self.products.len());
            let reason = *[ViewedTogether, Similar, Session, Trending].choose(&mut self.random).unwrap();
            SlateItem { product: self.products[nth].0.clone(), score: self.random.random(), reason, because }
        };
        let items: Vec<SlateItem> = (0..20).map(&mut item).collect();
        let list = |keys: &mut dyn Iterator<Item = &str>| keys.collect::<Vec<_>>().join(" ");
        let viewed = list(&mut liked.iter().take(12).map(|nth| self.products[*nth].0.as_str()));
        let bought = list(&mut liked.iter().take(3).map(|nth| self.products[*nth].0.as_str()));
        let read = |name: &str, purpose, value: String| InputRead { name: name.into(), purpose, value: value.into() };
        let own = Some(Purpose::Preferences);
        let inputs = [
            read("catalogue.products", None, "2000".to_owned()),
            read("statistics.events", None, self.random.random_range(1_000_000..2_000_000).to_string()),
            read("model", None, "shop/20261120T031500Z".to_owned()),
            read("session.viewed", own, viewed),
            read("session.searched", own, "linen dress, rain jacket".to_owned()),
            read("profile.bought", own, bought),
            read("interests", own, "Dresses, Rain jackets, Boots, Northwind, Fjell".to_owned()),
        ];
        let id = format!("{:032x}", self.random.random::<u128>());
        let mut record = crate::store::contract::decision(who.as_str(), &id);
        let decision = &mut record.slate.decision;
        (decision.decided_at, decision.served_by) = (Timestamp::now(), ServedBy::Model);
        decision.model = Some("shop/20261120T031500Z".into());
        let candidates = Slate { items, wanted: 8, ..record.slate.clone() };
        let slate = Slate { items: candidates.items[..8].to_vec(), ..candidates.clone() };
        DecisionRecord { candidates, slate, inputs: inputs.into(), ..record }
    }
}

/// How many keys the shopper has, and what all of them take.
async fn usage(server: &Server, who: &ShopperKey) -> (usize, u64) {
    let keys: Vec<String> = server.ask(&["KEYS", &format!("outfitter:{{{who}}}:*")]).await;
    let mut sum = 0;
    for key in &keys {
        sum += server.ask::<u64>(&["MEMORY", "USAGE", key, "SAMPLES", "0"]).await;
    }
    (keys.len(), sum)
}

fn told(what: &str, bytes: &[u64]) {
    let (least, most) = (bytes.iter().min().unwrap(), bytes.iter().max().unwrap());
    let mean = bytes.iter().sum::<u64>() / bytes.len() as u64;
    eprintln!("{what} takes {mean} bytes of Redis on the average, {least} to {most} of {}", bytes.len());
}

#[tokio::test]
async fn a_shopper_takes_little_memory() {
    let server = Server::start();
    let store = open(&server.url(), super::tests::patient());
    let mut shop = Catalogue::of(7);
    let (mut quiet, mut active) = (Vec::new(), Vec::new());
    for nth in 0..MEASURED {
        // As the gateway's own keys are.
        let [quietly, actively] = [(); 2].map(|()| ShopperKey::new(hex::encode(shop.random.random::<[u8; 32]>())));
        let liked = shop.liked();
        store.append(&quietly, &shop.events(3, &liked)).await.unwrap();
        // Half of them come with their session's events one by one, and said what they agree to.
        for events in shop.events(50, &liked).chunks(if nth % 2 == 0 { 1 } else { 50 }) {
            store.append(&actively, events).await.unwrap();
        }
        if nth % 2 == 0 {
            store.set_consent(&quietly, Consent::ALL).await.unwrap();
            store.set_consent(&actively, Consent::ALL).await.unwrap();
        }
        for _ in 0..30 {
            store.put(shop.decision(&actively, &liked)).await.unwrap();
        }
        let (of_quiet, of_active) = (usage(&server, &quietly).await, usage(&server, &actively).await);
        assert_eq!((of_quiet.0, of_active.0), (1, 2), "keys");
        quiet.push(of_quiet.1);
        active.push(of_active.1);
    }
    told("a quiet shopper", &quiet);
    told("an active one", &active);
    assert!(quiet.iter().all(|bytes| *bytes <= 500), "three events take {quiet:?} bytes");
    assert!(active.iter().all(|bytes| *bytes <= 4_096), "fifty events and decisions of a day take {active:?} bytes");
}
