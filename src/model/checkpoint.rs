//! A model on disk: a folder with `model.json`, `items.json` and `weights.safetensors`.
//!
//! `model.json` names the settings, the vocabulary's hash and the SHA-256 of the other two files, and is written last, under
//! another name first: a folder without it holds no model. Reading checks sizes before memory is taken, sums before
//! content is parsed, and every weight's name, shape and numbers. Files come from elsewhere: none can make this panic.

use super::config::ModelConfig;
use super::error::ModelError;
use super::transformer::Transformer;
use super::weights::Weights;
use crate::features::{Attributes, Vocabulary};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// What this program writes and reads.
const FORMAT: u32 = 1;
/// The largest file read: a million items at width 512.
const LARGEST: u64 = 4 << 30;

/// What `model.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format.
    pub format: u32,
    /// The dimensions and variants.
    pub config: ModelConfig,
    /// The vocabulary's hash.
    pub vocabulary: String,
    /// SHA-256 of `items.json`, in hexadecimal.
    pub items_sha256: String,
    /// SHA-256 of `weights.safetensors`, in hexadecimal.
    pub weights_sha256: String,
    /// Facts of the training, by name: what the model card shows.
    pub facts: BTreeMap<String, String>,
}

/// What `items.json` says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    keys: Vec<Arc<str>>,
    /// The attributes of each row by name, padding's first; none for a model without.
    attributes: Vec<Vec<String>>,
}

/// A model as read, ready to encode.
pub struct Checkpoint {
    /// What its manifest says.
    pub manifest: Manifest,
    /// Its items.
    pub vocabulary: Vocabulary,
    /// What it knows of them beyond their numbers; nothing for a model without attributes.
    pub attributes: Arc<Attributes>,
    /// The model.
    pub model: Transformer,
}

/// What is written.
pub struct Content<'a> {
    /// The settings.
    pub config: &'a ModelConfig,
    /// The items.
    pub vocabulary: &'a Vocabulary,
    /// Their attributes; ignored for a model without.
    pub attributes: &'a Attributes,
    /// The weights, by name.
    pub tensors: &'a HashMap<String, Tensor>,
    /// Facts of the training.
    pub facts: BTreeMap<String, String>,
}

/// Writes a model into a folder, which is made.
///
/// # Errors
/// The folder or a file cannot be written.
pub fn write(folder: &Path, content: Content<'_>) -> Result<(), ModelError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let names = content.attributes.names();
    let of_row = |row| content.attributes.of(row).iter().map(|name| names[*name as usize].clone()).collect();
    let attributes = match content.config.attributes {
        0 => Vec::new(),
        _ => (0..content.attributes.rows()).map(of_row).collect(),
    };
    let items = json(&Items { keys: content.vocabulary.keys().to_vec(), attributes })?;
    // In the order of their names, so that the same weights are the same bytes.
    let ordered: BTreeMap<&String, &Tensor> = content.tensors.iter().collect();
    let weights = safetensors::serialize(ordered, None)
        .map_err(|error| ModelError::Weights(format!("they cannot be written: {error}")))?;
    let manifest = Manifest {
        format: FORMAT,
        config: content.config.clone(),
        vocabulary: content.vocabulary.hash(),
        items_sha256: hex::encode(Sha256::digest(&items)),
        weights_sha256: hex::encode(Sha256::digest(&weights)),
        facts: content.facts,
    };
    put(&folder.join("items.json"), &items)?;
    put(&folder.join("weights.safetensors"), &weights)?;
    put(&folder.join("model.json"), &json(&manifest)?)
}

/// Reads a model from a folder.
///
/// # Errors
/// A file is missing, too large, cut off, foreign, changed, or its content does not fit together.
pub fn read(folder: &Path, device: &Device) -> Result<Checkpoint, ModelError> {
    read_by(folder, device, &get)
}

/// What a folder's manifest says, without reading the rest.
///
/// # Errors
/// It is missing, foreign, or of another format.
pub fn manifest(folder: &Path) -> Result<Manifest, ModelError> {
    manifest_by(folder, &get)
}

