//! A model as it is served: read, tried once, immutable, shared by all threads.
//!
//! Its tables are made when it is read, so that a session costs its own layers and nothing else. A model that computes
//! what is not a finite number is refused here, before anyone is served by it.

use super::batcher::Batch;
use super::checkpoint::{self, Checkpoint, Manifest};
use super::drift::Snapshot;
use super::error::ModelError;
use super::graph::Graph;
use super::transformer::Transformer;
use crate::features::{Attributes, Padded, Sequence, Vocabulary};
use crate::text;
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Once, OnceLock};

/// The fact of a manifest that tells what a part of the blend counts for: `blend_` and the part's name in small letters,
/// with `_` for what is neither letter nor digit.
pub fn blend_fact(part: &str) -> String {
    let plain = |character: char| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
    format!("blend_{}", part.chars().map(plain).collect::<String>())
}

/// What a model's training learned that its word, what sessions show and what is written of products count for beside each
/// other, on cases that it had not seen. Shares are from 0 to 1, together at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The model.
    pub encoder: f64,
    /// Likeness of descriptions; none where the training did not ask.
    pub content: Option<f64>,
    /// The benefit of the doubt for products that few have met: their likeness counts `1 + newcomers / (1 + n)` times, for
    /// n events. Not below 0, at most 10.
    pub newcomers: f64,
    /// Whether what counts is the root of each source's shares of its best one, as trainings have learned since they blend
    /// content; before, the share itself.
    pub roots: bool,
}

impl Shares {
    fn read(facts: &BTreeMap<String, String>) -> Option<Self> {
        let share = |part: &str| {
            let share = facts.get(&blend_fact(part)).and_then(|share| share.parse::<f64>().ok());
            share.filter(|share| (0.0..=1.0).contains(share))
        };
        let encoder = share("encoder")?;
        // Shares are rounded where they are written.
        let content = share("text-kNN").map(|content| content.min(1.0 - encoder));
        let newcomers = facts.get(&blend_fact("newcomers"));
        let roots = newcomers.is_some();
        let newcomers = newcomers.and_then(|newcomers| newcomers.parse::<f64>().ok());
        let newcomers = newcomers.filter(|newcomers| (0.0..=10.0).contains(newcomers)).unwrap_or_default();
        Some(Self { encoder, content, newcomers, roots })
    }
}

/// The fact of a manifest that names the text table whose vectors a model has learned from.
pub const TEXT_TABLE: &str = "text_table";

