//! MiniLM, the sentence encoder that the static table is distilled from: BERT's encoder of six layers, the mean over the
//! tokens, length 1. It is not part of the program: whoever has its folder makes tables from it, and compares them with it.
//!
//! Reads `config.json`, `vocab.txt` and `model.safetensors` as sentence-transformers publishes `all-MiniLM-L6-v2`. For
//! inference alone: candle-nn's norm and softmax have no backward pass. Texts of as many tokens are computed together, so
//! that nothing is masked. Sources: arXiv:1810.04805 (BERT), arXiv:2002.10957 (MiniLM), arXiv:1908.10084 (the mean).

use super::error::TextError;
use super::wordpiece::WordPiece;
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{D, DType, Device, Module, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The most tokens of a text that are read, `[CLS]` and `[SEP]` among them, as sentence-transformers has it.
const MOST: usize = 256;
/// Tokens computed at once in bulk.
const TOGETHER: usize = 2_048;
/// The largest file read, in bytes.
const LARGEST: u64 = 2 << 30;

/// How weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// As published: for many texts at once.
    F32,
    /// Eight bits with a scale for each 32, Q8_0: a quarter of the memory, at a cosine of .998 and more.
    Q8,
}

/// What `config.json` says that matters here.
#[derive(Deserialize)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f64,
}

/// The encoder.
pub struct MiniLm {
    tokens: WordPiece,
    /// The pieces by their numbers.
    vocabulary: Vec<Box<str>>,
    /// `[CLS]` and `[SEP]`.
    around: (u32, u32),
    heads: usize,
    most: usize,
    /// `[pieces, D]`.
    words: Tensor,
    /// Of the place and of the only kind of segment, `[places, D]`.
    places: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    attended: Norm,
    up: Linear,
    down: Linear,
    fed: Norm,
}

impl MiniLm {
    /// Reads the folder.
    ///
    /// # Errors
    /// A file is missing, too large, cut off, of other dimensions, or holds what is not a finite number.
    pub fn open(folder: &Path, precision: Precision) -> Result<Self, TextError> {
        let path = folder.join("config.json");
        let config: Config = serde_json::from_slice(&super::file(&path, LARGEST)?)
            .map_err(|error| TextError::foreign(path.display().to_string(), error.to_string()))?;
        config.check(&path)?;
        let path = folder.join("vocab.txt");
        let vocabulary = String::from_utf8(super::file(&path, LARGEST)?)
            .map_err(|error| TextError::foreign(path.display().to_string(), error.to_string()))?;
        let tokens = WordPiece::new(vocabulary.lines());
        let (Some(begins), Some(ends)) = (tokens.special("[CLS]"), tokens.special("[SEP]")) else {
            return Err(TextError::foreign(path.display().to_string(), "it has no [CLS] and [SEP]"));
        };
        let path = folder.join("model.safetensors");
        let tensors = candle_core::safetensors::load_buffer(&super::file(&path, LARGEST)?, &Device::Cpu)
            .map_err(|error| TextError::foreign(path.display().to_string(), error.to_string()))?;
        let mut read = Reader { tensors, precision, epsilon: config.layer_norm_eps as f32 };
        let width = config.hidden_size;
        let places = read.tensor("embeddings.position_embeddings.weight", &[config.max_position_embeddings, width])?;
        let kinds = read.tensor("embeddings.token_type_embeddings.weight", &[2, width])?;
        Ok(Self {
            around: (begins, ends),
            heads: config.num_attention_heads,
            most: MOST.min(config.max_position_embeddings),
            words: read.tensor("embeddings.word_embeddings.weight", &[vocabulary.lines().count(), width])?,
            places: places.broadcast_add(&kinds.narrow(0, 0, 1)?)?,
            norm: read.norm("embeddings.LayerNorm", width)?,
            layers: (0..config.num_hidden_layers)
                .map(|layer| read.layer(&format!("encoder.layer.{layer}"), width, config.intermediate_size))
                .collect::<Result<_, _>>()?,
            vocabulary: vocabulary.lines().map(Box::from).collect(),
            tokens,
        })
    }

    /// The width of its vectors.
    pub fn width(&self) -> usize {
        self.words.dims().last().copied().unwrap_or(0)
    }

