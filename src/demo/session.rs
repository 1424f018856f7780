//! One shopper's sessions: an intent, views, a cart, sometimes an order.

use super::era::World;
use super::product::Product;
use super::words::CATEGORIES;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{CollectionKey, EventId, OrderKey, ProductKey, VariantKey};
use crate::domain::money::{Currency, Money};
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Tags of the kinds that are used up and bought again.
const CONSUMABLES: [&str; 9] =
    ["soaps", "hand-creams", "shampoos", "conditioners", "face-oils", "lip-balms", "sun-creams", "inks", "notebooks"];
/// After how many days something is used up.
const USED_UP: i64 = 25;
/// The most actions in a session.
const LONGEST: usize = 60;

/// A shopper's way through time.
pub(super) struct Visit<'s> {
    world: &'s World<'s>,
    shopper: usize,
    events: Vec<Event>,
    orders: u64,
    /// Consumables bought, by position, and when.
    bought: Vec<(usize, Timestamp)>,
}

/// What a session holds while it lasts.
struct Basket {
    at: Timestamp,
    /// The month it began in, for the seasons.
    month: i8,
    intent: usize,
    seen: Vec<usize>,
    /// Positions of products with positions of variants.
    cart: Vec<(usize, usize)>,
}

impl<'s> Visit<'s> {
    pub(super) fn new(world: &'s World<'s>, shopper: usize) -> Self {
        Self { world, shopper, events: Vec::new(), orders: 0, bought: Vec::new() }
    }

    /// All events so far, in order.
    pub(super) fn finish(self) -> Vec<Event> {
        self.events
    }

    /// One session from this moment on.
    pub(super) fn session(&mut self, random: &mut ChaCha8Rng, begins: Timestamp) {
        let world = self.world;
        let behaviour = &world.era.config.behaviour;
        let month = begins.to_zoned(jiff::tz::TimeZone::UTC).month();
        let intent = self.intent(random, month);
        let mut basket = Basket { at: begins, month, intent, seen: Vec::new(), cart: Vec::new() };
        self.note(&mut basket, random, EventType::PageViewed, |_| {});
        if random.random_bool(chance(behaviour.restock))
            && let Some(again) = self.used_up(begins)
        {
            self.view(&mut basket, random, again);
            self.add(&mut basket, random, again);
        }
        self.arrive(&mut basket, random);
        let patience = 2 + (random.random_range(0.0_f64..1.0).powi(2) * 14.0) as usize;
        let mut views = 0;
        while views < patience && basket.seen.len() < LONGEST {
            let noise = random.random_bool(chance(behaviour.noise));
            let Some(product) = self.pick(random, &basket, if noise { None } else { Some(basket.intent) }) else {
                break;
            };
            self.view(&mut basket, random, product);
            views += 1;
            // What was met by chance is less often wanted.
            let wanted = if noise { 0.2 } else { 1.0 } * behaviour.add_to_cart;
            if random.random_bool(chance(wanted)) {
                self.add(&mut basket, random, product);
                self.complements(&mut basket, random, product);
            }
            if random.random_bool(chance(behaviour.drift)) {
                basket.intent = self.drift(random, &basket);
                self.arrive(&mut basket, random);
            }
        }
        self.check_out(&mut basket, random);
    }

    /// The kind of product that a session starts for.
    fn intent(&self, random: &mut ChaCha8Rng, month: i8) -> usize {
        let world = self.world;
        let liked = &world.taste.categories;
        let category = if random.random_bool(chance(world.era.config.behaviour.loyalty)) {
            // The first liked category is the dearest.
            liked[(random.random_range(0.0_f64..1.0).powf(1.5) * liked.len() as f64) as usize % liked.len()]
        } else {
            random.random_range(0..CATEGORIES.len())
        };
        let kinds = || world.era.catalogue.kinds.iter().enumerate().filter(|(_, (of, _))| *of == category);
        let weights: Vec<(usize, f64)> = kinds().map(|(kind, _)| (kind, world.season(kind, month))).collect();
        draw(random, &weights).unwrap_or(0)
    }

