//! Small models of fresh weights, in memory.

use super::matched::Matched;
use crate::catalogue::Index;
use crate::engine::tests::world::product;
use crate::features::{Attributes, Sequence, Vocabulary};
use crate::model::drift::{SCORES, Sighting, Snapshot};
use crate::model::{ModelConfig, Served, Transformer, Weights, checkpoint};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Writes a version of fresh weights that knows these products, each by its names where there are any.
fn write(folder: &Path, keys: &[&str], names: &[Vec<String>], seed: u64, facts: BTreeMap<String, String>) {
    let vocabulary = Vocabulary::new(keys.iter().copied()).unwrap();
    let attributes = Arc::new(Attributes::new(names));
    let of = attributes.names().len();
    let config = ModelConfig { attributes: of, width: 16, max_length: 20, ..ModelConfig::small(vocabulary.rows()) };
    let mut weights = Weights::fresh(seed);
    Transformer::new(&config, &attributes, &mut weights).unwrap();
    // Larger than they begin, so that sessions differ by more than rounding.
    let tensors = weights
        .variables()
        .iter()
        .map(|(name, w)| {
            (
                name.clone(),
                (w.as_tensor() * if ["items", "attributes"].contains(&&**name) { 20.0 } else { 1.0 }).unwrap(),
            )
        })
        .collect();
    let content = checkpoint::Content {
        config: &config,
        vocabulary: &vocabulary,
        attributes: &attributes,
        tensors: &tensors,
        facts,
    };
    checkpoint::write(folder, content).unwrap();
}

/// A model that knows these products.
pub(in crate::engine) fn served(name: &str, keys: &[&str], seed: u64) -> Arc<Served> {
    served_by_names(name, keys, &[], seed)
}

/// A model that knows these products and their names, by row.
pub(in crate::engine) fn served_by_names(name: &str, keys: &[&str], names: &[Vec<String>], seed: u64) -> Arc<Served> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), keys, names, seed, BTreeMap::new());
    Arc::new(Served::open(name, folder.path()).unwrap())
}

/// A model that tells its share beside the statistics of sessions.
pub(in crate::engine) fn served_with_share(keys: &[&str], share: &str) -> Arc<Served> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), keys, &[], 1, BTreeMap::from([("blend_encoder".to_owned(), share.to_owned())]));
    Arc::new(Served::open("shop/1", folder.path()).unwrap())
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

/// A model over its products that has a snapshot: sessions of 0 to 3 by their lengths.
pub(super) fn watched() -> Arc<Matched> {
    let folder = tempfile::tempdir().unwrap();
    let keys = ["a", "b", "c", "d"];
    let index = Arc::new(Index::build(keys.map(|key| product(key, "X"))));
    let matched = |facts| {
        write(folder.path(), &keys, &[], 1, facts);
        let served = Arc::new(Served::open("shop/1", folder.path()).unwrap());
        Arc::new(Matched::new(served, index.clone()).unwrap())
    };
    let plain = matched(BTreeMap::new());
    let sighting = |n: usize| {
        let vector = plain.served().encode(&[&session(n % 4)]).unwrap().remove(0);
        Sighting::new(n % 4, 1, plain.served().attributes(), plain.best(&vector, SCORES))
    };
    let sightings: Vec<Sighting<'_>> = (0..400).map(sighting).collect();
    let snapshot = serde_json::to_string(&Snapshot::of(&sightings).unwrap()).unwrap();
    matched(BTreeMap::from([(Snapshot::FACT.to_owned(), snapshot)]))
}
