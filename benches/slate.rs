//! What a slate costs: eight products from ten thousand, after a hundred thousand events. The target is a millisecond.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)] // criterion's macros document nothing; a world that fails to build is a bug here.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use outfitter::catalogue::{Catalogue, Index};
use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::consent::{Consent, Purpose};
use outfitter::domain::event::{Event, EventType, Line};
use outfitter::domain::ids::{EventId, ProductKey, ShopperKey};
use outfitter::domain::market::Market;
use outfitter::domain::product::CatalogueProduct;
use outfitter::domain::slate::Intent;
use outfitter::engine::{Config, Context, Engine, RankRequest, SlateRequest, Slated, settle};
use outfitter::store::{DecisionLog, LogConfig, ShopperState};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;

const PRODUCTS: usize = 10_000;
const EVENTS: usize = 100_000;
const START: i64 = 1_767_268_800;

fn key(product: usize) -> ProductKey {
    ProductKey::new(format!("gid://shopify/Product/{product:06}"))
}

fn products(random: &mut ChaCha8Rng) -> Vec<CatalogueProduct> {
    let mut word = |of: usize| format!("word{}", (random.random::<f64>().powi(3) * of as f64) as usize);
    (0..PRODUCTS)
        .map(|n| {
            let text: Vec<String> = (0..40).map(|_| word(8_000)).collect();
            serde_json::from_value(serde_json::json!({
                "key": key(n).as_str(),
                "handle": format!("product-{n}"),
                "title": format!("{} {} {n}", word(2_000), word(2_000)),
                "text": text.join(" "),
                "category": format!("category {}", n % 40),
                "vendor": format!("vendor {}", n % 170),
                "tags": [word(300), word(300), word(300)],
                "price": {"minor": 500 + (n * 37) % 40_000, "currency": "EUR"},
            }))
            .unwrap()
        })
        .collect()
}

/// Visits of about eight events within two categories, the popular products more often; one in ten ends in an order.
fn history(random: &mut ChaCha8Rng) -> Vec<(ShopperKey, Event)> {
    let mut events = Vec::with_capacity(EVENTS);
    let mut visit = 0;
    while events.len() < EVENTS {
        visit += 1;
        let who = ShopperKey::new(format!("shopper {}", visit % 5_000));
        let category = random.random_range(0..40);
        for step in 0..8 {
            let at = Timestamp::from_second(START + visit * 200 + step * 20).unwrap();
            let near = (random.random::<f64>().powi(2) * 250.0) as usize * 40 + (category + step as usize / 5) % 40;
            let id = EventId::new(format!("{visit} {step}"));
            let event = match step {
                6 => Event::of_product(id, EventType::ProductAddedToCart, at, key(near)),
                7 if visit % 10 == 0 => {
                    let line = |n| Line { product: key(n), variant: None, quantity: 1, price: None };
                    let lines = vec![line(near), line((near + 41) % PRODUCTS), line((near + 82) % PRODUCTS)];
                    Event { lines, ..Event::bare(id, EventType::CheckoutCompleted, at) }
                }
                _ => Event::of_product(id, EventType::ProductViewed, at, key(near)),
            };
            events.push((who.clone(), event));
        }
    }
    events
}

fn context(history: &[(ShopperKey, Event)]) -> Context {
    let mut state = ShopperState::default();
    history.iter().take(40).for_each(|(_, event)| drop(state.session.insert(event.clone())));
    let now = history.last().map(|(_, event)| event.at).unwrap();
    let shopper = Some(ShopperKey::new("shopper"));
    Context { shopper, confirmed: false, consent: Consent::ALL, state, away: false, market: Market::default(), now }
}

