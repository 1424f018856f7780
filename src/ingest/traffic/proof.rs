//! What the platform's answer says of a claim: without one, claims stand as they are.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

/// The largest answer that is looked into, in bytes; of a larger one hand in nothing.
pub const LARGEST: usize = 256 * 1024;

/// An answer that has been read, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof(Option<HashMap<Box<str>, Root>>);

/// An answer, of which only what proves something is built: the rest, nearly all of it, is passed over.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errors: Value,
    data: Option<HashMap<Box<str>, Root>>,
}

impl Proof {
    /// Reads an answer. `None`: it proves that nothing happened, because it has errors or is no answer at all.
    pub fn read(answer: Option<&[u8]>) -> Option<Self> {
        let Some(answer) = answer.filter(|answer| answer.len() <= LARGEST) else { return Some(Self(None)) };
        // serde would read a struct from a list too.
        if answer.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let answer: Answer = serde_json::from_slice(answer).ok()?;
        let data = answer.data?;
        empty(&answer.errors).then_some(Self(Some(data)))
    }

    /// Whether the field under this response name came back, without errors of its own.
    pub fn stands(&self, response: &str) -> bool {
        let Some(data) = &self.0 else { return true };
        data.get(response).is_some_and(|root| !root.is_null && !root.refused)
    }

    /// The `id` of the object under this response name, where the client asked for it.
    pub fn id(&self, response: &str) -> Option<String> {
        let id = self.0.as_ref()?.get(response)?.id.as_deref()?;
        (!id.is_empty()).then(|| id.to_owned())
    }
}

/// What a root field says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
struct Root {
    is_null: bool,
    /// It has errors of its own, or a cart that is not there.
    refused: bool,
    id: Option<Box<str>>,
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Root;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Root, E> {
        Ok(Root { is_null: true, ..Root::default() })
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Root, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Root::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Root, A::Error> {
        let mut root = Root::default();
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*name {
                "id" => root.id = members.next_value::<Value>()?.as_str().map(Into::into),
                "userErrors" | "customerUserErrors" => root.refused |= !empty(&members.next_value()?),
                "cart" => root.refused |= members.next_value::<Option<IgnoredAny>>()?.is_none(),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(root)
    }
}

fn empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Option<Proof> {
        Proof::read(Some(answer.as_bytes()))
    }

    #[test]
    fn what_came_back_without_errors_stands() {
        let answer = r#"{"extensions":{"a":[1]},"data":{"p":{"x":{"id":"2"},"id":"1","l":[{}]},"n":null,"s":"t","l":[1],
            "added":{"userErrors":[],"cart":{"id":"c"}},"refused":{"userErrors":[{}]},"gone":{"cart":null},"i":-1,"f":1.5,"b":true}}"#;
        let proof = read(answer).unwrap();
        let stands = |name: &&str| proof.stands(name);
        let names = ["p", "n", "s", "l", "added", "refused", "gone", "i", "f", "b", "missing"];
        assert_eq!(names.into_iter().filter(stands).collect::<Vec<_>>(), ["p", "s", "l", "added", "i", "f", "b"]);
        assert_eq!(proof.id("p").as_deref(), Some("1"));
        assert_eq!(proof.id("added"), None);
    }

    #[test]
    fn an_answer_with_errors_and_one_that_breaks_off_prove_nothing() {
        for wrong in [
            r#"{"errors":[{"message":"no"}],"data":{"p":{"id":"1"}}}"#,
            r#"{"data":{"p":{"id":"1"}"#,
            r#"{"data":null}"#,
            r#"{"data":[]}"#,
            r#"[null,{"p":{"id":"1"}}]"#,
            "<html>",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(read(r#"{"errors":[],"data":{}}"#).is_some());
        assert!(Proof::read(None).unwrap().stands("anything"));
    }
}