    /// Its pieces, by number.
    pub fn vocabulary(&self) -> &[Box<str>] {
        &self.vocabulary
    }

    /// What parts texts into them.
    pub fn tokens(&self) -> &WordPiece {
        &self.tokens
    }

    /// The vector of a text, `[width]`, of length 1; that of no words for an empty one.
    ///
    /// # Errors
    /// Candle's.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>, TextError> {
        let numbers = self.tokens.numbers(text, self.most - 2);
        Ok(self.together(&[&numbers])?.flatten_all()?.to_vec1()?)
    }

    /// The vectors of many texts, `[N, width]`, in their order, each of length 1. `tell` hears how many are done.
    ///
    /// # Errors
    /// Candle's.
    pub fn embed_all(&self, texts: &[&str], tell: &mut dyn FnMut(usize)) -> Result<Vec<Vec<f32>>, TextError> {
        let numbers: Vec<Vec<u32>> = texts.iter().map(|text| self.tokens.numbers(text, self.most - 2)).collect();
        self.embed_numbers(&numbers, tell)
    }

    /// The same of numbers of pieces, without `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// A number that it does not have, too many of them; candle's.
    pub fn embed_numbers(&self, texts: &[Vec<u32>], tell: &mut dyn FnMut(usize)) -> Result<Vec<Vec<f32>>, TextError> {
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        texts.iter().enumerate().for_each(|(at, numbers)| by_length.entry(numbers.len()).or_default().push(at));
        let (mut found, mut done) = (vec![Vec::new(); texts.len()], 0);
        for (length, of_length) in by_length {
            for group in of_length.chunks((TOGETHER / (length + 2)).max(1)) {
                let numbers: Vec<&[u32]> = group.iter().map(|at| texts[*at].as_slice()).collect();
                let vectors = self.together(&numbers)?.to_vec2::<f32>()?;
                group.iter().zip(vectors).for_each(|(at, vector)| found[*at] = vector);
                done += group.len();
                tell(done);
            }
        }
        Ok(found)
    }

    /// Texts of as many tokens each: `[N, width]`.
    fn together(&self, texts: &[&[u32]]) -> Result<Tensor, TextError> {
        let (count, length) = (texts.len(), texts.first().map_or(0, |text| text.len()) + 2);
        let whole = |text: &&[u32]| [&[self.around.0], *text, &[self.around.1]].concat();
        let numbers: Vec<u32> = texts.iter().flat_map(whole).collect();
        let x = self.words.index_select(&Tensor::new(numbers, &Device::Cpu)?, 0)?;
        let x = x.reshape((count, length, self.width()))?.broadcast_add(&self.places.narrow(0, 0, length)?)?;
        let mut x = self.norm.forward(&x)?;
        for layer in &self.layers {
            x = layer.forward(&x, self.heads)?;
        }
        let mean = x.mean(1)?;
        let length = (mean.sqr()?.sum_keepdim(D::Minus1)? + 1e-24)?.sqrt()?;
        Ok(mean.broadcast_div(&length)?)
    }
}

impl Layer {
    /// `[N, L, D] → [N, L, D]`.
    fn forward(&self, x: &Tensor, heads: usize) -> Result<Tensor, TextError> {
        let (count, length, width) = x.dims3()?;
        let apart = |x: Tensor| x.reshape((count, length, heads, width / heads))?.transpose(1, 2)?.contiguous();
        let (query, key, value) =
            (apart(self.query.forward(x)?)?, apart(self.key.forward(x)?)?, apart(self.value.forward(x)?)?);
        let scale = 1.0 / ((width / heads) as f64).sqrt();
        let looks = softmax_last_dim(&(query.matmul(&key.t()?)? * scale)?)?;
        let seen = looks.matmul(&value)?.transpose(1, 2)?.reshape((count, length, width))?;
        let x = self.attended.forward(&(x + self.out.forward(&seen)?)?)?;
        let fed = self.down.forward(&self.up.forward(&x)?.gelu_erf()?)?;
        self.fed.forward(&(x + fed)?)
    }
}

/// x·Wᵀ + b, with W `[out, in]` as published.
struct Linear {
    weight: Weight,
    offset: Tensor,
}

enum Weight {
    /// `[in, out]`.
    Whole(Tensor),
    /// `[out, in]`.
    Rounded(QMatMul),
}

