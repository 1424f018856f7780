//! From a ranked product to an item of the slate: its key, its score and why it is there.

use super::ranked::Ranked;
use crate::catalogue::Index;
use crate::domain::slate::SlateItem;

/// The item; `None` where the ordinal is not of this catalogue. `because` is named only where the catalogue has it, so
/// that it can be shown.
pub(super) fn explain(item: Ranked, index: &Index) -> Option<SlateItem> {
    let product = index.product(item.ordinal)?.key.clone();
    let because = item.because.filter(|key| *key != product && index.ordinal(key.as_str()).is_some());
    Some(SlateItem { product, score: item.score, reason: item.reason, because })
}