    /// Another kind: what goes with the present one, or another of its category.
    fn drift(&self, random: &mut ChaCha8Rng, basket: &Basket) -> usize {
        let kinds = &self.world.era.catalogue.kinds;
        let (category, kind) = kinds[basket.intent];
        let related = |(at, (of, other)): (usize, &(usize, &super::words::Kind))| {
            let weight = if kind.with.contains(&other.tag) {
                2.0
            } else if *of == category {
                1.0
            } else {
                0.0
            };
            (at, weight * self.world.season(at, basket.month))
        };
        let weights: Vec<(usize, f64)> = kinds.iter().enumerate().map(related).collect();
        draw(random, &weights).unwrap_or(basket.intent)
    }

    /// How the shopper comes to the products of the intent: by searching, through the collection, or directly.
    fn arrive(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng) {
        let (category, kind) = self.world.era.catalogue.kinds[basket.intent];
        match random.random_range(0..10) {
            0..3 => self.note(basket, random, EventType::SearchSubmitted, |event| {
                event.query = Some(kind.noun.to_lowercase().into());
            }),
            3..7 => {
                let collections = &self.world.era.catalogue.collections;
                let number = collections.iter().find(|it| it.handle == CATEGORIES[category].handle).map(|it| it.number);
                self.note(basket, random, EventType::CollectionViewed, |event| {
                    event.collection =
                        number.map(|number| CollectionKey::new(format!("gid://shopify/Collection/{number}")));
                });
            }
            _ => {}
        }
    }

    /// A product of the kind that this session has not shown yet; of any kind where there is none.
    fn pick(&self, random: &mut ChaCha8Rng, basket: &Basket, kind: Option<usize>) -> Option<usize> {
        let catalogue = self.world.era.catalogue;
        // Products of one kind stand as far apart as there are kinds.
        let own = |kind| (kind..catalogue.products.len()).step_by(catalogue.kinds.len());
        let fresh = kind.into_iter().flat_map(own).filter(|at| !basket.seen.contains(at));
        let weights: Vec<(usize, f64)> = fresh.map(|at| (at, self.world.pull(at, basket.at))).collect();
        match draw(random, &weights) {
            Some(found) => Some(found),
            None => self.world.anything(random, basket.at).filter(|at| !basket.seen.contains(at)),
        }
    }

    fn view(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng, product: usize) {
        basket.seen.push(product);
        let key = self.key(product);
        self.note(basket, random, EventType::ProductViewed, |event| event.product = Some(key));
    }

    fn add(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng, product: usize) {
        let variants = &self.world.era.catalogue.products[product].variants;
        let variant = random.random_range(0..variants.len());
        basket.cart.push((product, variant));
        let (key, number) = (self.key(product), variants[variant].number);
        self.note(basket, random, EventType::ProductAddedToCart, |event| {
            event.product = Some(key);
            event.variant = Some(variant_key(number));
        });
    }

    /// A look at what goes with something in the cart; it is wanted more often than other things.
    fn complements(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng, product: usize) {
        let catalogue = self.world.era.catalogue;
        let with = catalogue.kinds[catalogue.products[product].kind].1.with;
        for tag in with {
            if !random.random_bool(chance(self.world.era.config.behaviour.complements)) {
                break;
            }
            let kind = catalogue.kinds.iter().position(|(_, kind)| kind.tag == *tag);
            let Some(found) = kind.and_then(|kind| self.pick(random, basket, Some(kind))) else { continue };
            self.view(basket, random, found);
            if random.random_bool(0.4) {
                self.add(basket, random, found);
            }
        }
    }