impl Linear {
    /// `[N, L, in] → [N, L, out]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, TextError> {
        let (count, length, from) = x.dims3()?;
        let flat = x.reshape((count * length, from))?;
        let flat = match &self.weight {
            Weight::Whole(weight) => flat.matmul(weight)?,
            Weight::Rounded(weight) => weight.forward(&flat)?,
        };
        Ok(flat.broadcast_add(&self.offset)?.reshape((count, length, self.offset.dim(0)?))?)
    }
}

struct Norm {
    gain: Tensor,
    offset: Tensor,
    epsilon: f32,
}

impl Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor, TextError> {
        Ok(layer_norm(&x.contiguous()?, &self.gain, &self.offset, self.epsilon)?)
    }
}

/// Takes tensors by name and shape.
struct Reader {
    tensors: HashMap<String, Tensor>,
    precision: Precision,
    epsilon: f32,
}

impl Reader {
    fn tensor(&mut self, name: &str, dims: &[usize]) -> Result<Tensor, TextError> {
        let tensor = self.tensors.remove(name).ok_or_else(|| TextError::foreign(name, "it is missing"))?;
        if tensor.dims() != dims || tensor.dtype() != DType::F32 {
            let found = format!("it is {:?} of {:?}, F32 of {dims:?} is expected", tensor.dtype(), tensor.dims());
            return Err(TextError::foreign(name, found));
        }
        // The sum of finite numbers as small as weights are is finite.
        if !tensor.sqr()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
            return Err(TextError::foreign(name, "it holds what is not a finite number"));
        }
        Ok(tensor)
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<Norm, TextError> {
        let gain = self.tensor(&format!("{name}.weight"), &[width])?;
        Ok(Norm { gain, offset: self.tensor(&format!("{name}.bias"), &[width])?, epsilon: self.epsilon })
    }

    fn linear(&mut self, name: &str, from: usize, to: usize) -> Result<Linear, TextError> {
        let weight = self.tensor(&format!("{name}.weight"), &[to, from])?;
        let weight = match self.precision {
            Precision::F32 => Weight::Whole(weight.t()?.contiguous()?),
            Precision::Q8 => Weight::Rounded(QMatMul::from_qtensor(QTensor::quantize(&weight, GgmlDType::Q8_0)?)?),
        };
        Ok(Linear { weight, offset: self.tensor(&format!("{name}.bias"), &[to])? })
    }

    fn layer(&mut self, name: &str, width: usize, inner: usize) -> Result<Layer, TextError> {
        Ok(Layer {
            query: self.linear(&format!("{name}.attention.self.query"), width, width)?,
            key: self.linear(&format!("{name}.attention.self.key"), width, width)?,
            value: self.linear(&format!("{name}.attention.self.value"), width, width)?,
            out: self.linear(&format!("{name}.attention.output.dense"), width, width)?,
            attended: self.norm(&format!("{name}.attention.output.LayerNorm"), width)?,
            up: self.linear(&format!("{name}.intermediate.dense"), width, inner)?,
            down: self.linear(&format!("{name}.output.dense"), inner, width)?,
            fed: self.norm(&format!("{name}.output.LayerNorm"), width)?,
        })
    }
}

impl Config {
    fn check(&self, path: &Path) -> Result<(), TextError> {
        let bounds = [
            ("hidden_size", self.hidden_size, 32, 4096),
            ("num_hidden_layers", self.num_hidden_layers, 1, 48),
            ("num_attention_heads", self.num_attention_heads, 1, 64),
            ("intermediate_size", self.intermediate_size, 32, 16_384),
            ("max_position_embeddings", self.max_position_embeddings, 3, 8192),
        ];
        let fits = self.hidden_size.is_multiple_of(self.num_attention_heads.max(1))
            // What is rounded is rounded in groups of 32.
            && self.hidden_size.is_multiple_of(32)
            && self.intermediate_size.is_multiple_of(32)
            && (0.0..0.1).contains(&self.layer_norm_eps);
        match bounds.iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((name, value, least, most)) => {
                let why = format!("{name} is {value}; it must be from {least} to {most}");
                Err(TextError::foreign(path.display().to_string(), why))
            }
            None if !fits => Err(TextError::foreign(path.display().to_string(), "its dimensions do not fit together")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
