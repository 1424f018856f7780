//! From a ranked product to an item of the slate: its key, its score and why it is there.

use super::ranked::Ranked;
use crate::catalogue::Index;
use crate::domain::ids::ProductKey;
use crate::domain::slate::SlateItem;

/// The item; `None` where the ordinal is not of this catalogue. `because` is named only where the catalogue has it, so
/// that it can be shown.
pub(super) fn explain(item: Ranked, index: &Index) -> Option<SlateItem> {
    let product = index.product(item.ordinal)?.key.clone();
    let because = because(&item, index);
    Some(SlateItem { product, score: item.score, reason: item.reason, because })
}

/// The product that speaks for a candidate, where it can be shown.
pub(super) fn because(item: &Ranked, index: &Index) -> Option<ProductKey> {
    let own = &index.product(item.ordinal)?.key;
    item.because.as_ref().filter(|key| *key != own && index.ordinal(key.as_str()).is_some()).cloned()
}
