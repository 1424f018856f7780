//! An answer of the personalization schema as a fragment: written out along its trie, with holes where products stand.

use super::{Fragment, Hole, Piece, Step, Wanted};
use crate::gateway::plan::{Branch, HIDDEN, Trie};
use async_graphql::Value;

/// Writes a value. Products, known by key, become holes; hidden members are left out.
pub fn own_fragment(value: &Value, trie: &Trie) -> Fragment {
    let mut writer = Writer { bytes: Vec::with_capacity(256), from: 0, out: Fragment::default() };
    writer.value(value, Some(trie), None);
    writer.flush();
    writer.out.body = writer.bytes.into();
    writer.out
}

struct Writer {
    bytes: Vec<u8>,
    from: usize,
    out: Fragment,
}

impl Writer {
    fn flush(&mut self) {
        if self.bytes.len() > self.from {
            self.out.pieces.push(Piece::Raw(self.from..self.bytes.len()));
        }
        self.from = self.bytes.len();
    }

    fn value(&mut self, value: &Value, trie: Option<&Trie>, path: Option<usize>) {
        match value {
            Value::List(items) => {
                self.bytes.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.bytes.push(b',');
                    }
                    let path = trie.and_then(|_| self.out.child(path, Step::Index(index)));
                    self.value(item, trie, path);
                }
                self.bytes.push(b']');
            }
            Value::Object(members) => {
                self.bytes.push(b'{');
                let mut first = true;
                for (name, value) in members.iter().filter(|(name, _)| !name.starts_with(HIDDEN)) {
                    if !std::mem::take(&mut first) {
                        self.bytes.push(b',');
                    }
                    self.bytes.push(b'"');
                    self.bytes.extend_from_slice(name.as_bytes());
                    self.bytes.extend_from_slice(b"\":");
                    self.member(name, value, trie.and_then(|trie| trie.get(name)), path);
                }
                self.bytes.push(b'}');
            }
            leaf => self.leaf(leaf),
        }
    }

    fn member(&mut self, name: &str, value: &Value, branch: Option<&Branch>, path: Option<usize>) {
        match branch {
            Some(Branch::Descend(trie)) => {
                let path = self.out.child(path, Step::Key(name.into()));
                self.value(value, Some(trie), path);
            }
            Some(Branch::Product(selection) | Branch::Because(selection)) => {
                let Some(key) = key(value) else { return self.leaf(&Value::Null) };
                self.flush();
                let path = self.out.child(path, Step::Key(name.into()));
                self.out.pieces.push(Piece::Hole(self.out.holes.len()));
                let wanted = Wanted::Product(*selection);
                self.out.holes.push(Hole { wanted, key: key.into(), hidden: Vec::new(), raw: 0..0, fill: None, path });
            }
            _ => self.value(value, None, path),
        }
    }

    fn leaf(&mut self, value: &Value) {
        // Writing JSON into memory cannot fail, and these values have no keys that are not strings.
        if serde_json::to_writer(&mut self.bytes, value).is_err() {
            self.bytes.extend_from_slice(b"null");
        }
    }
}

/// The key of `{key: "…"}`.
fn key(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => match members.get("key")? {
            Value::String(key) => Some(key),
            _ => None,
        },
        _ => None,
    }
}