    /// Second thoughts, the cart, and perhaps the order.
    fn check_out(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng) {
        if basket.cart.len() > 1 && random.random_bool(0.12) {
            let (product, variant) = basket.cart.swap_remove(random.random_range(0..basket.cart.len()));
            let (key, number) =
                (self.key(product), self.world.era.catalogue.products[product].variants[variant].number);
            self.note(basket, random, EventType::ProductRemovedFromCart, |event| {
                event.product = Some(key);
                event.variant = Some(variant_key(number));
            });
        }
        if basket.cart.is_empty() {
            return;
        }
        let lines = self.lines(basket, random);
        self.note(basket, random, EventType::CartViewed, |event| event.lines.clone_from(&lines));
        if !random.random_bool(chance(self.world.era.config.behaviour.purchase)) {
            return;
        }
        self.note(basket, random, EventType::CheckoutStarted, |event| event.lines.clone_from(&lines));
        self.orders += 1;
        let order = OrderKey::new(format!("gid://shopify/Order/{}", (self.shopper as u64 + 1) * 1_000 + self.orders));
        self.note(basket, random, EventType::CheckoutCompleted, |event| {
            event.lines = lines;
            event.order = Some(order);
        });
        let kinds = &self.world.era.catalogue.kinds;
        for (product, _) in &basket.cart {
            let kind = kinds[self.world.era.catalogue.products[*product].kind].1;
            if CONSUMABLES.contains(&kind.tag) {
                self.bought.retain(|(other, _)| other != product);
                self.bought.push((*product, basket.at));
            }
        }
    }

    fn lines(&self, basket: &Basket, random: &mut ChaCha8Rng) -> Vec<Line> {
        let market = self.world.taste.market;
        let currency = Currency::parse(market.currency());
        let mut lines: Vec<Line> = Vec::new();
        for (product, variant) in &basket.cart {
            let own: &Product = &self.world.era.catalogue.products[*product];
            let variant = &own.variants[*variant];
            let key = variant_key(variant.number);
            match lines.iter_mut().find(|line| line.variant.as_ref() == Some(&key)) {
                Some(line) => line.quantity += 1,
                None => lines.push(Line {
                    product: self.key(*product),
                    variant: Some(key),
                    quantity: if random.random_bool(0.12) { 2 } else { 1 },
                    price: currency.map(|currency| Money { minor: variant.price[market.index()], currency }),
                }),
            }
        }
        lines
    }

    /// The consumable that was bought longest ago, and long enough.
    fn used_up(&self, now: Timestamp) -> Option<usize> {
        let old = |(_, at): &&(usize, Timestamp)| now.duration_since(*at) > SignedDuration::from_hours(24 * USED_UP);
        self.bought.iter().filter(old).min_by_key(|(_, at)| *at).map(|(product, _)| *product)
    }

    fn key(&self, product: usize) -> ProductKey {
        ProductKey::new(format!("gid://shopify/Product/{}", self.world.era.catalogue.products[product].number))
    }

    /// Writes an event down and lets some seconds pass.
    fn note(&mut self, basket: &mut Basket, random: &mut ChaCha8Rng, kind: EventType, with: impl FnOnce(&mut Event)) {
        let id =
            EventId::new(format!("demo-{}-{}-{}", self.world.era.config.seed, self.shopper + 1, self.events.len() + 1));
        let mut event = Event::bare(id, kind, basket.at);
        with(&mut event);
        self.events.push(event);
        basket.at += SignedDuration::from_secs(random.random_range(4..90));
    }
}

fn variant_key(number: u64) -> VariantKey {
    VariantKey::new(format!("gid://shopify/ProductVariant/{number}"))
}

/// A share as a probability, whatever was configured.
fn chance(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// One of the values, each as likely as its weight; `None` where all weights are zero.
fn draw(random: &mut ChaCha8Rng, weights: &[(usize, f64)]) -> Option<usize> {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mut left = random.random_range(0.0..total);
    for (value, weight) in weights {
        left -= weight;
        if left < 0.0 {
            return Some(*value);
        }
    }
    weights.iter().rev().find(|(_, weight)| *weight > 0.0).map(|(value, _)| *value)
}
