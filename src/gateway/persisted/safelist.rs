//! The documents that a shop has registered, found by id, by hash, by text, or by text but for layout.
//!
//! A text is compared byte for byte, and where that fails without what GraphQL ignores: white space, line ends, commas,
//! comments and byte order marks outside strings (October 2021, § 2.1.7). What then runs is the *registered* text, never
//! the one that was sent, so a difference between two readers of such layout opens nothing.

use super::manifest::{self, Entry, ManifestError};
use crate::gateway::limits::Limits;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Registered documents.
#[derive(Debug, Default, PartialEq)]
pub struct Safelist {
    by_id: HashMap<String, Arc<str>>,
    by_hash: HashMap<[u8; 32], Arc<str>>,
    by_text: HashMap<Arc<str>, Arc<str>, ahash::RandomState>,
    by_tokens: HashMap<String, Arc<str>, ahash::RandomState>,
}

impl Safelist {
    /// Reads the files and folders.
    /// Errors: a file that cannot be read or has no known form, an id that stands for two documents.
    pub fn read(paths: &[PathBuf], limits: &Limits) -> Result<Self, ManifestError> {
        let mut list = Self::default();
        for path in paths {
            for entry in manifest::read(path, limits)? {
                list.add(entry)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, entry: Entry) -> Result<(), ManifestError> {
        let text: Arc<str> = entry.text.as_str().into();
        let mut hashes = vec![sha256(&text)];
        if let Some(id) = &entry.id {
            hashes.extend(hash_of(id));
            let known = self.by_id.insert(id.clone(), Arc::clone(&text));
            if known.is_some_and(|known| known != text) {
                return Err(ManifestError::Twice { path: entry.path, id: id.clone() });
            }
        }
        for hash in hashes {
            let known = self.by_hash.insert(hash, Arc::clone(&text));
            if known.is_some_and(|known| known != text) {
                return Err(ManifestError::Twice { path: entry.path, id: hex::encode(hash) });
            }
        }
        self.by_tokens.entry(tokens(&text)).or_insert_with(|| Arc::clone(&text));
        self.by_text.insert(Arc::clone(&text), text);
        Ok(())
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    /// The document of an id, as the file has it or `sha256:` and 64 hexadecimal digits.
    pub fn id(&self, id: &str) -> Option<&Arc<str>> {
        self.by_id.get(id).or_else(|| self.hash(&hash_of(id)?))
    }

    /// The document of a SHA-256.
    pub fn hash(&self, hash: &[u8; 32]) -> Option<&Arc<str>> {
        self.by_hash.get(hash)
    }

    /// The registered document that says the same as a text.
    pub fn text(&self, text: &str) -> Option<&Arc<str>> {
        self.by_text.get(text).or_else(|| self.by_tokens.get(&tokens(text)))
    }
}

/// The SHA-256 of a text.
pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn hash_of(id: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(id.strip_prefix("sha256:").unwrap_or(id), &mut hash).ok()?;
    Some(hash)
}

/// A document without what GraphQL ignores: one space wherever something of it stood between two tokens that would
/// otherwise run together, and none elsewhere.
fn tokens(text: &str) -> String {
    let is_word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut apart = false;
    while let Some(next) = rest.chars().next() {
        match next {
            ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}' => {
                apart = true;
                rest = &rest[next.len_utf8()..];
            }
            '#' => {
                apart = true;
                rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]);
            }
            _ => {
                // Two strings side by side would read as a block string.
                let clash = |last: char| (is_word(last) && is_word(next)) || (last == '"' && next == '"');
                if apart && out.chars().next_back().is_some_and(clash) {
                    out.push(' ');
                }
                apart = false;
                let length = if next == '"' { string(rest) } else { next.len_utf8() };
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    out
}

/// The length of the string that a text begins with; all of it where the string does not end.
fn string(text: &str) -> usize {
    let block = text.starts_with("\"\"\"");
    let (quotes, bytes) = (if block { 3 } else { 1 }, text.as_bytes());
    let mut at = quotes;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if block => at += if bytes[at..].starts_with(b"\\\"\"\"") { 4 } else { 1 },
            // A character of several bytes has no byte that is a quote or a backslash.
            b'\\' => at += 2,
            b'"' if bytes[at..].starts_with(&b"\"\"\""[..quotes]) => return at + quotes,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(texts: &[&str]) -> Safelist {
        let mut list = Safelist::default();
        for text in texts {
            let entry = Entry { id: None, text: (*text).to_owned(), path: PathBuf::from("a.json") };
            list.add(entry).unwrap();
        }
        list
    }

    #[test]
    fn layout_and_comments_do_not_count_and_the_registered_text_is_what_runs() {
        let text = "query Q($a: Int, $b: [Int!]) {\n  a(b: \"x  # y\", c: [1, 2]) # why\n  ...F\n}";
        let list = list(&[text]);
        let found = list.text("query Q($a:Int$b:[Int!]){a(b:\"x  # y\" c:[1 2])... F}");
        assert_eq!(found.map(|found| &**found), Some(text));
        assert!(list.text(&text.replace("x  #", "x #")).is_none(), "within a string every character counts");
        assert!(list.text(&text.replace("[1, 2]", "[12]")).is_none());
        assert!(list.text(&text.replace("...F", "...G")).is_none());
    }

    #[test]
    fn strings_end_where_graphql_ends_them() {
        assert_eq!(tokens(r#"{a(b:"\"" , c:1)}"#), r#"{a(b:"\""c:1)}"#);
        assert_eq!(tokens("{a(b:\"\"\"x \\\"\"\" , y\"\"\" , c:1)}"), "{a(b:\"\"\"x \\\"\"\" , y\"\"\"c:1)}");
        assert_eq!(tokens(r#"{a(b:["" , ""])}"#), r#"{a(b:["" ""])}"#);
        assert_eq!(tokens(r#"{a(b:"open , "#), r#"{a(b:"open , "#);
        assert_eq!(tokens("{a(b:\"\\"), "{a(b:\"\\");
    }

    #[test]
    fn a_document_is_found_by_its_hash_and_its_id() {
        let mut list = list(&["{ a }"]);
        let entry = |id: &str, text: &str| Entry { id: Some(id.into()), text: text.into(), path: "b.json".into() };
        list.add(entry("home-v1", "{ b }")).unwrap();
        assert!(list.id("home-v1").is_some() && list.id("home-v2").is_none());
        let hash = sha256("{ a }");
        assert!(list.hash(&hash).is_some());
        assert!(list.id(&format!("sha256:{}", hex::encode(hash))).is_some());
        let error = list.add(entry("home-v1", "{ c }")).unwrap_err().to_string();
        assert!(error.contains("b.json") && error.contains("home-v1"), "{error}");
    }

    proptest! {
        /// No text can make the reader panic, and what it writes says the same when it is read again.
        #[test]
        fn any_text_has_one_form(text in r#"[\s,#"\\a-z0-9{}(:)é.-]{0,40}"#) {
            let once = tokens(&text);
            prop_assert_eq!(tokens(&once), once);
        }
    }
}
