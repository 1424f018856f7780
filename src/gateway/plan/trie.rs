//! Where things stand in an answer: response names from the root down, lists passed over.

use super::{RankId, SelectionId, SiteId};
use std::collections::HashMap;

/// The interesting response names of an object.
#[derive(Debug, Default)]
pub struct Trie(HashMap<Box<str>, Branch, ahash::RandomState>);

/// What stands under a response name.
#[derive(Debug)]
pub enum Branch {
    /// An object or a list of objects with interesting names of its own.
    Descend(Trie),
    /// The placeholder of a site; the client knows it by the site's own key.
    Site(SiteId),
    /// A field whose products are put in order.
    Rank(RankId),
    /// In answers of the personalization schema: a product, known by its key only.
    Product(SelectionId),
    /// In answers of the personalization schema: the product that explains another.
    Because(SelectionId),
}

impl Trie {
    /// What stands under a name.
    pub fn get(&self, name: &str) -> Option<&Branch> {
        self.0.get(name)
    }

    /// Puts something under a name.
    pub fn insert(&mut self, name: impl Into<Box<str>>, branch: Branch) {
        self.0.insert(name.into(), branch);
    }

    /// Whether nothing interesting stands here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All branches with their names, in no order.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Branch)> {
        self.0.iter().map(|(name, branch)| (&**name, branch))
    }

    /// All branches, in no order.
    pub fn branches(&self) -> impl Iterator<Item = &Branch> {
        self.0.values()
    }
}