/// One version of a model, ready to encode sessions.
pub struct Served {
    name: Arc<str>,
    manifest: Manifest,
    vocabulary: Vocabulary,
    attributes: Arc<Attributes>,
    model: Transformer,
    /// What sessions read, `[rows, D]`.
    table: Tensor,
    /// What sessions are compared with, `[rows, D]`, row by row.
    targets: Vec<f32>,
    shares: Option<Shares>,
    /// What sessions looked like when it was measured.
    snapshot: Option<Snapshot>,
    /// A way to the nearest items without a look at each, once it is built.
    graph: OnceLock<Graph>,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Served {
    /// Reads a version from its folder. `name` is what decisions call it: the model and its version.
    ///
    /// # Errors
    /// As [`checkpoint::read`]; a model that computes what is not a finite number.
    pub fn open(name: impl Into<Arc<str>>, folder: &Path) -> Result<Self, ModelError> {
        Self::new(name, checkpoint::read(folder, &Device::Cpu)?)
    }

    /// Takes a model that was read.
    ///
    /// # Errors
    /// It computes what is not a finite number, or learned from another text table than the program has.
    pub fn new(name: impl Into<Arc<str>>, checkpoint: Checkpoint) -> Result<Self, ModelError> {
        on_one_thread();
        let Checkpoint { manifest, vocabulary, attributes, model } = checkpoint;
        fits_the_text_table(&manifest)?;
        let table = model.table()?;
        let targets = model.targets(&table)?.flatten_all()?.to_vec1::<f32>()?;
        if targets.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::Weights("an item's vector holds what is not a finite number".into()));
        }
        let shares = Shares::read(&manifest.facts);
        let (name, graph) = (name.into(), OnceLock::new());
        let snapshot = manifest.facts.get(Snapshot::FACT).and_then(|text| snapshot(&name, text));
        let served = Self { name, manifest, vocabulary, attributes, model, table, targets, shares, snapshot, graph };
        // The shortest session and the longest: what overflows does so before a shopper waits for it.
        let last = u32::try_from(served.vocabulary.rows() - 1).unwrap_or(u32::MAX);
        let longest = Sequence::of_rows(&vec![last; served.max_length()], served.max_length());
        served.encode(&[&Sequence::default()])?;
        served.encode(&[&longest])?;
        Ok(served)
    }

    /// The model and its version, as decisions name it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What its manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it counts for beside other sources; none where it does not tell.
    pub fn shares(&self) -> Option<Shares> {
        self.shares
    }

    /// What sessions looked like when it was measured; none where its manifest does not tell.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// What it knows of its items beyond their numbers, by row.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The items that it knows.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The most interactions of a session that it reads.
    pub fn max_length(&self) -> usize {
        self.model.config().max_length
    }

    /// The width of every vector.
    pub fn width(&self) -> usize {
        self.model.config().width
    }

    /// What sessions are compared with, of one item; none for a row that it does not have.
    pub fn target(&self, row: u32) -> Option<&[f32]> {
        let start = row as usize * self.width();
        self.targets.get(start..start + self.width())
    }

    /// Whether searches are part of the sessions that it encodes.
    pub fn reads_searches(&self) -> bool {
        self.model.config().searches
    }

    /// What sessions are compared with, of an item that came after the training, by what is known of it and what is written
    /// of it, which is only asked for where the model reads texts; none where the model has learned nothing of either.
    pub fn unmet(&self, names: &[String], written: impl FnOnce() -> String) -> Option<Vec<f32>> {
        let numbers = self.attributes.numbers(names);
        let table = text::shipped().filter(|table| table.width() == self.model.config().text);
        let text = table.map(|table| table.embed(&written()));
        let vector = self.model.unmet(&numbers, text.as_deref()).ok().flatten()?.to_vec1::<f32>().ok()?;
        vector.iter().all(|value| value.is_finite()).then_some(vector)
    }

    /// Builds the graph of its items, which takes minutes for a million of them; until it is there nothing waits for it.
    ///
    /// # Errors
    /// No threads.
    pub fn build_graph(&self, threads: usize) -> Result<(), ModelError> {
        let graph = Graph::build(&self.targets, self.width(), threads)?;
        // Another thread that was faster has built the same.
        self.graph.set(graph).ok();
        Ok(())
    }

    /// The graph of its items, where one was built.
    pub fn graph(&self) -> Option<&Graph> {
        self.graph.get()
    }

    /// Whether it knows this row by these names: false where they have changed since the training, or where it learned
    /// none.
    pub fn knows(&self, row: u32, names: &[String]) -> bool {
        let known = self.attributes.of(row as usize);
        !known.is_empty() && self.attributes.numbers(names) == known
    }

    /// One vector a session, in the space of the items' targets, in the order given. Sessions longer than
    /// [`Served::max_length`] are not taken. Computes on the calling thread alone.
    ///
    /// # Errors
    /// No session, one that is too long, a row of another vocabulary, a result that is not a finite number.
    pub fn encode(&self, sessions: &[&Sequence]) -> Result<Vec<Vec<f32>>, ModelError> {
        let batch = Batch::new(&Padded::new(sessions), self.model.config(), &Device::Cpu)?;
        let vectors = self.model.last(&self.table, &batch)?.to_vec2::<f32>()?;
        if vectors.iter().flatten().any(|value| !value.is_finite()) {
            return Err(ModelError::Weights("a session's vector holds what is not a finite number".into()));
        }
        Ok(vectors)
    }
}

/// Whether a model that reads texts learned from the vectors that the program has.
fn fits_the_text_table(manifest: &Manifest) -> Result<(), ModelError> {
    // One without texts does not have the table read, which takes some megabytes.
    if manifest.config.text == 0 {
        return Ok(());
    }
    let known = manifest.facts.get(TEXT_TABLE).map_or("unnamed", String::as_str);
    let here = text::shipped().map_or(("none", 0), |table| (table.id(), table.width()));
    if (known, manifest.config.text) == here {
        return Ok(());
    }
    let (width, (id, own)) = (manifest.config.text, here);
    let why = format!(
        "it learned from the text table {known} of width {width}, the program's is {id} of {own}: train it again"
    );
    Err(ModelError::Config(why))
}

