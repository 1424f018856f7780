//! What an answer shows of its root fields, in a few bytes: enough to prove what the operation says of its shopper
//! (`ingest::traffic::proof`), so that nobody has to read the whole answer a second time.

use super::Mark;
use super::scan::members_of;
use bytes::Bytes;
use std::ops::Range;

/// The members of a root field that prove something.
const PROVES: [&[u8]; 4] = [b"id", b"userErrors", b"customerUserErrors", b"cart"];

/// The answer with nothing in it but these root fields, nothing in those but what proves something, and errors without
/// what they say. `errors`: where they stand.
pub fn shown<'n>(
    body: &Bytes,
    marks: &[Mark],
    errors: Option<&Range<usize>>,
    names: impl IntoIterator<Item = &'n str>,
) -> Bytes {
    let at = |range: &Range<usize>| body.get(range.clone()).unwrap_or_default();
    let mut out = b"{\"data\":{".to_vec();
    let mut first = true;
    for name in names {
        let is_it = |(_, mark): &(usize, &Mark)| mark.depth == 0 && at(&mark.name) == name.as_bytes();
        // Of two of one name the last is the one that readers take.
        let Some((place, root)) = marks.iter().enumerate().rev().find(is_it) else { continue };
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        let value = at(&root.value);
        match value.first() {
            Some(b'{') => {
                let before = marks.get(..place).unwrap_or_default().iter().rev();
                let inside = before.take_while(|mark| mark.depth == 1 && mark.value.start >= root.value.start);
                let mut inside: Vec<(&[u8], &[u8])> = inside.map(|mark| (at(&mark.name), at(&mark.value))).collect();
                let passed_over = if inside.is_empty() { members_of(body, root.value.clone()).ok() } else { None };
                let passed_over = passed_over.unwrap_or_default();
                inside.extend(passed_over.iter().map(|(name, range)| (name.as_bytes(), at(range))));
                object(&inside, &mut out);
            }
            // A list says that it is there.
            Some(b'[') => out.extend_from_slice(b"[]"),
            _ => out.extend_from_slice(value),
        }
    }
    out.push(b'}');
    let inside =
        |errors: &[u8]| errors.strip_prefix(b"[")?.strip_suffix(b"]").map(|inside| inside.trim_ascii().is_empty());
    let empty = |errors: &[u8]| errors == b"null" || inside(errors) == Some(true);
    if errors.is_some_and(|range| !empty(at(range))) {
        out.extend_from_slice(b",\"errors\":[null]");
    }
    out.push(b'}');
    out.into()
}

fn object(members: &[(&[u8], &[u8])], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (name, value) in members.iter().filter(|(name, _)| PROVES.contains(name)) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(if *name == b"cart" && value.first() == Some(&b'{') { b"{}" } else { value });
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::super::answer;
    use super::*;
    use crate::gateway::plan::{Branch, Trie};
    use crate::ingest::traffic::proof::Proof;

    const ROOTS: [&str; 6] = ["walked", "passed", "nothing", "refused", "gone", "list"];

    fn walking() -> Trie {
        let mut inner = Trie::default();
        inner.insert("site", Branch::Site(0));
        let mut trie = Trie::default();
        trie.insert("walked", Branch::Descend(inner));
        trie
    }

    fn condensed(text: &str) -> Bytes {
        let body = Bytes::from(text.to_owned());
        let answer = answer(&body, &walking()).unwrap();
        shown(&body, &answer.marks, answer.errors.as_ref(), ROOTS)
    }

    #[test]
    fn what_is_shown_proves_what_the_whole_answer_proves() {
        for text in [
            r#"{"data":{"walked":{"list":[{"id":"no"}],"id":"1","site":"k","in":{"id":"no"}},"passed":{"x":{"id":"no"},"id":"2"},
                "nothing":null,"refused":{"userErrors":[{"message":"no"}],"cart":{"id":"c"}},"gone":{"cart":null},"list":[{"id":"3"}]}}"#,
            r#"{"errors":[ ],"data":{"walked":{"userErrors":[],"site":"k"},"passed":"text","gone":{"cart":{"lines":[1]}}}}"#,
            r#"{"data":{"walked":{"id":"a\"b","customerUserErrors":[1]},"passed":{}},"errors":[{"message":"no"}]}"#,
            r#"{"data":{}}"#,
        ] {
            let (whole, short) = (Proof::read(Some(text.as_bytes())), Proof::read(Some(&condensed(text))));
            assert_eq!(whole.is_some(), short.is_some(), "{text}");
            let (Some(whole), Some(short)) = (whole, short) else { continue };
            for root in ROOTS {
                assert_eq!((whole.stands(root), whole.id(root)), (short.stands(root), short.id(root)), "{root} {text}");
            }
        }
    }

    #[test]
    fn what_is_shown_is_short() {
        let products = r#"{"title":"a product","site":"k"},"#.repeat(500);
        let text = format!(r#"{{"data":{{"walked":{{"nodes":[{products}1],"id":"1"}}}},"errors":null}}"#);
        assert_eq!(condensed(&text), r#"{"data":{"walked":{"id":"1"}}}"#);
    }
}
