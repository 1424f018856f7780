//! Pin: the product stands at a position, whatever its score.

use super::{Action, Rule};
use crate::catalogue::Index;
use crate::domain::slate::ReasonCode;
use crate::engine::ranked::Ranked;

/// The most products that one rule places: a pin on a whole category is a mistake, not a slate.
const MOST: usize = 50;

/// Places the rule's products from its position on. A position past the end is the end.
pub(super) fn pin(rule: &Rule, items: &mut Vec<Ranked>, index: &Index, eligible: impl Fn(u32) -> bool) {
    let Action::Pin(position) = rule.action else { return };
    let pinned: Vec<u32> = chosen(rule, index).into_iter().filter(|ordinal| eligible(*ordinal)).take(MOST).collect();
    items.retain(|item| !pinned.contains(&item.ordinal));
    let start = position.saturating_sub(1).min(items.len());
    // They take the score of the one they displace, else of the last, so that scores stay in order.
    let score = items.get(start).or(items.last()).map_or(1.0, |item| item.score);
    let place = |ordinal| Ranked { ordinal, score, reason: ReasonCode::Pinned, because: None, filler: false };
    items.splice(start..start, pinned.into_iter().map(place));
}

/// The rule's products: in the order written, else by key.
fn chosen(rule: &Rule, index: &Index) -> Vec<u32> {
    let meets = |ordinal: &u32| index.product(*ordinal).is_some_and(|product| rule.products.meets(product));
    if rule.products.keys.is_empty() {
        (0..u32::try_from(index.len()).unwrap_or(u32::MAX)).filter(meets).take(MOST).collect()
    } else {
        rule.products.keys.iter().filter_map(|key| index.ordinal(key.as_str())).filter(meets).collect()
    }
}
