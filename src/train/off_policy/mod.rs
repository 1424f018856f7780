//! What another order would have brought, told from the log of what was served: off-policy evaluation.
//!
//! The walk: [`Log::add`] takes exported lines, [`Target`] says how another policy would have ordered what each
//! decision could show, [`evaluate`] weighs what came of the products that both put at the same place. It rests on what
//! [`crate::domain::chance`] left to chance while the log was written: only so is the probability of a place known and
//! above zero for every product. Without it there is nothing to estimate from, and [`evaluate`] says so.
//!
//! Terms and estimators: direct method, inverse propensity score and doubly robust after Dudík, Langford and Li,
//! arXiv:1103.4601; self-normalized (SNIPS) after Swaminathan and Joachims, NIPS 2015; a product's reward depends on itself
//! and its place, not on its neighbours: the item-position model of Li et al., arXiv:1804.10488.

mod estimate;
mod log;
mod policy;
mod reward_model;
#[cfg(test)]
mod tests;

pub use estimate::{Estimates, Evaluation, Figure, evaluate};
pub use log::{Log, Reward};
pub use policy::{Target, Weights};
