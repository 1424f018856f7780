//! A decision as it was made, kept so that it can be read, reproduced and erased.

use super::consent::Purpose;
use super::ids::ShopperKey;
use super::slate::Slate;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One input that a decision read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRead {
    /// What it was: `seed`, `session.viewed`, `profile.bought`, …
    pub name: Box<str>,
    /// The purpose that allowed it; `None` for what is not personal.
    pub purpose: Option<Purpose>,
    /// Its value, in words or keys.
    pub value: Box<str>,
}

/// A decision with its inputs and the slate as served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Whose decision it is; only the same shopper may read it.
    pub shopper: ShopperKey,
    /// The slate as served: trimmed, after what live stock removed.
    pub slate: Slate,
    /// What was read.
    pub inputs: Arc<[InputRead]>,
    /// All candidates in ranked order, before live stock was asked: the slate follows from these and from `dropped`.
    pub candidates: Slate,
    /// Products that the platform did not have in this market, or had no stock of.
    pub dropped: Vec<super::ids::ProductKey>,
}
