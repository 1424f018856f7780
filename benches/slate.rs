//! What a slate costs: eight products from ten thousand, after a hundred thousand events. The target is a millisecond.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)] // criterion's macros document nothing; a world that fails to build is a bug here.

mod world;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use outfitter::catalogue::{Catalogue, Index};
use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::consent::{Consent, Purpose};
use outfitter::domain::event::Event;
use outfitter::domain::ids::ShopperKey;
use outfitter::domain::market::Market;
use outfitter::domain::slate::Intent;
use outfitter::engine::{Config, Context, Engine, RankRequest, SlateRequest, Slated, settle};
use outfitter::store::{DecisionLog, LogConfig, ShopperState};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;
use world::{history, key, products};

const PRODUCTS: usize = 10_000;
const EVENTS: usize = 100_000;

fn context(history: &[(ShopperKey, Event)]) -> Context {
    let mut state = ShopperState::default();
    history.iter().take(40).for_each(|(_, event)| drop(state.session.insert(event.clone())));
    let now = history.last().map(|(_, event)| event.at).unwrap();
    let shopper = Some(ShopperKey::new("shopper"));
    Context { shopper, confirmed: false, consent: Consent::ALL, state, away: false, market: Market::default(), now }
}

fn slates(criterion: &mut Criterion) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let products = products(&mut random, PRODUCTS);
    let history = history(&mut random, PRODUCTS, EVENTS);
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
