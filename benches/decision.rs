//! A whole decision under load: from a shopper's context to a slate of eight, settled and handed to the decision log, at a
//! thousand a second on two threads, with a model of width 64 and rules. The target is 3 ms for 99 of 100.
//!
//! Load is open: requests come at random moments (exponential gaps) whether or not those before are answered, and each is timed
//! from the moment at which it was due. Every request is another shopper's, with a session that nobody has read before, so
//! nothing that is kept answers it. Half ask FOR_YOU, the others RELATED and COMPLEMENTARY.
//!
//! Before it the same decisions are made one after the other, by intent.
//!
//! `cargo bench --bench decision`, with `-- 10000 100000` for the sizes of catalogues; `SECONDS` and `RATE` set the load.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)] // it prints what it measured; a world that fails to build is a bug here.

mod world;

use jiff::Timestamp;
use outfitter::catalogue::{Catalogue, Index};
use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::consent::Consent;
use outfitter::domain::event::{Event, EventType};
use outfitter::domain::ids::{EventId, ShopperKey};
use outfitter::domain::market::Market;
use outfitter::domain::slate::{Intent, ServedBy};
use outfitter::engine::{Config, Context, Engine, SlateRequest, settle};
use outfitter::features::{Attributes, Vocabulary};
use outfitter::model::{ModelConfig, Served, Transformer, Weights, checkpoint};
use outfitter::store::{DecisionLog, LogConfig, ShopperState};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: usize = 100_000;
/// A block, boosts and pins, as a merchandiser would write them.
const SETTINGS: &str = r#"
cache = { decisions = "0s" }
rules = [
    { products = { tag = "word7" }, action = "block" },
    { products = { vendor = "vendor 3" }, action = { boost = 1.3 } },
    { products = { category = "category 5" }, action = { boost = 0.7 } },
    { products = { keys = ["gid://shopify/Product/000012"] }, action = { pin = 3 } },
    { placements = ["other"], products = { tag = "word2" }, action = { boost = 0.5 } },
]
"#;

fn model(products: usize) -> Arc<Served> {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = Vocabulary::new((0..products).map(|n| world::key(n).as_str().to_owned())).unwrap();
    let config = ModelConfig::small(vocabulary.rows());
    let mut weights = Weights::fresh(1);
    Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
    let tensors = weights.variables().iter().map(|(name, weight)| (name.clone(), weight.as_tensor().clone())).collect();
    let attributes = Attributes::default();
    let content = checkpoint::Content {
        config: &config,
        vocabulary: &vocabulary,
        attributes: &attributes,
        tensors: &tensors,
        facts: BTreeMap::new(),
    };
    checkpoint::write(folder.path(), content).unwrap();
    Arc::new(Served::open("bench/1", folder.path()).unwrap())
}

fn engine(random: &mut ChaCha8Rng, products: usize) -> Engine {
    let catalogue = Arc::new(Catalogue::default());
    catalogue.replace(Index::build(world::products(random, products)), Timestamp::now());
    let config: Config = toml::from_str(SETTINGS).unwrap();
    let engine = Engine::new(config, catalogue);
    let history = world::history(random, products, EVENTS);
    engine.learn_history(history.iter().map(|(who, event)| (who, event)));
    engine.serve(Some(model(products))).unwrap();
    engine
}

/// A shopper with a session of 2 to 40 views.
fn context(random: &mut ChaCha8Rng, number: usize, products: usize, now: Timestamp) -> Context {
    let mut state = ShopperState::default();
    let length = random.random_range(2..=40_i64);
    let category = random.random_range(0..world::CATEGORIES);
    for at in 0..length {
        let product = (random.random::<f64>().powi(2) * (products / world::CATEGORIES) as f64) as usize;
        let key = world::key(product * world::CATEGORIES + category);
        let moment = now - Duration::from_secs(20 * (length - at).unsigned_abs());
        let id = EventId::new(format!("{number} {at}"));
        state.session.insert(Event::of_product(id, EventType::ProductViewed, moment, key));
    }
    let shopper = Some(ShopperKey::new(format!("shopper of the bench {number}")));
    Context { shopper, confirmed: false, consent: Consent::ALL, state, away: false, market: Market::default(), now }
}