/// A snapshot that cannot be read costs the watch over drift and not the model.
fn snapshot(model: &str, text: &str) -> Option<Snapshot> {
    let read = Snapshot::read(text);
    if let Err(error) = &read {
        tracing::warn!(%error, model, "the manifest's snapshot of sessions cannot be read; drift is not watched");
    }
    read.ok()
}

/// Keeps the products of matrices on the thread that asks for them. Otherwise those of longer sessions would be shared
/// out among as many threads as there are processors, beside those that answer requests.
fn on_one_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| gemm::set_threading_threshold(usize::MAX));
}

#[cfg(test)]
mod tests {
    use super::super::config::ModelConfig;
    use super::super::weights::Weights;
    use super::*;
    use std::collections::{BTreeMap, HashMap};

    fn written(folder: &Path, scale: f64) {
        let vocabulary = Vocabulary::new(["a", "b", "c", "d"]).unwrap();
        let config = ModelConfig { width: 8, max_length: 6, ..ModelConfig::small(5) };
        let mut weights = Weights::fresh(3);
        Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
        let tensors: HashMap<String, Tensor> =
            weights.variables().iter().map(|(name, w)| (name.clone(), (w.as_tensor() * scale).unwrap())).collect();
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

    #[test]
    fn a_session_alone_is_encoded_as_among_others_and_an_empty_one_as_well() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), 1.0);
        let served = Served::open("shop/1", folder.path()).unwrap();
        let sessions = [&[1, 2, 3, 4, 1, 2][..], &[4], &[], &[2, 2, 3]].map(|rows| Sequence::of_rows(rows, 6));
        let together = served.encode(&sessions.iter().collect::<Vec<_>>()).unwrap();
        for (session, row) in sessions.iter().zip(&together) {
            let alone = served.encode(&[session]).unwrap().remove(0);
            let apart = alone.iter().zip(row).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(apart < 1e-5, "{apart} apart for {session:?}");
        }
        assert!(together[0] != together[1] && served.target(4).is_some() && served.target(5).is_none());
    }

    #[test]
    fn shares_are_read_from_what_the_training_wrote_and_nonsense_is_none() {
        let of = |facts: &[(&str, &str)]| {
            Shares::read(&facts.iter().map(|(part, share)| (blend_fact(part), (*share).to_owned())).collect())
        };
        assert_eq!(
            of(&[("encoder", "0.10")]),
            Some(Shares { encoder: 0.1, content: None, newcomers: 0.0, roots: false })
        );
        let whole = of(&[("encoder", "0.50"), ("text-kNN", "0.25"), ("newcomers", "2.00")]);
        assert_eq!(whole, Some(Shares { encoder: 0.5, content: Some(0.25), newcomers: 2.0, roots: true }));
        let beyond = of(&[("encoder", "0.75"), ("text-kNN", "1"), ("newcomers", "-1")]);
        assert_eq!(beyond, Some(Shares { encoder: 0.75, content: Some(0.25), newcomers: 0.0, roots: true }));
        assert_eq!((of(&[("encoder", "NaN")]), of(&[("encoder", "1.5")]), of(&[])), (None, None, None));
        assert_eq!(blend_fact("VMIS-kNN"), "blend_vmis_knn");
    }

    #[test]
    fn weights_that_are_numbers_and_compute_none_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), 1e38);
        let said = Served::open("shop/1", folder.path()).unwrap_err().to_string();
        assert!(said.contains("finite"), "{said}");
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), 1.0);
        let served = Served::open("shop/1", folder.path()).unwrap();
        assert!(served.encode(&[]).is_err());
        assert!(served.encode(&[&Sequence::of_rows(&[1; 7], 7)]).is_err());
        assert!(served.encode(&[&Sequence::of_rows(&[5], 6)]).is_err());
    }
}