fn slates(criterion: &mut Criterion) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let products = products(&mut random);
    let history = history(&mut random);
    let context = context(&history);
    let catalogue = Arc::new(Catalogue::default());
    catalogue.replace(Index::build(products.clone()), context.now);
    let mut config = Config::default();
    // What is kept from a moment ago is not decided.
    config.cache.decisions = std::time::Duration::ZERO;
    config.deadline = std::time::Duration::from_secs(60);
    let engine = Engine::new(config, catalogue.clone());
    let unlogged = Context { consent: Consent::ALL.with(Purpose::Analytics, false), ..context.clone() };
    engine.learn_history(history.iter().map(|(who, event)| (who, event)));

    let mut group = criterion.benchmark_group("slate");
    for intent in [Intent::Related, Intent::Complementary, Intent::ForYou, Intent::Trending, Intent::Popular] {
        let seeds = if intent == Intent::ForYou { Vec::new() } else { vec![key(41)] };
        let request =
            SlateRequest { placement: "bench".into(), intent, seeds, collection: None, exclude: Vec::new(), first: 8 };
        group.bench_function(format!("{intent:?}, 8 of {PRODUCTS}"), |bench| {
            bench.iter(|| {
                futures::executor::block_on(engine.slates(&context, black_box(std::slice::from_ref(&request))))
            });
        });
        group.bench_function(format!("{intent:?}, without its record"), |bench| {
            bench.iter(|| {
                futures::executor::block_on(engine.slates(&unlogged, black_box(std::slice::from_ref(&request))))
            });
        });
    }
    let keys = (0..50).map(|n| key(n * 7)).collect();
    let window = RankRequest { placement: "products".into(), keys, query: None, collection: None };
    group.bench_function("order of a window of 50", |bench| {
        bench.iter(|| futures::executor::block_on(engine.rank(&context, black_box(&window))));
    });
    group.finish();

    log(criterion, &engine, &context);

    let mut group = criterion.benchmark_group("learn");
    group.sample_size(10);
    group.bench_function(format!("history of {EVENTS} events"), |bench| {
        bench.iter_batched(
            || Engine::new(Config::default(), Arc::new(Catalogue::default())),
            |engine| engine.learn_history(history.iter().map(|(who, event)| (who, event))),
            BatchSize::PerIteration,
        );
    });
    group.bench_function(format!("content of {PRODUCTS} products"), |bench| {
        bench.iter(|| Engine::new(Config::default(), catalogue.clone()));
    });
    group.finish();
}

/// A thousand decisions of eight products through the queue into a SQLite file; what one takes there is printed.
fn log(criterion: &mut Criterion, engine: &Engine, context: &Context) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.db");
    let config = LogConfig { file: Some(file.clone()), ..LogConfig::default() };
    let log = runtime.block_on(async { DecisionLog::open(&config).unwrap() });
    let mut written = 0;
    let mut group = criterion.benchmark_group("decision log");
    group.sample_size(10);
    group.bench_function("1,000 decisions into SQLite", |bench| {
        bench.iter_batched(
            || decisions(engine, context, 1_000),
            |records| {
                written += records.len();
                records.into_iter().for_each(|record| log.put(record));
                runtime.block_on(log.flush());
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!("decision log: {} bytes a decision in a file of {bytes}", bytes / written.max(1) as u64);
}

fn decisions(engine: &Engine, context: &Context, many: usize) -> Vec<DecisionRecord> {
    let request = |n: usize| SlateRequest {
        placement: "bench".into(),
        intent: if n.is_multiple_of(2) { Intent::ForYou } else { Intent::Related },
        seeds: if n.is_multiple_of(2) { Vec::new() } else { vec![key(n)] },
        collection: None,
        exclude: Vec::new(),
        first: 8,
    };
    let requests: Vec<SlateRequest> = (0..many).map(request).collect();
    let slates = futures::executor::block_on(engine.slates(context, &requests));
    let record = |slated: Slated| DecisionRecord {
        shopper: context.shopper.clone().unwrap(),
        market: Market::default(),
        slate: settle(&slated.slate, &HashSet::new(), &HashSet::new()),
        inputs: slated.inputs,
        candidates: slated.slate,
        dropped: Vec::new(),
        made: slated.made,
        erased: Vec::new(),
    };
    slates.into_iter().map(record).collect()
}

criterion_group!(benches, slates);
criterion_main!(benches);
