//! What a training takes, and what it tells of its passes.

use super::dataset::Case;
use super::evaluate::Terms;
use super::history::History;
use crate::features::Attributes;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// What is learned from and measured on.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// What shoppers did.
    pub sequences: &'a [History],
    /// What says when to end; where there is none every pass is made.
    pub validation: &'a [Case],
    /// How validation is measured.
    pub terms: Terms<'a>,
    /// What is known of the items.
    pub attributes: &'a Arc<Attributes>,
    /// The rates of the passes, where another training has found them; empty where validation finds them.
    pub rates: &'a [f32],
    /// Where the state is kept after every pass, and gone on from where it is there; nowhere by default.
    pub keep: Option<&'a Path>,
}

/// One pass over the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// From 1.
    pub epoch: usize,
    /// The mean loss.
    pub loss: f64,
    /// NDCG@10, or MRR@20 where seen items are ranked, on the validation cases; none without any.
    pub metric: Option<f64>,
    /// The rate that it learned with.
    pub rate: f32,
    /// How long learning took, in seconds.
    pub seconds: f64,
}

/// What a training tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// A step of a pass is done.
    Step {
        /// The pass, from 1.
        epoch: usize,
        /// Steps done.
        done: usize,
        /// Steps of the pass.
        of: usize,
        /// The mean loss of the pass so far.
        loss: f64,
    },
    /// A pass is done, or was done before the training was cut off.
    Pass(&'a Pass),
}

/// Who hears of it.
pub type Watch<'a> = &'a mut dyn FnMut(Told<'_>);
