//! What people call the items of a table: titles, or keys where there are none, and the group that each belongs to.

use crate::features::{Attributes, Vocabulary};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What attributes that are categories begin with.
const CATEGORY: &str = "category:";

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Labels<'a> {
    /// Keys by row.
    pub(in crate::cli) vocabulary: &'a Vocabulary,
    /// Titles by row; none where they are not known.
    pub(in crate::cli) titles: &'a [Box<str>],
    /// What is known of the items.
    pub(in crate::cli) attributes: &'a Attributes,
}

impl Labels<'_> {
    /// The title of a row, or its key.
    pub(super) fn title(&self, row: u32) -> Cow<'_, str> {
        let title = self.titles.get(row as usize).map(|title| &**title).filter(|title| !title.trim().is_empty());
        let key = || self.vocabulary.key(row).map_or("an item outside the data", |key| key);
        Cow::Borrowed(title.unwrap_or_else(key))
    }

    /// The group of each row: its category, or else the one of its attributes that most of the rows share, as long as not
    /// most of all have it; empty where nothing is known.
    pub(super) fn groups(&self, rows: impl Iterator<Item = u32>) -> Vec<&str> {
        let rows: Vec<u32> = rows.collect();
        let mut holders: BTreeMap<u32, usize> = BTreeMap::new();
        let of = |row: &u32| self.attributes.of(*row as usize);
        rows.iter().flat_map(of).for_each(|name| *holders.entry(*name).or_default() += 1);
        let text = |name: u32| self.attributes.names().get(name as usize).map_or("", String::as_str);
        let group = |row: &u32| {
            let category = of(row).iter().find_map(|name| text(*name).strip_prefix(CATEGORY));
            let shared = || {
                let telling =
                    of(row).iter().filter(|name| holders.get(*name).is_some_and(|held| 2 * held < rows.len()));
                let most = telling.max_by_key(|name| (holders.get(*name), std::cmp::Reverse(**name)));
                most.map_or("", |name| text(*name))
            };
            category.unwrap_or_else(shared)
        };
        rows.iter().map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_called_by_its_title_or_key_and_grouped_by_category_or_by_what_tells_it_apart() {
        let vocabulary = Vocabulary::new(["a", "b", "c", "d", "e"]).unwrap();
        let of = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let all = [&["word:all", "category:Hats"][..], &["word:all", "category:Hats", "word:red"]];
        let more = [&["word:all", "word:red"][..], &["word:all"], &["word:all"]];
        let names: Vec<Vec<String>> = std::iter::once(Vec::new()).chain(all.into_iter().chain(more).map(of)).collect();
        let attributes = Attributes::new(&names);
        let titles: Vec<Box<str>> = ["", "Hat", " "].map(Box::from).to_vec();
        let labels = Labels { vocabulary: &vocabulary, titles: &titles, attributes: &attributes };
        assert_eq!((labels.title(1), labels.title(2), labels.title(5)), ("Hat".into(), "b".into(), "e".into()));
        assert_eq!(labels.title(99), "an item outside the data");
        assert_eq!(labels.groups(1..6), ["Hats", "Hats", "word:red", "", ""]);
    }
}