/// The content of a file; where it comes from is the caller's affair.
pub type Get<'a> = &'a dyn Fn(&Path) -> Result<Vec<u8>, ModelError>;

fn manifest_by(folder: &Path, get: Get<'_>) -> Result<Manifest, ModelError> {
    let path = folder.join("model.json");
    let manifest: Manifest = parse(&path, &get(&path)?)?;
    if manifest.format != FORMAT {
        return Err(foreign(&path, format!("its format is {}, this program reads {FORMAT}", manifest.format)));
    }
    manifest.config.check()?;
    Ok(manifest)
}

/// Reads a model whose files come from elsewhere than a disk.
///
/// # Errors
/// As [`read`].
pub fn read_by(folder: &Path, device: &Device, get: Get<'_>) -> Result<Checkpoint, ModelError> {
    let manifest = manifest_by(folder, get)?;
    let path = folder.join("items.json");
    let items: Items = parse(&path, &summed(&path, &manifest.items_sha256, get)?)?;
    let count = items.keys.len();
    let vocabulary = Vocabulary::new(items.keys).map_err(|error| foreign(&path, error.to_string()))?;
    if vocabulary.rows() != count + 1 || vocabulary.hash() != manifest.vocabulary {
        return Err(foreign(&path, "its items are not those of model.json".into()));
    }
    if vocabulary.rows() != manifest.config.rows {
        let (found, asked) = (vocabulary.rows(), manifest.config.rows);
        return Err(foreign(&path, format!("it has {found} rows, the settings ask for {asked}")));
    }
    let attributes = Arc::new(Attributes::new(&items.attributes));
    let path = folder.join("weights.safetensors");
    let bytes = summed(&path, &manifest.weights_sha256, get)?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, device)
        .map_err(|error| foreign(&path, format!("it is no safetensors file: {error}")))?;
    let model = Transformer::new(&manifest.config, &attributes, &mut Weights::read(tensors, device.clone()))?;
    Ok(Checkpoint { manifest, vocabulary, attributes, model })
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ModelError + '_ {
    |source| ModelError::File { path: path.to_owned(), source }
}

