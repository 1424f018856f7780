//! What is known of an item beyond its number: attributes, such as words of its text, category, brand, price band, each a
//! name in a table of their own.
//!
//! An item that nobody has met yet is embedded by its attributes alone. A name that fewer than two items have says
//! nothing of other items and is left out, as are names beyond a bound on each item.

use crate::domain::product::CatalogueProduct;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

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
    /// Vectors of the rows' texts, `[rows, width]`; none where texts are not read, or are within the rows' own vectors.
    texts: Option<Arc<(usize, Vec<f32>)>>,
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
        Self { offsets, values, names: numbers.into_keys().map(str::to_owned).collect(), texts: None }
    }

    /// The same with vectors of the rows' texts, `[rows, width]`, padding's first.
    pub fn with_texts(self, width: usize, vectors: Vec<f32>) -> Self {
        Self { texts: Some(Arc::new((width, vectors))), ..self }
    }

    /// The same without.
    pub fn without_texts(&self) -> Self {
        Self { texts: None, ..self.clone() }
    }

    /// The width of the texts' vectors, and the vectors, `[rows, width]`.
    pub fn texts(&self) -> Option<(usize, &[f32])> {
        self.texts.as_ref().map(|texts| (texts.0, &texts.1[..]))
    }

    /// Rows, padding among them.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The names, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers of those names that are known, ascending, each once: what an item is known by that came later.
    pub fn numbers<S: AsRef<str>>(&self, names: &[S]) -> Vec<u32> {
        let number = |name: &S| self.names.binary_search_by(|own| own.as_str().cmp(name.as_ref())).ok();
        let mut numbers: Vec<u32> = names.iter().filter_map(number).take(MOST).map(|at| at as u32).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The attributes of a row, ascending; none for a row that is not there.
    pub fn of(&self, row: usize) -> &[u32] {
        let bounds = self.offsets.get(row).zip(self.offsets.get(row + 1));
        bounds.and_then(|(from, to)| self.values.get(*from as usize..*to as usize)).unwrap_or_default()
    }
}

/// Words of a description that are attributes: what follows says little.
const DESCRIPTION_WORDS: usize = 24;

/// What a product of the catalogue is known by: category, brand, price band, tags and words, each a name. Training and
/// serving both ask here, so that a product means the same to both. `band` is the product's price band within its
/// category, from 0.
pub fn described(product: &CatalogueProduct, band: Option<u8>) -> Vec<String> {
    let kinds = [("category", &product.category), ("brand", &product.vendor)];
    let mut names: Vec<String> =
        kinds.iter().filter(|(_, text)| !text.is_empty()).map(|(kind, text)| format!("{kind}:{text}")).collect();
    // A band means something only beside its category.
    names.extend(band.map(|band| format!("price:{}:{band}", product.category)));
    names.extend(words(&product.title).into_iter().map(|word| format!("word:{word}")));
    names.extend(product.tags.iter().map(|tag| format!("tag:{tag}")));
    names.extend(words(&product.text).into_iter().take(DESCRIPTION_WORDS).map(|word| format!("word:{word}")));
    let mut once = HashSet::new();
    names.retain(|name| once.insert(name.clone()));
    names
}

/// What is written of a product, as text vectors are made of it for training and for serving.
pub fn written(product: &CatalogueProduct) -> String {
    match product.text.trim() {
        "" => product.title.to_string(),
        text => format!("{}. {text}", product.title),
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
        assert_eq!(attributes.numbers(&["shoe", "new", "red", "shoe"]), [0, 1]);
    }

    #[test]
    fn a_product_is_known_by_category_brand_price_tags_and_words_each_once() {
        let line = r#"{"key":"1","handle":"h","title":"Red wool hat","category":"Hats","vendor":"Ull","tags":["warm"],
            "text":"A red hat."}"#;
        let product: CatalogueProduct = serde_json::from_str(line).unwrap();
        let expected = "category:Hats brand:Ull price:Hats:2 word:red word:wool word:hat tag:warm word:a";
        assert_eq!(described(&product, Some(2)).join(" "), expected);
        let bare: CatalogueProduct = serde_json::from_str(r#"{"key":"1","handle":"h","title":"🌶"}"#).unwrap();
        assert!(described(&bare, None).is_empty());
    }

    #[test]
    fn words_are_lower_case_and_single_in_any_script() {
        assert_eq!(words("Red, RED-hot 50ml 🌶 حذاء Ähre"), ["red", "hot", "50ml", "حذاء", "ähre"]);
        assert!(words(" 🌶 ").is_empty());
    }
}
