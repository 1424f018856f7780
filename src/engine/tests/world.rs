//! Small shops, shoppers and histories to decide from.

use crate::catalogue::{Catalogue, Index};
use crate::domain::consent::Consent;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{EventId, ProductKey, ShopperKey};
use crate::domain::market::Market;
use crate::domain::product::CatalogueProduct;
use crate::domain::profile::Purchase;
use crate::domain::slate::{Intent, Slate};
use crate::engine::{Config, Context, Engine, SlateRequest, Slated};
use crate::store::ShopperState;
use jiff::Timestamp;
use std::sync::Arc;

/// A moment, in minutes from the start of the world.
pub(in crate::engine) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_268_800 + minute * 60).unwrap()
}

pub(in crate::engine) fn key(text: &str) -> ProductKey {
    ProductKey::new(text)
}

/// A product whose title is its key.
pub(in crate::engine) fn product(key: &str, category: &str) -> CatalogueProduct {
    serde_json::from_value(serde_json::json!({
        "key": key, "handle": key, "title": key, "category": category,
    }))
    .unwrap()
}

/// A shop of `(category, products)`.
pub(in crate::engine) fn shop(products: &[(&str, &[&str])]) -> Vec<CatalogueProduct> {
    let of = |(category, keys): &(&str, &[&str])| keys.iter().map(|key| product(key, category)).collect::<Vec<_>>();
    products.iter().flat_map(of).collect()
}

pub(in crate::engine) fn engine(products: Vec<CatalogueProduct>) -> Engine {
    with_config(Config::default(), products)
}

pub(in crate::engine) fn with_config(config: Config, products: Vec<CatalogueProduct>) -> Engine {
    let catalogue = Arc::new(Catalogue::default());
    catalogue.replace(Index::build(products), at(0));
    Engine::new(config, catalogue)
}

pub(in crate::engine) fn event(kind: EventType, minute: i64, product: &str) -> Event {
    Event::of_product(EventId::new(format!("{minute} {product} {kind:?}")), kind, at(minute), key(product))
}

pub(in crate::engine) fn viewed(minute: i64, product: &str) -> Event {
    event(EventType::ProductViewed, minute, product)
}

pub(in crate::engine) fn ordered(minute: i64, products: &[&str]) -> Event {
    let line = |product: &&str| Line { product: key(product), variant: None, quantity: 1, price: None };
    let bare =
        Event::bare(EventId::new(format!("order {minute} {products:?}")), EventType::CheckoutCompleted, at(minute));
    Event { lines: products.iter().map(line).collect(), ..bare }
}

/// `times` shoppers who each do the same.
pub(in crate::engine) fn learn(engine: &Engine, times: usize, events: &[Event]) {
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    for n in 0..times {
        engine.learn(&ShopperKey::new(format!("{n} of {ids:?}")), events);
    }
}

/// A shopper who allows everything and has done this, at `minute`.
pub(in crate::engine) fn shopper(minute: i64, events: &[Event]) -> Context {
    let mut state = ShopperState::default();
    events.iter().cloned().for_each(|event| drop(state.session.insert(event)));
    Context {
        shopper: Some(ShopperKey::new("shopper")),
        confirmed: false,
        consent: Consent::ALL,
        state,
        away: false,
        market: Market::default(),
        now: at(minute),
    }
}

/// The same shopper, who has also bought this.
pub(in crate::engine) fn with_purchases(mut context: Context, bought: &[(&str, i64, u32)]) -> Context {
    let purchase = |(product, minute, times): &(&str, i64, u32)| Purchase {
        product: key(product),
        last: at(*minute),
        times: *times,
    };
    context.state.profile.bought = Arc::new(bought.iter().map(purchase).collect());
    context
}

pub(in crate::engine) fn request(intent: Intent, seeds: &[&str], first: usize) -> SlateRequest {
    SlateRequest {
        placement: "test".into(),
        intent,
        seeds: seeds.iter().map(|seed| key(seed)).collect(),
        collection: None,
        exclude: Vec::new(),
        first,
    }
}

pub(in crate::engine) fn slated(engine: &Engine, context: &Context, request: &SlateRequest) -> Slated {
    let mut slates = futures::executor::block_on(engine.slates(context, std::slice::from_ref(request)));
    slates.pop().unwrap()
}

pub(in crate::engine) fn slate(
    engine: &Engine,
    context: &Context,
    intent: Intent,
    seeds: &[&str],
    first: usize,
) -> Slate {
    slated(engine, context, &request(intent, seeds, first)).slate
}

pub(in crate::engine) fn keys(slate: &Slate) -> Vec<&str> {
    slate.items.iter().map(|item| item.product.as_str()).collect()
}