fn foreign(path: &Path, why: String) -> ModelError {
    ModelError::Foreign { path: path.to_owned(), why }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, ModelError> {
    serde_json::to_vec(value).map_err(|error| ModelError::Config(format!("cannot be written: {error}")))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(bytes).map_err(|error| foreign(path, error.to_string()))
}

/// Writes beside the file, then takes its place: a reader sees the old or the new.
fn put(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let part = path.with_extension("part");
    fs::write(&part, bytes).map_err(at(&part))?;
    fs::rename(&part, path).map_err(at(path))
}

fn get(path: &Path) -> Result<Vec<u8>, ModelError> {
    let size = fs::metadata(path).map_err(at(path))?.len();
    if size > LARGEST {
        return Err(foreign(path, format!("it has {size} bytes, the most are {LARGEST}")));
    }
    fs::read(path).map_err(at(path))
}

fn summed(path: &Path, expected: &str, get: Get<'_>) -> Result<Vec<u8>, ModelError> {
    let bytes = get(path)?;
    match hex::encode(Sha256::digest(&bytes)) == expected {
        true => Ok(bytes),
        false => Err(foreign(path, "its sum is not that of model.json: it was cut off or changed".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::batcher::Batch;
    use super::*;
    use crate::features::{Padded, Sequence};

    fn written(folder: &Path) -> Vec<f32> {
        let vocabulary = Vocabulary::new(["a", "b", "c"]).unwrap();
        let attributes = Attributes::new(&[vec![], vec!["red", "blue"], vec!["red"], vec!["blue"]]);
        let config = ModelConfig { attributes: 2, width: 8, ..ModelConfig::small(4) };
        let mut weights = Weights::fresh(1);
        let model = Transformer::new(&config, &Arc::new(attributes.clone()), &mut weights).unwrap();
        let tensors = weights.variables().iter().map(|(name, w)| (name.clone(), w.as_tensor().clone())).collect();
        let facts = BTreeMap::from([("seed".to_owned(), "1".to_owned())]);
        let content =
            Content { config: &config, vocabulary: &vocabulary, attributes: &attributes, tensors: &tensors, facts };
        write(folder, content).unwrap();
        vector(&model)
    }

    fn vector(model: &Transformer) -> Vec<f32> {
        let session = Sequence::of_rows(&[1, 3, 2], 9);
        let batch = Batch::new(&Padded::new(&[&session]), model.config(), &Device::Cpu).unwrap();
        model.last(&model.table().unwrap(), &batch).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn what_was_written_is_read_and_computes_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let expected = written(folder.path());
        let read = read(folder.path(), &Device::Cpu).unwrap();
        // Weights that learn are multiplied by another kernel than those that are read.
        let apart = vector(&read.model).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(apart < 1e-5 && read.model.config().width == expected.len(), "{apart}");
        assert_eq!((read.vocabulary.row("b"), read.manifest.facts["seed"].as_str()), (Some(2), "1"));
    }

    #[test]
    fn files_cut_off_at_any_place_or_changed_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        for name in ["model.json", "items.json", "weights.safetensors"] {
            let path = folder.path().join(name);
            let whole = fs::read(&path).unwrap();
            for length in [0, 1, 7, 8, 9, whole.len() / 2, whole.len() - 1] {
                fs::write(&path, &whole[..length]).unwrap();
                assert!(read(folder.path(), &Device::Cpu).is_err(), "{name} cut to {length}");
            }
            let mut changed = whole.clone();
            changed[whole.len() / 2] ^= 0x55;
            fs::write(&path, &changed).unwrap();
            assert!(read(folder.path(), &Device::Cpu).is_err(), "{name} changed");
            fs::remove_file(&path).unwrap();
            assert_eq!(read(folder.path(), &Device::Cpu).err().map(|error| error.code()), Some("MODEL_FILE"));
            fs::write(&path, &whole).unwrap();
        }
        assert!(read(folder.path(), &Device::Cpu).is_ok());
    }

    /// Replaces the weights and the sum, as someone would who writes the format by other means.
    fn replaced(folder: &Path, weights: &[u8], change: impl FnOnce(&mut Manifest)) -> ModelError {
        fs::write(folder.join("weights.safetensors"), weights).unwrap();
        let path = folder.join("model.json");
        let mut manifest: Manifest = parse(&path, &get(&path).unwrap()).unwrap();
        manifest.weights_sha256 = hex::encode(Sha256::digest(weights));
        change(&mut manifest);
        fs::write(&path, json(&manifest).unwrap()).unwrap();
        read(folder, &Device::Cpu).err().unwrap()
    }

    #[test]
    fn foreign_weights_with_a_fitting_sum_are_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let good = fs::read(folder.path().join("weights.safetensors")).unwrap();
        assert!(replaced(folder.path(), b"not safetensors", |_| ()).to_string().contains("no safetensors"));
        let huge = u64::MAX.to_le_bytes();
        assert!(replaced(folder.path(), &huge, |_| ()).to_string().contains("no safetensors"));
        let other = HashMap::from([("items", Tensor::new(&[1f32], &Device::Cpu).unwrap())]);
        let other = safetensors::serialize(other, None).unwrap();
        assert!(replaced(folder.path(), &other, |_| ()).to_string().contains("items"));
        let mut nan = good.clone();
        let end = nan.len();
        nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(replaced(folder.path(), &nan, |_| ()).to_string().contains("finite"));
        assert!(replaced(folder.path(), &good, |m| m.config.width = 16).to_string().contains("[4, 16]"));
        written(folder.path());
        assert!(replaced(folder.path(), &good, |m| m.config.layers = 2).to_string().contains("missing"));
        written(folder.path());
        assert!(replaced(folder.path(), &good, |m| m.config.rows = 5).to_string().contains("rows"));
        written(folder.path());
        assert!(replaced(folder.path(), &good, |m| m.vocabulary = "0".into()).to_string().contains("items"));
        written(folder.path());
        assert!(replaced(folder.path(), &good, |m| m.config.width = usize::MAX).to_string().contains("width"));
        written(folder.path());
        assert!(replaced(folder.path(), &good, |m| m.format = 2).to_string().contains("format"));
    }
}
