//! The last step of a slate, taken after the platform was asked for the products: a pure function, so that a logged
//! decision can be run again.

use crate::domain::ids::ProductKey;
use crate::domain::slate::Slate;
use std::collections::HashSet;

/// The slate as served: the candidates in their order without those that are `gone` from this market or `taken` by an
/// earlier slate of the operation, and no more than were wanted. Settling a settled slate changes nothing.
pub fn settle(candidates: &Slate, gone: &HashSet<ProductKey>, taken: &HashSet<ProductKey>) -> Slate {
    let items = candidates
        .items
        .iter()
        .filter(|item| !gone.contains(&item.product) && !taken.contains(&item.product))
        .take(candidates.wanted)
        .cloned()
        .collect();
    Slate {
        decision: candidates.decision.clone(),
        placement: candidates.placement.clone(),
        items,
        wanted: candidates.wanted,
    }
}
