//! How well products fit one shopper: the taste behind it is read once, then asked product by product.

use super::tastes::Known;
use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use std::sync::Arc;

/// One shopper's taste over the catalogue as it was when the taste was read.
#[derive(Debug)]
pub struct Affinity {
    pub(super) index: Arc<Index>,
    /// `None`: it must not be read.
    pub(super) known: Option<Arc<Known>>,
}

impl Affinity {
    /// 0 to 1, comparable within one response; 0 where nothing is known of the shopper yet. `None` without consent to
    /// preferences, without a shopper, or for an unknown product.
    pub fn of(&self, product: &ProductKey) -> Option<f64> {
        let known = self.known.as_ref()?;
        let ordinal = self.index.ordinal(product.as_str())?;
        let found = self.index.product(ordinal)?;
        Some(known.taste.as_ref().map_or(0.0, |taste| taste.affinity(ordinal, found)))
    }
}
