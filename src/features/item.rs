//! What is known of an item beyond its number: attributes, such as words of its text, category, brand, price band, each a
//! name in a table of their own.
//!
//! An item that nobody has met yet is embedded by its attributes alone. A name that fewer than two items have says
//! nothing of other items and is left out, as are names beyond a bound on each item.

use std::collections::{BTreeMap, HashSet};

/// The most attributes of an item that count.
const MOST: usize = 64;

/// Attributes of every row, as a list of lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// Where the attributes of a row begin; one more than there are rows.
    offsets: Vec<u32>,
    /// Numbers of names, ascending within a row.
    values: Vec<u32>,
    /// The names in order; a name's place is its number.
    names: Vec<String>,
}

impl Attributes {
    /// Takes the names of each row; `items[0]` is padding's and should be empty.
    pub fn new<S: AsRef<str>>(items: &[Vec<S>]) -> Self {
        let mut holders: BTreeMap<&str, u32> = BTreeMap::new();
        for item in items {
            let once: HashSet<&str> = item.iter().map(AsRef::as_ref).collect();
            once.into_iter().for_each(|name| *holders.entry(name).or_default() += 1);
        }
        holders.retain(|_, count| *count > 1);
        let numbers: BTreeMap<&str, u32> = holders.keys().copied().zip(0..).collect();
        let (mut offsets, mut values) = (vec![0], Vec::new());
        for item in items {
            let mut of_item: Vec<u32> =
                item.iter().filter_map(|name| numbers.get(name.as_ref()).copied()).take(MOST).collect();
            of_item.sort_unstable();
            of_item.dedup();
            values.extend(of_item);
            offsets.push(values.len() as u32);
        }
        Self { offsets, values, names: numbers.into_keys().map(str::to_owned).collect() }
    }

    /// Rows, padding among them.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The names, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The attributes of a row, ascending; none for a row that is not there.
    pub fn of(&self, row: usize) -> &[u32] {
        let bounds = self.offsets.get(row).zip(self.offsets.get(row + 1));
        bounds.and_then(|(from, to)| self.values.get(*from as usize..*to as usize)).unwrap_or_default()
    }
}

/// The words of a text in lower case, each once, in order of appearance; whatever is neither letter nor digit parts them.
pub fn words(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).filter(|word| seen.insert(word.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_single_item_are_left_out_and_the_rest_is_numbered_in_order() {
        let attributes = Attributes::new(&[vec![], vec!["red", "shoe", "red"], vec!["shoe", "rare"], vec!["red"]]);
        assert_eq!(attributes.names(), ["red", "shoe"]);
        assert_eq!((attributes.of(1), attributes.of(2), attributes.of(0)), (&[0, 1][..], &[1][..], &[][..]));
        assert_eq!((attributes.rows(), attributes.of(9)), (4, &[][..]));
    }

    #[test]
    fn words_are_lower_case_and_single_in_any_script() {
        assert_eq!(words("Red, RED-hot 50ml 🌶 حذاء Ähre"), ["red", "hot", "50ml", "حذاء", "ähre"]);
        assert!(words(" 🌶 ").is_empty());
    }
}
