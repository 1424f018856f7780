//! The session encoder: a causal transformer over the items that a shopper met, and what is needed to keep, check and
//! score it.
//!
//! The walk of a session: [`crate::features`] makes a [`Padded`](crate::features::Padded), [`Batch`] makes tensors of it,
//! [`Transformer::encode`] hidden states, [`Transformer::last`] one vector a session, [`ItemMatrix::top`] the items nearest
//! to it. Weights are read and written in [`checkpoint`]; a model in use is a [`Served`], one of several [`versions`]. Source: SASRec, arXiv:1808.09781, with what has since proved
//! itself there.
//!
//! candle-nn's `LayerNorm`, `softmax_last_dim`, `rms_norm` and rotary embeddings have no backward pass and cut gradients
//! without a word; none of them is used here, and every layer's gradient is compared with finite differences in its tests.

mod arithmetic;
mod attention;
mod batcher;
mod bias;
mod block;
pub mod checkpoint;
mod config;
pub mod device;
pub mod drift;
mod dropout;
mod embedding;
mod error;
#[cfg(test)]
mod gradients;
mod graph;
mod linear;
mod norm;
mod pool;
mod product;
mod scoring;
mod served;
mod softmax;
mod texts;
mod transformer;
pub mod versions;
mod weights;

pub use arithmetic::{exponentials, inner, maximum};
pub use batcher::{Batch, buckets};
pub use config::{Activation, ModelConfig, Positions, Similarity};
pub use dropout::Noise;
pub use error::ModelError;
pub use graph::Graph;
pub use scoring::{ItemMatrix, Scored};
pub use served::{Served, Shares, TEXT_TABLE, blend_fact};
pub use transformer::Transformer;
pub use weights::Weights;
