//! What a text costs that nobody has asked for before: parted and added up by the table of the program, and by MiniLM where
//! `MINILM` names its folder.

use criterion::{Criterion, criterion_group, criterion_main};
use outfitter::text::{MiniLm, Precision, shipped};
use std::hint::black_box;
use std::path::Path;

/// Eight word pieces.
const QUERY: &str = "waterproof hiking jacket for rainy days";
/// A product's title and description.
const DESCRIPTION: &str = "Alder Cotton T-Shirt. Heavy cotton, cut straight, with a collar that keeps its shape. Made for \
    warm days and to be worn under a jacket on others; washes at forty degrees.";

fn texts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text");
    if let Some(table) = shipped() {
        group.bench_function("table, a query", |bencher| bencher.iter(|| table.embed(black_box(QUERY))));
        group.bench_function("table, a description", |bencher| bencher.iter(|| table.embed(black_box(DESCRIPTION))));
    }
    if let Some(folder) = std::env::var_os("MINILM") {
        for (name, precision) in [("MiniLM, a query", Precision::F32), ("MiniLM in eight bits, a query", Precision::Q8)]
        {
            match MiniLm::open(Path::new(&folder), precision) {
                Ok(model) => {
                    group.bench_function(name, |bencher| bencher.iter(|| model.embed(black_box(QUERY)).map(black_box)));
                }
                Err(error) => eprintln!("{error}"),
            }
        }
    }
    group.finish();
}

criterion_group!(benches, texts);
criterion_main!(benches);
