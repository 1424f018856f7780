//! Pin: the product stands at a position, whatever its score.

use super::{Action, Rule};
use crate::catalogue::Index;
use crate::domain::slate::ReasonCode;
use crate::engine::ranked::Ranked;

/// The most products that one rule places: a pin on a whole category is a mistake, not a slate.
const MOST: usize = 50;

/// What the rule places, and from which position on, counted from 1; `None` where it is no pin.
pub(super) fn pinned(rule: &Rule, index: &Index, eligible: impl Fn(u32) -> bool) -> Option<(usize, Vec<u32>)> {
    let Action::Pin(position) = rule.action else { return None };
    Some((position, chosen(rule, index).into_iter().filter(|ordinal| eligible(*ordinal)).take(MOST).collect()))
}

/// Places products from a position on. A position past the end is the end.
pub(in crate::engine) fn place(items: &mut Vec<Ranked>, position: usize, pinned: &[u32]) {
    items.retain(|item| !pinned.contains(&item.ordinal));
    let start = position.saturating_sub(1).min(items.len());
    // They take the score of the one they displace, else of the last, so that scores stay in order.
    let score = items.get(start).or(items.last()).map_or(1.0, |item| item.score);
    let place =
        |ordinal: &u32| Ranked { ordinal: *ordinal, score, reason: ReasonCode::Pinned, because: None, filler: false };
    items.splice(start..start, pinned.iter().map(place));
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
