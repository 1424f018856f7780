//! The whole model: items in, one vector for each place of a session out, in the space of the items.

use super::batcher::Batch;
use super::bias::Bias;
use super::block::Block;
use super::config::{ModelConfig, Similarity};
use super::dropout::Noise;
use super::embedding::{self, Embedding};
use super::error::ModelError;
use super::norm::Norm;
use super::texts::{self, Texts};
use super::weights::Weights;
use crate::features::Attributes;
use candle_core::{D, Device, Result, Tensor};
use std::collections::HashMap;
use std::sync::Arc;

/// A causal transformer whose output layer is its item table. Source: SASRec, arXiv:1808.09781, pre-norm.
pub struct Transformer {
    config: ModelConfig,
    embedding: Embedding,
    bias: Bias,
    blocks: Vec<Block>,
    norm: Norm,
}

impl Transformer {
    /// Makes a model of fresh or read weights.
    ///
    /// # Errors
    /// Settings out of bounds, attributes of another shape, weights that do not fit or are left over.
    pub fn new(
        config: &ModelConfig,
        attributes: &Arc<Attributes>,
        weights: &mut Weights,
    ) -> std::result::Result<Self, ModelError> {
        config.check()?;
        let embedding = Embedding::new(config, attributes, weights)?;
        let bias = Bias::new(config, weights)?;
        let blocks = (0..config.layers).map(|layer| Block::new(config, &format!("block.{layer}"), weights));
        let blocks = blocks.collect::<std::result::Result<Vec<_>, _>>()?;
        let norm = Norm::new(config.width, "norm", weights)?;
        weights.finish()?;
        Ok(Self { config: config.clone(), embedding, bias, blocks, norm })
    }

    /// Its settings.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The item table that sessions read, `[rows, D]`. Made once for a batch in training, once for all in serving.
    ///
    /// # Errors
    /// Candle's.
    pub fn table(&self) -> std::result::Result<Tensor, ModelError> {
        Ok(self.embedding.table()?)
    }

    /// The vectors that sessions are compared with, `[rows, D]`, from the same table: the product of a session's vector
    /// with one of these is the item's score.
    ///
    /// # Errors
    /// Candle's.
    pub fn targets(&self, table: &Tensor) -> std::result::Result<Tensor, ModelError> {
        match self.config.similarity {
            Similarity::Dot => Ok(table.clone()),
            Similarity::Cosine { .. } => Ok(unit(table)?),
        }
    }

    /// What sessions are compared with of an item that has no row, `[D]`, from the numbers of its attributes and the vector
    /// of its text, `[T]`; none where the model has no use for them.
    ///
    /// # Errors
    /// A number that is not in the table, a vector of another width; candle's.
    pub fn unmet(&self, attributes: &[u32], text: Option<&[f32]>) -> std::result::Result<Option<Tensor>, ModelError> {
        let text = text.map(|text| Tensor::from_slice(text, (1, text.len()), &Device::Cpu)).transpose()?;
        let vector = self.embedding.unmet(attributes, text.as_ref())?;
        vector.map(|vector| Ok(self.targets(&vector)?.squeeze(0)?)).transpose()
    }

    /// Puts what items' texts add to their vectors into these, among the weights by name, for a model that is read without
    /// the texts: it computes the same.
    ///
    /// # Errors
    /// Weights or texts of other dimensions; candle's.
    pub fn put_texts_within(
        config: &ModelConfig,
        attributes: &Attributes,
        tensors: &mut HashMap<String, Tensor>,
    ) -> std::result::Result<(), ModelError> {
        let (Some(items), Some(projection)) = (tensors.get(embedding::ITEMS), tensors.get(texts::NAME)) else {
            return Ok(());
        };
        let whole = Texts::within(config, attributes, items, projection)?;
        tensors.insert(embedding::ITEMS.to_owned(), whole);
        Ok(())
    }

    /// Hidden states, `[B, L, D]`: that at place i has read the interactions 0 to i and nothing after.
    ///
    /// # Errors
    /// Candle's.
    pub fn encode(&self, table: &Tensor, batch: &Batch, noise: &Noise) -> std::result::Result<Tensor, ModelError> {
        let bias = self.bias.forward(batch)?;
        let mut x = noise.drop(self.embedding.forward(table, batch)?)?;
        for block in &self.blocks {
            x = block.forward(&x, bias.as_ref(), noise)?;
        }
        self.finish(&x)
    }

