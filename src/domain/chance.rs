//! What is left to chance in a decision, so that a log can tell what another order would have brought.
//!
//! With a share that the shop sets the products of a slate are shuffled, all but those that rules placed. The coin and the
//! order follow from the decision's id, which nobody can guess before: a decision can be made again, and nobody can choose
//! their own. Chance has the last word before live stock is asked, so what a product's place was worth in probability can be
//! computed exactly: [`propensities`].

use super::ids::{DecisionId, ProductKey};
use super::slate::{ReasonCode, Slate, SlateItem};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The draw that tells whether anything is shuffled; those after it tell how.
const COIN: u64 = 1;

/// Shuffles the candidates of a slate where its id says so; `slate.decision.explore` is the share.
pub fn arrange(slate: &mut Slate) {
    let free = free(&slate.items);
    let Some(order) = drawn(&slate.decision.id, slate.decision.explore, free.len()) else { return };
    let items: Vec<SlateItem> = free.iter().map(|place| slate.items[*place].clone()).collect();
    for (place, from) in free.into_iter().zip(order) {
        slate.items[place] = items[from].clone();
    }
}

/// The candidates of a slate as they stood before [`arrange`].
pub fn before(slate: &Slate) -> Vec<SlateItem> {
    let (mut items, free) = (slate.items.clone(), free(&slate.items));
    if let Some(order) = drawn(&slate.decision.id, slate.decision.explore, free.len()) {
        for (place, from) in free.iter().zip(order) {
            items[free[from]] = slate.items[*place].clone();
        }
    }
    items
}

/// Whether a rule placed it, so that chance leaves it where it is.
pub fn is_placed(item: &SlateItem) -> bool {
    item.reason == ReasonCode::Pinned
}

/// The probability with which each product of `served` was at its place, by this way of deciding: 1 throughout where nothing
/// is left to chance. `candidates`: what was arranged; `dropped`: what of it the platform did not have, or another slate
/// showed. A candidate that nobody asked the platform about counts as one that it has.
pub fn propensities(candidates: &Slate, dropped: &[ProductKey], served: &[SlateItem]) -> Vec<f64> {
    let share = within(candidates.decision.explore);
    if share == 0.0 {
        return vec![1.0; served.len()];
    }
    let gone: HashSet<&ProductKey> = dropped.iter().collect();
    let there = |item: &&SlateItem| !gone.contains(&item.product);
    let ranked = before(candidates);
    let ranked: Vec<&ProductKey> = ranked.iter().filter(there).map(|item| &item.product).collect();
    let shuffled = Shuffled::of(&candidates.items, &gone);
    let of = |(at, item): (usize, &SlateItem)| {
        let certain = if ranked.get(at) == Some(&&item.product) { 1.0 - share } else { 0.0 };
        certain + share * shuffled.at(item, at)
    };
    served.iter().enumerate().map(of).collect()
}

