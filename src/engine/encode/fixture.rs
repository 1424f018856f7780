//! Small models of fresh weights, in memory.

use super::matched::Matched;
use crate::catalogue::Index;
use crate::features::{Attributes, Sequence, Vocabulary};
use crate::model::{ModelConfig, Served, Transformer, Weights, checkpoint};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Writes a version of fresh weights that knows these products.
pub(in crate::engine) fn write(folder: &Path, keys: &[&str], seed: u64) {
    let vocabulary = Vocabulary::new(keys.iter().copied()).unwrap();
    let config = ModelConfig { width: 16, max_length: 20, ..ModelConfig::small(vocabulary.rows()) };
    let mut weights = Weights::fresh(seed);
    Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
    // Larger than they begin, so that sessions differ by more than rounding.
    let tensors = weights
        .variables()
        .iter()
        .map(|(name, w)| (name.clone(), (w.as_tensor() * if name == "items" { 20.0 } else { 1.0 }).unwrap()))
        .collect();
    let attributes = Attributes::default();
    let content = checkpoint::Content {
        config: &config,
        vocabulary: &vocabulary,
        attributes: &attributes,
        tensors: &tensors,
        facts: BTreeMap::new(),
    };
    checkpoint::write(folder, content).unwrap();
}

/// A model that knows these products.
pub(in crate::engine) fn served(name: &str, keys: &[&str], seed: u64) -> Arc<Served> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), keys, seed);
    Arc::new(Served::open(name, folder.path()).unwrap())
}

/// A model over an empty catalogue.
pub(super) fn matched() -> Arc<Matched> {
    Arc::new(Matched::new(served("shop/1", &["a", "b", "c", "d"], 1), Arc::new(Index::default())).unwrap())
}

/// One of a few sessions.
pub(super) fn session(n: usize) -> Sequence {
    let rows: Vec<u32> = (0..n % 7 + 1).map(|at| ((n + at) % 4 + 1) as u32).collect();
    Sequence::of_rows(&rows, 20)
}