fn request(number: usize, products: usize) -> SlateRequest {
    let intent = [Intent::ForYou, Intent::Related, Intent::ForYou, Intent::Complementary][number % 4];
    let seeds = if intent == Intent::ForYou { Vec::new() } else { vec![world::key(number * 7 % products)] };
    SlateRequest { placement: "home".into(), intent, seeds, collection: None, exclude: Vec::new(), first: 8 }
}

/// Decides, settles and logs; by whom it was served.
async fn decide(engine: &Engine, log: &DecisionLog, context: Context, request: SlateRequest) -> ServedBy {
    let slated = engine.slates(&context, &[request]).await.remove(0);
    let slate = settle(&slated.slate, &HashSet::new(), &HashSet::new());
    assert_eq!(slate.items.len(), 8);
    let served_by = slate.decision.served_by;
    log.put(DecisionRecord {
        shopper: context.shopper.unwrap(),
        market: context.market,
        slate,
        inputs: slated.inputs,
        candidates: slated.slate,
        dropped: Vec::new(),
        made: slated.made,
        erased: Vec::new(),
    });
    served_by
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn measure(products: usize) {
    let (rate, seconds) = (setting("RATE", 1_000.0), setting("SECONDS", 20.0));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let engine = Arc::new(engine(&mut random, products));
    let now = Timestamp::now();
    let count = (rate * seconds) as usize;
    let warm = count / 10;
    let asked: Vec<(Context, SlateRequest)> = (0..count + warm)
        .map(|number| (context(&mut random, number, products, now), request(number, products)))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig { file: Some(folder.path().join("decisions.db")), ..LogConfig::default() };
    let log = Arc::new(runtime.block_on(async { DecisionLog::open(&config).unwrap() }));
    let (tell, told) = std::sync::mpsc::channel();
    let mut due = Instant::now();
    for (number, (context, request)) in asked.into_iter().enumerate() {
        due += Duration::from_secs_f64(-(1.0 - random.random::<f64>()).ln() / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let (engine, log, tell) = (engine.clone(), log.clone(), tell.clone());
        runtime.spawn(async move {
            let served_by = decide(&engine, &log, context, request).await;
            if number >= warm {
                tell.send((due.elapsed(), served_by)).unwrap();
            }
        });
    }
    drop(tell);
    let mut took: Vec<(Duration, ServedBy)> = told.iter().collect();
    runtime.block_on(log.flush());
    took.sort_by_key(|(took, _)| *took);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].0.as_secs_f64() * 1e3;
    let by_model = took.iter().filter(|(_, by)| *by == ServedBy::Model).count() as f64 / took.len() as f64;
    println!(
        "decision: {products} products, {rate}/s for {seconds} s: p50 {:.2} ms, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, longest {:.2}; \
         {:.1} % by the model",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
        100.0 * by_model
    );
}

/// The same decisions one after the other, by intent: what they take where nothing else is to be done.
fn alone(products: usize) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let engine = engine(&mut random, products);
    let now = Timestamp::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut took: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for number in 0..4_000 {
        let (context, request) = (context(&mut random, number, products, now), request(number, products));
        let intent = match request.intent {
            Intent::ForYou => "FOR_YOU",
            Intent::Related => "RELATED",
            _ => "COMPLEMENTARY",
        };
        let began = Instant::now();
        let slated = runtime.block_on(engine.slates(&context, &[request])).remove(0);
        if number >= 400 {
            took.entry(intent).or_default().push(began.elapsed().as_secs_f64() * 1e3);
        }
        assert!(slated.slate.items.len() >= 8);
    }
    for (intent, mut took) in took {
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!("alone, {products} products, {intent}: p50 {:.2} ms, p99 {:.2}", at(0.5), at(0.99));
    }
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
    for products in sizes {
        alone(products);
        measure(products);
    }
}
