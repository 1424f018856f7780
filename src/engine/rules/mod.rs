//! What a merchandiser has decided, over what was computed. A rule is a file here and an arm in each `match`.

mod block;
mod boost;
mod pin;

pub(super) use pin::place;

use super::ranked::Ranked;
use crate::catalogue::Index;
use crate::domain::ids::{CollectionKey, ProductKey};
use crate::domain::product::CatalogueProduct;
use serde::{Deserialize, Serialize};

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Placements that it holds for; all where the list is empty.
    #[serde(default)]
    pub placements: Vec<Box<str>>,
    /// Tiers of customers that it holds for; everybody where the list is empty.
    #[serde(default)]
    pub tiers: Vec<Box<str>>,
    /// The products that it is about.
    pub products: Selector,
    /// What is done with them.
    pub action: Action,
}

/// A choice of products: those that meet every condition given. Without any condition: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selector {
    /// One of these products.
    pub keys: Vec<ProductKey>,
    /// Of this category.
    pub category: Option<Box<str>>,
    /// Of this vendor.
    pub vendor: Option<Box<str>>,
    /// With this tag.
    pub tag: Option<Box<str>>,
    /// In this collection.
    pub collection: Option<CollectionKey>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Never recommended. A re-ranked connection keeps its products, so there it does nothing.
    Block,
    /// Placed from this position on, counted from 1, in the order of the selector's keys, else of product keys.
    Pin(usize),
    /// The score is multiplied by this factor: above 1 up, below 1 down.
    Boost(f64),
}

impl Selector {
    /// Whether the product is one of those meant.
    pub(super) fn meets(&self, product: &CatalogueProduct) -> bool {
        let Self { keys, category, vendor, tag, collection } = self;
        let any = !keys.is_empty() || category.is_some() || vendor.is_some() || tag.is_some() || collection.is_some();
        any && category.as_ref().is_none_or(|category| *category == product.category)
            && vendor.as_ref().is_none_or(|vendor| *vendor == product.vendor)
            && collection.as_ref().is_none_or(|collection| product.collections.contains(collection))
            && tag.as_ref().is_none_or(|tag| product.tags.contains(tag))
            && (keys.is_empty() || keys.contains(&product.key))
    }
}

/// What one rule placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The rule's number among those of the placement.
    pub(super) rule: usize,
    /// From which position on, counted from 1.
    pub(super) position: usize,
    /// Ordinals, in order.
    pub(super) products: Vec<u32>,
}

/// The rules of one placement for one shopper.
#[derive(Clone, Debug)]
pub(super) struct Rules<'a> {
    rules: Vec<&'a Rule>,
    /// The shopper's tier, where a rule of the placement asked for it.
    asked: Option<Option<&'a str>>,
}

impl<'a> Rules<'a> {
    /// Those of `all` that hold for the placement and for a shopper of this tier, in their order.
    pub(super) fn of(all: &'a [Rule], placement: &str, tier: Option<&'a str>) -> Self {
        let here = |rule: &&Rule| rule.placements.is_empty() || rule.placements.iter().any(|name| **name == *placement);
        let holds = |rule: &&Rule| rule.tiers.is_empty() || rule.tiers.iter().any(|name| Some(&**name) == tier);
        let asked = all.iter().filter(here).any(|rule| !rule.tiers.is_empty()).then_some(tier);
        Self { rules: all.iter().filter(here).filter(holds).collect(), asked }
    }

    /// The shopper's tier, where a rule of the placement asked for it: `Some(None)` is a shopper without one.
    pub(super) fn asked(&self) -> Option<Option<&'a str>> {
        self.asked
    }

    /// Each rule.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Rule> + '_ {
        self.rules.iter().copied()
    }

    /// Whether a rule forbids the product.
    pub(super) fn block(&self, product: &CatalogueProduct) -> bool {
        self.rules.iter().any(|rule| block::blocks(rule, product))
    }

    /// What rules multiply the product's score by; finite, not negative.
    pub(super) fn boost(&self, product: &CatalogueProduct) -> f64 {
        self.rules.iter().map(|rule| boost::factor(rule, product)).product::<f64>().clamp(0.0, 1e6)
    }

    /// Puts pinned products in their places, if they are `eligible`. Scores stay in descending order. What was placed where.
    pub(super) fn pin(&self, items: &mut Vec<Ranked>, index: &Index, eligible: impl Fn(u32) -> bool) -> Vec<Placed> {
        let pinned = |(number, rule): (usize, &&Rule)| {
            let (position, products) = pin::pinned(rule, index, &eligible)?;
            place(items, position, &products);
            Some(Placed { rule: number, position, products })
        };
        self.rules.iter().enumerate().filter_map(pinned).collect()
    }
}

#[cfg(test)]
mod tests;