    /// Hidden states of what the last block left.
    fn finish(&self, x: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let x = self.norm.forward(x)?;
        match self.config.similarity {
            Similarity::Dot => Ok(x),
            Similarity::Cosine { temperature } => Ok((unit(&x)? / f64::from(temperature))?),
        }
    }

    /// One vector a session, `[B, D]`: the state at its last interaction. The last block is computed there alone.
    ///
    /// # Errors
    /// Candle's.
    pub fn last(&self, table: &Tensor, batch: &Batch) -> std::result::Result<Tensor, ModelError> {
        let bias = self.bias.forward(batch)?;
        let mut x = self.embedding.forward(table, batch)?;
        let Some((last, before)) = self.blocks.split_last() else {
            return Err(ModelError::Config("layers is 0; it must be from 1".into()));
        };
        for block in before {
            x = block.forward(&x, bias.as_ref(), &Noise::none())?;
        }
        Ok(self.finish(&last.last(&x, bias.as_ref(), batch.last())?)?.squeeze(1)?)
    }
}

/// Vectors of length 1.
fn unit(x: &Tensor) -> Result<Tensor> {
    let length = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
    x.broadcast_div(&length)
}

#[cfg(test)]
mod tests {
    use super::super::config::{Activation, Positions};
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;
    use crate::features::{Action, Interaction, Padded, Sequence};

    /// Every variant switched on.
    fn full() -> (ModelConfig, Arc<Attributes>) {
        let attributes = Attributes::new(&[vec![], vec!["a", "b"], vec!["b"], vec!["a"], vec![], vec!["b"]]);
        let config = ModelConfig {
            attributes: 2,
            width: 16,
            layers: 2,
            activation: Activation::SwiGlu,
            positions: Positions::Both,
            times: true,
            actions: true,
            similarity: Similarity::Cosine { temperature: 0.1 },
            max_length: 8,
            ..ModelConfig::small(6)
        };
        (config, Arc::new(attributes))
    }

    fn sequence(rows: &[u32]) -> Sequence {
        let interactions = rows.iter().zip(1i64..).map(|(row, at)| {
            let action = if at % 2 == 0 { Action::Bought } else { Action::Viewed };
            Interaction { row: *row, action, at: at * at * 60 }
        });
        Sequence::of(interactions.collect(), 8)
    }

