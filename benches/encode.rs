//! What the transformer costs where it is served: a session to a vector, a vector to the fifty best products. The targets
//! are for one core: 0.15 ms for 10 events and 0.4 ms for 50 at width 64, 2 ms for 32 sessions of 10; 0.05, 0.4 and 6 ms for
//! 12,000, 100,000 and 1,000,000 products.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros document nothing; a model that cannot be made is a bug here.

use candle_core::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use outfitter::features::{Attributes, Sequence, Vocabulary};
use outfitter::model::{ItemMatrix, ModelConfig, Served, Transformer, Weights, checkpoint};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

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

criterion_group!(benches, encode, top);
criterion_main!(benches);