/// A share that is none counts as none.
fn within(share: f64) -> f64 {
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// The places of those that chance may move.
fn free(items: &[SlateItem]) -> Vec<usize> {
    (0..items.len()).filter(|place| !is_placed(&items[*place])).collect()
}

/// The order of so many free products, by the decision's id: which one comes to each place. Nothing where all stay where they
/// are. Every order is as likely as every other, but for the 2⁻⁵⁰ that dividing a draw among so few leaves over.
fn drawn(id: &DecisionId, share: f64, free: usize) -> Option<Vec<usize>> {
    let draw = |number: u64| xxh3_64_with_seed(id.as_str().as_bytes(), number);
    // 53 bits fit a float exactly.
    let coin = (draw(COIN) >> 11) as f64 / (1_u64 << 53) as f64;
    if free < 2 || coin >= within(share) {
        return None;
    }
    let mut order: Vec<usize> = (0..free).collect();
    for (last, number) in (1..free).rev().zip(COIN + 1..) {
        // Fisher and Yates; the product's upper half is below `last + 1`.
        let chosen = (u128::from(draw(number)) * (last as u128 + 1)) >> 64;
        order.swap(last, chosen as usize);
    }
    Some(order)
}

/// Candidates of which those that are free stand in any order, and some of them are gone.
struct Shuffled {
    /// For each free place, from the front: how many that were placed by rules stand before it and are there.
    placed_before: Vec<usize>,
    /// For each that was placed: its key, how many free places are before it, how many placed ones that are there.
    placed: Vec<(ProductKey, usize, usize)>,
    /// Free candidates that are gone.
    gone: usize,
}

impl Shuffled {
    fn of(items: &[SlateItem], gone: &HashSet<&ProductKey>) -> Self {
        let mut found = Self { placed_before: Vec::new(), placed: Vec::new(), gone: 0 };
        let mut there = 0;
        for item in items {
            let is_gone = gone.contains(&item.product);
            if is_placed(item) {
                found.placed.push((item.product.clone(), found.placed_before.len(), there));
                there += usize::from(!is_gone);
            } else {
                found.placed_before.push(there);
                found.gone += usize::from(is_gone);
            }
        }
        found
    }

    /// The probability that an item that is there stands at this place, from 0, among those that are there.
    fn at(&self, item: &SlateItem, place: usize) -> f64 {
        let free = self.placed_before.len();
        if is_placed(item) {
            let Some((_, free_before, there)) = self.placed.iter().find(|(key, ..)| *key == item.product) else {
                return 0.0;
            };
            // Before it stand `there` placed ones and, of the free places before it, those whose product is there.
            return (free_before + there)
                .checked_sub(place)
                .map_or(0.0, |gone| hypergeometric(free, self.gone, *free_before, gone));
        }
        let others = free.saturating_sub(1);
        let of = |(before, there): (usize, &usize)| {
            let gone = (before + there).checked_sub(place);
            gone.map_or(0.0, |gone| hypergeometric(others, self.gone, before, gone))
        };
        self.placed_before.iter().enumerate().map(of).sum::<f64>() / free.max(1) as f64
    }
}

/// The probability that, of `all` of which `marked` are marked, `drawn` drawn at random hold so many marked ones.
fn hypergeometric(all: usize, marked: usize, drawn: usize, found: usize) -> f64 {
    let rest = all.saturating_sub(marked);
    if found > marked || found > drawn || drawn - found > rest || drawn > all {
        return 0.0;
    }
    choose(marked, found) * choose(rest, drawn - found) / choose(all, drawn)
}

/// Binomial coefficients of a slate's few dozen: within what a float holds.
fn choose(of: usize, many: usize) -> f64 {
    (0..many.min(of - many)).fold(1.0, |product, at| product * (of - at) as f64 / (at + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::slate::{Decision, ServedBy};
    use super::*;
    use jiff::Timestamp;
    use std::collections::HashMap;

    /// Candidates `a`, `b`, …; those in capitals were placed by a rule.
    fn slate(id: &str, keys: &str, explore: f64) -> Slate {
        let item = |key: char| SlateItem {
            product: ProductKey::new(key.to_string()),
            score: 1.0,
            reason: if key.is_uppercase() { ReasonCode::Pinned } else { ReasonCode::Similar },
            because: None,
        };
        let decision = Decision {
            id: DecisionId::new(id),
            served_by: ServedBy::Statistics,
            fallback: None,
            model: None,
            experiment: None,
            explore,
            decided_at: Timestamp::UNIX_EPOCH,
            max_age: 0,
        };
        Slate { decision, placement: "home".into(), items: keys.chars().map(item).collect(), wanted: 4 }
    }

    fn keys(items: &[SlateItem]) -> String {
        items.iter().map(|item| item.product.as_str()).collect()
    }

    fn arranged(id: &str, of: &str, explore: f64) -> Slate {
        let mut slate = slate(id, of, explore);
        arrange(&mut slate);
        slate
    }

    #[test]
    fn what_is_arranged_follows_from_the_id_and_can_be_taken_back() {
        let mut moved = 0;
        for n in 0..2_000 {
            let id = format!("{n:032x}");
            let slate = arranged(&id, "abPcdeQf", 0.3);
            assert_eq!(slate, arranged(&id, "abPcdeQf", 0.3));
            assert_eq!((&keys(&slate.items)[2..3], &keys(&slate.items)[6..7]), ("P", "Q"), "rules keep their places");
            assert_eq!(keys(&before(&slate)), "abPcdeQf");
            moved += usize::from(keys(&slate.items) != "abPcdeQf");
        }
        assert!((540..660).contains(&moved), "{moved} of 2,000 at a share of .3");
        for share in [0.0, -1.0, f64::NAN] {
            assert_eq!(keys(&arranged("1", "abc", share).items), "abc");
        }
        assert_eq!(keys(&arranged("1", "aP", 1.0).items), "aP");
    }

    #[test]
    fn every_order_is_as_likely_as_every_other() {
        let mut found: HashMap<String, usize> = HashMap::new();
        for n in 0..24_000 {
            *found.entry(keys(&arranged(&format!("{n:032x}"), "abcd", 1.0).items)).or_default() += 1;
        }
        assert_eq!(found.len(), 24);
        // Five standard deviations of a count of 1,000.
        assert!(found.values().all(|count| (845..1_155).contains(count)), "{found:?}");
    }

    /// Every order of the free ones, each with its probability.
    fn orders(of: &str, share: f64) -> Vec<(String, f64)> {
        let free: Vec<char> = of.chars().filter(|key| key.is_lowercase()).collect();
        let mut all = vec![Vec::new()];
        for _ in &free {
            let longer = |one: &Vec<char>| {
                let rest = free.iter().filter(|key| !one.contains(key));
                rest.map(|key| [one.as_slice(), &[*key]].concat()).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        let each = share / all.len() as f64;
        let whole = |free: &Vec<char>| {
            let mut free = free.iter();
            of.chars().map(|key| if key.is_lowercase() { *free.next().unwrap() } else { key }).collect::<String>()
        };
        let shuffled = all.iter().map(|free| (whole(free), each));
        shuffled.chain([(of.to_owned(), 1.0 - share)]).collect()
    }

    #[test]
    fn propensities_are_those_of_counting_every_order() {
        for (of, gone) in [("abcde", ""), ("abcde", "bd"), ("aPbcd", ""), ("abPcQd", "bP"), ("PabcQ", "aQ"), ("a", "")]
        {
            let there = |order: &str| order.chars().filter(|key| !gone.contains(*key)).take(3).collect::<String>();
            let all = orders(of, 0.2);
            let dropped: Vec<ProductKey> = gone.chars().map(|key| ProductKey::new(key.to_string())).collect();
            for n in 0..40 {
                let slate = arranged(&format!("{n:032x}"), of, 0.2);
                let served = there(&keys(&slate.items));
                let items: Vec<SlateItem> =
                    slate.items.iter().filter(|item| served.contains(item.product.as_str())).cloned().collect();
                let found = propensities(&slate, &dropped, &items);
                for (at, (key, found)) in served.chars().zip(found).enumerate() {
                    let counted: f64 = all
                        .iter()
                        .filter(|(order, _)| there(order).chars().nth(at) == Some(key))
                        .map(|(_, probability)| probability)
                        .sum();
                    assert!((found - counted).abs() < 1e-12, "{of} without {gone}: {key} at {at}: {found} {counted}");
                }
            }
        }
        assert_eq!(propensities(&slate("1", "abc", 0.0), &[], &slate("1", "abc", 0.0).items), [1.0; 3]);
    }
}
