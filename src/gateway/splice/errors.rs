//! Errors of an answer, taken apart. Their `locations` are left out: they count in a document that the client never saw.

use super::{Step, scan};
use crate::gateway::plan::{HIDDEN, Trie};
use bytes::Bytes;
use serde_json::{Map, Value};

/// The most errors of one answer that are kept.
pub const MAX_ERRORS: usize = 1000;

/// An error without its path and locations, behind its path.
pub type Error = (Vec<Step>, Map<String, Value>);

/// The errors of an answer; none where it has none or cannot be read.
pub fn errors_of(body: &Bytes) -> Vec<Error> {
    let range = scan::answer(body, &Trie::default()).ok().and_then(|answer| answer.errors);
    range.and_then(|range| body.get(range)).map(errors_in).unwrap_or_default()
}

/// The errors of a list as it stands in an answer. What is no list, or nested too deeply to be read, is one error.
pub fn errors_in(raw: &[u8]) -> Vec<Error> {
    let errors = serde_json::from_slice::<Option<Vec<Value>>>(raw).unwrap_or_else(|_| Some(vec![Value::Null]));
    errors.into_iter().flatten().take(MAX_ERRORS).map(error).collect()
}

fn error(value: Value) -> Error {
    let Value::Object(mut error) = value else {
        return (Vec::new(), Map::from_iter([("message".to_owned(), Value::from("The shop reported an error."))]));
    };
    error.remove("locations");
    let path = match error.remove("path") {
        Some(Value::Array(steps)) => steps.iter().filter_map(step).collect(),
        _ => Vec::new(),
    };
    (path, error)
}

fn step(value: &Value) -> Option<Step> {
    match value {
        Value::String(name) => Some(Step::Key(name.as_str().into())),
        Value::Number(index) => Some(Step::Index(usize::try_from(index.as_u64()?).ok()?)),
        _ => None,
    }
}

/// The path as the client knows it: response names per type are their own again. `None`: it leads to a hidden member.
pub fn as_client_sees(path: Vec<Step>) -> Option<Vec<Step>> {
    let step = |step| match step {
        Step::Key(name) => match name.strip_prefix(HIDDEN) {
            // `_gwProduct_x` is the client's `x`; `_gw_x` is the gateway's own.
            Some(rest) => match rest.split_once('_')? {
                ("", _) => None,
                (_, own) => Some(Step::Key(own.into())),
            },
            None => Some(Step::Key(name)),
        },
        index => Some(index),
    };
    path.into_iter().map(step).collect()
}

/// Takes the errors below a path out, with the rest of their paths.
pub fn take_below(errors: &mut Vec<Error>, path: &[Step]) -> Vec<Error> {
    let is_below = |(at, _): &Error| at.starts_with(path);
    let (inside, outside): (Vec<Error>, Vec<Error>) = std::mem::take(errors).into_iter().partition(is_below);
    *errors = outside;
    inside.into_iter().map(|(at, error)| (at.into_iter().skip(path.len()).collect(), error)).collect()
}
