//! Training and its honest measure: data sets, splits, the loss, the loop, baselines and metrics.
//!
//! The walk: [`Dataset`] reads a file, [`Protocol::split`] parts it so that nothing of the future is learned,
//! [`trainer::train`] learns, [`evaluate::measure`] ranks every item for every case, [`table::compare`] puts the model beside
//! the baselines. Everything is the same for the same seed and number of threads: iteration is in order, ties fall by
//! rule.

mod adam;
pub mod baselines;
mod blend;
mod dataset;
mod encoder;
mod error;
pub mod evaluate;
mod loss;
mod metrics;
mod ranker;
mod split;
pub mod table;
pub mod trainer;

pub use blend::{Blend, learn as learn_blend};
pub use dataset::{Case, Dataset};
pub use encoder::Encoder;
pub use error::TrainError;
pub use loss::linear_cross_entropy;
pub use metrics::{Interval, Metrics};
pub use ranker::Ranker;
pub use split::{Protocol, Split};
