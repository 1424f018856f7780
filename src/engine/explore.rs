//! The last word before live stock is asked: chance, for the share of decisions that the shop sets.
//!
//! It takes what was decided, also where that was kept from a moment ago, and is drawn by the id under which it is served. A
//! decision that may not be logged is never left to chance: nothing would be learned from it. Nor is one whose order is what
//! was asked for, nor a fallback.

use super::slate::Slated;
use crate::domain::chance;
use crate::domain::slate::{Intent, ServedBy};

/// The slate, in the order that its id says.
pub(super) fn explore(mut slated: Slated, share: f64) -> Slated {
    let decided = slated.slate.decision.served_by != ServedBy::Fallback;
    let ranked = slated.made.as_ref().is_some_and(|made| is_ranked(made.intent));
    if share > 0.0 && decided && ranked {
        slated.slate.decision.explore = share.min(1.0);
        chance::arrange(&mut slated.slate);
    }
    slated
}

/// Whether the order is a guess. What was viewed or bought is asked for newest first.
fn is_ranked(intent: Intent) -> bool {
    !matches!(intent, Intent::RecentlyViewed | Intent::BuyAgain)
}
