//! What the transformer costs where it is served: a session to a vector, a vector to the fifty best products. The targets
//! are for one core: 0.15 ms for 10 events and 0.4 ms for 50 at width 64, 2 ms for 32 sessions of 10; 0.05, 0.4 and 6 ms for
//! 12,000, 100,000 and 1,000,000 products.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)] // criterion's macros document nothing; a model that cannot be made is a bug here.

use candle_core::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use outfitter::features::{Attributes, Sequence, Vocabulary};
use outfitter::model::{Graph, ItemMatrix, ModelConfig, Served, Transformer, Weights, checkpoint};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const ITEMS: u32 = 12_000;

fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = Vocabulary::new((0..ITEMS).map(|item| format!("gid://shopify/Product/{item:06}"))).unwrap();
    let config = ModelConfig::small(vocabulary.rows());
    let mut weights = Weights::fresh(1);
    Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
    let tensors = weights.variables().iter().map(|(name, weight)| (name.clone(), weight.as_tensor().clone())).collect();
    let attributes = Attributes::default();
    let facts = BTreeMap::new();
    let content = checkpoint::Content {
        config: &config,
        vocabulary: &vocabulary,
        attributes: &attributes,
        tensors: &tensors,
        facts,
    };
    checkpoint::write(folder.path(), content).unwrap();
    Served::open("bench/1", folder.path()).unwrap()
}

fn session(random: &mut ChaCha8Rng, events: usize) -> Sequence {
    let rows: Vec<u32> = (0..events).map(|_| random.random_range(1..ITEMS)).collect();
    Sequence::of_rows(&rows, events)
}

fn encode(criterion: &mut Criterion) {
    let (served, mut random) = (served(), ChaCha8Rng::seed_from_u64(1));
    let mut group = criterion.benchmark_group("encode");
    for events in [10, 50] {
        let one = session(&mut random, events);
        group.bench_function(format!("one session of {events}"), |bench| {
            bench.iter(|| served.encode(black_box(&[&one])).unwrap());
        });
    }
    let many: Vec<Sequence> = (0..32).map(|_| session(&mut random, 10)).collect();
    let many: Vec<&Sequence> = many.iter().collect();
    group.bench_function("32 sessions of 10", |bench| bench.iter(|| served.encode(black_box(&many)).unwrap()));
    group.finish();
}

fn top(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("top 50");
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for items in [12_000, 100_000, 1_000_000] {
        let numbers: Vec<f32> = (0..items * 64).map(|_| random.random::<f32>() - 0.5).collect();
        let matrix = ItemMatrix::new(&Tensor::from_vec(numbers, (items, 64), &Device::Cpu).unwrap()).unwrap();
        let vector: Vec<f32> = (0..64).map(|_| random.random::<f32>() - 0.5).collect();
        group.bench_function(format!("of {items}"), |bench| {
            bench.iter(|| matrix.top(black_box(&vector), 50, |_| true).unwrap());
        });
    }
    group.finish();
}

/// About normally distributed.
fn number(random: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
}

/// The same by a graph, where `GRAPH` says of how many: building it takes minutes for a million. Items are of forty categories
/// with groups of two hundred in them, some longer than others; sessions point near to groups. What it finds of the exact
/// twenty is printed.
fn graph(criterion: &mut Criterion) {
    let Some(items) = std::env::var("GRAPH").ok().and_then(|text| text.parse::<usize>().ok()) else { return };
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut near = |middle: Option<&[f32]>, length: f32| -> Vec<f32> {
        let spread = if middle.is_some() { 0.7 } else { 1.0 };
        (0..64).map(|at| length * (middle.map_or(0.0, |middle| middle[at]) + spread * number(&mut random))).collect()
    };
    let categories: Vec<Vec<f32>> = (0..40).map(|_| near(None, 1.0)).collect();
    let groups: Vec<Vec<f32>> =
        (0..items.div_ceil(200)).map(|group| near(Some(&categories[group % 40]), 1.0)).collect();
    let mut targets = vec![0.0; 64];
    (0..items)
        .for_each(|item| targets.extend(near(Some(&groups[item % groups.len()]), 0.6 + (item % 9) as f32 / 10.0)));
    let sessions: Vec<Vec<f32>> = (0..200).map(|at| near(Some(&groups[at * 7919 % groups.len()]), 1.0)).collect();
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let began = Instant::now();
    let graph = Graph::build(&targets, 64, threads).unwrap();
    println!("graph of {items}: built in {:.0} s by {threads} threads", began.elapsed().as_secs_f64());
    let matrix = ItemMatrix::new(&Tensor::from_vec(targets, (items + 1, 64), &Device::Cpu).unwrap()).unwrap();
    let found = |session: &Vec<f32>| {
        let best = matrix.top(session, 20, |_| true).unwrap();
        let found = graph.nearest(session).unwrap();
        best.iter().filter(|one| found.contains(&one.row)).count()
    };
    let recall = sessions.iter().map(found).sum::<usize>() as f64 / (20 * sessions.len()) as f64;
    println!("graph of {items}: recall@20 {recall:.4}");
    let mut next = sessions.iter().cycle();
    criterion.bench_function(&format!("graph of {items}"), |bench| {
        bench.iter(|| graph.nearest(black_box(next.next().unwrap())).unwrap());
    });
}

criterion_group!(benches, encode, top, graph);
criterion_main!(benches);
