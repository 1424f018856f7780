//! Fields of records. Most are looked up; what every type has in common is answered here: texts cut to a length,
//! lists cut to a length, metafields (the demo store has none), look-ups by key or handle.

use super::ask::Ask;
use super::value::{Object, Record, Resolved, Value};
use apollo_compiler::response::JsonValue;

/// The value of a record's field.
pub(super) fn field<'s>(record: &Record<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let own = |name: &str| record.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone());
    Ok(match (own(ask.field), ask.field) {
        // A page of a site map, numbered from 1.
        (Some(Value::List(pages)), "resources") => {
            let page = ask.int("page").and_then(|page| usize::try_from(page.checked_sub(1)?).ok());
            page.and_then(|page| pages.get(page).cloned()).unwrap_or(Value::NULL)
        }
        (Some(value), _) => cut(value, ask),
        (None, "metafields") => metafields(ask),
        (None, "attribute") => {
            own("attributes").and_then(|all| named(&all, "key", ask.text("key")?)).unwrap_or(Value::NULL)
        }
        (None, "articleByHandle") => {
            own("articles").and_then(|all| named(&all, "handle", ask.text("handle")?)).unwrap_or(Value::NULL)
        }
        (None, _) => Value::Absent,
    })
}

/// One null for each metafield that was asked for.
pub(super) fn metafields<'s>(ask: Ask<'_>) -> Value<'s> {
    let many = ask.list("identifiers").map_or(0, <[JsonValue]>::len);
    Value::list(std::iter::repeat_n(Value::NULL, many.min(250)))
}

/// The text, at most `truncateAt` characters long, with an ellipsis where something is missing.
pub(super) fn truncated(text: &str, ask: Ask<'_>) -> String {
    match ask.int("truncateAt").and_then(|at| usize::try_from(at).ok()) {
        Some(at) if text.chars().count() > at => text.chars().take(at.saturating_sub(3)).chain("...".chars()).collect(),
        _ => text.to_owned(),
    }
}

fn cut<'s>(value: Value<'s>, ask: Ask<'_>) -> Value<'s> {
    match value {
        Value::Leaf(JsonValue::String(text)) => Value::leaf(truncated(text.as_str(), ask)),
        Value::List(items) => match ask.int("first").and_then(|first| usize::try_from(first).ok()) {
            Some(first) => Value::list(items.iter().take(first).cloned()),
            None => Value::List(items),
        },
        other => other,
    }
}

/// The record of a list or connection whose field has this text.
fn named<'s>(all: &Value<'s>, field: &str, text: &str) -> Option<Value<'s>> {
    let has = |value: &&Value<'s>| match value {
        Value::Object(Object::Record(record)) => record.fields.iter().any(|(name, value)| {
            *name == field && matches!(value, Value::Leaf(JsonValue::String(own)) if own.as_str() == text)
        }),
        _ => false,
    };
    match all {
        Value::List(items) => items.iter().find(has).cloned(),
        Value::Paged(paged) => paged.items.iter().map(|(_, value)| value).find(has).cloned(),
        _ => None,
    }
}