    fn vectors_of(model: &Transformer, sequences: &[&Sequence]) -> Vec<Vec<f32>> {
        let batch = Batch::new(&Padded::new(sequences), model.config(), &Device::Cpu).unwrap();
        model.last(&model.table().unwrap(), &batch).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn a_row_alone_equals_the_row_in_a_batch() {
        let (config, attributes) = full();
        let model = Transformer::new(&config, &attributes, &mut Weights::fresh(1)).unwrap();
        let sequences = [sequence(&[1, 2, 3, 4, 5]), sequence(&[5]), sequence(&[2, 2]), Sequence::default()];
        let together = vectors_of(&model, &sequences.iter().collect::<Vec<_>>());
        for (sequence, row) in sequences.iter().zip(&together) {
            let alone = &vectors_of(&model, &[sequence])[0];
            let apart = alone.iter().zip(row).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(apart < 1e-5, "{apart} apart for {sequence:?}");
        }
    }

    #[test]
    fn searches_are_read_by_their_words_and_texts_within_the_items_vectors_compute_the_same() {
        let (config, attributes) = full();
        let (text, vectors) = crate::text::vectors(["", "red hat", "blue hat", "lamp", "", "boots"]).unwrap();
        let config = ModelConfig { text, searches: true, ..config };
        let attributes = Arc::new((*attributes).clone().with_texts(text, vectors));
        let mut weights = Weights::fresh(1);
        let model = Transformer::new(&config, &attributes, &mut weights).unwrap();
        let searched = |words: &str| {
            let mut read = sequence(&[1, 2]).interactions().to_vec();
            read.insert(1, Interaction { row: 0, action: Action::Searched, at: 100 });
            Sequence::with_queries(read, vec![words.into()])
        };
        let sequences = [searched("rain coat"), sequence(&[5, 3, 1]), searched("tea cup"), searched("")];
        let together = vectors_of(&model, &sequences.each_ref());
        let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        for (sequence, row) in sequences.iter().zip(&together) {
            assert!(apart(&vectors_of(&model, &[sequence])[0], row) < 1e-5, "{sequence:?}");
        }
        assert!(apart(&together[0], &together[2]) > 1e-3 && apart(&together[0], &together[3]) > 1e-3);
        let mut tensors = weights.variables().iter().map(|(name, w)| (name.clone(), w.as_tensor().clone())).collect();
        Transformer::put_texts_within(&config, &attributes, &mut tensors).unwrap();
        let known = Arc::new(attributes.without_texts());
        let read = Transformer::new(&config, &known, &mut Weights::read(tensors, Device::Cpu)).unwrap();
        for (one, other) in together.iter().zip(vectors_of(&read, &sequences.each_ref())) {
            assert!(apart(one, &other) < 1e-4);
        }
        let words = crate::text::vectors(["red hat"]).unwrap().1;
        assert!(read.unmet(&[], Some(&words)).unwrap().is_some() && read.unmet(&[], None).unwrap().is_none());
        assert!(read.unmet(&[0], Some(&words[1..])).is_err());
        let without = ModelConfig { searches: false, ..config };
        let padded = Padded::new(&[&sequences[0]]);
        assert!(Batch::new(&padded, &without, &Device::Cpu).is_err());
        assert!(Batch::new(&padded, &ModelConfig { text: 7, searches: true, ..without }, &Device::Cpu).is_err());
    }

    #[test]
    fn one_vector_a_session_is_the_state_at_its_last_interaction() {
        let (config, attributes) = full();
        let model = Transformer::new(&config, &attributes, &mut Weights::fresh(1)).unwrap();
        let (long, short) = (sequence(&[1, 2, 3, 4, 5]), sequence(&[5, 1]));
        let batch = Batch::new(&Padded::new(&[&long, &short]), &config, &Device::Cpu).unwrap();
        let states = model.encode(&model.table().unwrap(), &batch, &Noise::none()).unwrap().to_vec3::<f32>().unwrap();
        for (last, expected) in vectors_of(&model, &[&long, &short]).iter().zip([&states[0][4], &states[1][1]]) {
            let apart = last.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(apart < 1e-5, "{apart}");
        }
    }

    #[test]
    fn what_comes_after_changes_no_state_before() {
        let (config, attributes) = full();
        let model = Transformer::new(&config, &attributes, &mut Weights::fresh(1)).unwrap();
        let table = model.table().unwrap();
        let states = |rows: &[u32]| {
            let batch = Batch::new(&Padded::new(&[&sequence(rows)]), &config, &Device::Cpu).unwrap();
            let states = model.encode(&table, &batch, &Noise::none()).unwrap();
            states.narrow(1, 0, 3).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let (one, other) = (states(&[1, 2, 3, 4, 5]), states(&[1, 2, 3, 5, 1]));
        assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn every_weight_has_the_gradient_of_finite_differences() {
        let (config, attributes) = full();
        let config = ModelConfig { width: 8, layers: 1, ..config };
        let mut weights = Weights::fresh(5);
        Transformer::new(&config, &attributes, &mut weights).unwrap();
        let names: Vec<String> = weights.variables().keys().cloned().collect();
        // Larger than they begin, so that differences stand out from rounding.
        let inputs: Vec<Tensor> =
            weights.variables().values().zip(1..).map(|(w, seed)| tensor(w.dims(), seed)).collect();
        let (one, other) = (sequence(&[1, 2, 3]), sequence(&[4, 5]));
        let batch = Batch::new(&Padded::new(&[&one, &other]), &config, &Device::Cpu).unwrap();
        assert_gradients(&inputs, |inputs| {
            let named = names.iter().cloned().zip(inputs.iter().cloned()).collect();
            let model = Transformer::new(&config, &attributes, &mut Weights::read(named, Device::Cpu)).unwrap();
            let table = model.table().unwrap();
            // As wide as with a temperature of 1: the differences are of the layers, not of the scale.
            model.encode(&table, &batch, &Noise::none()).unwrap() * 0.1
        });
    }
}
