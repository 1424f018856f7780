//! What a selection asks for: the field's name and its coerced arguments, read without a chance to fail.

use apollo_compiler::response::{JsonMap, JsonValue};

/// A field and its arguments.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The name in the schema, not the alias.
    pub(super) field: &'a str,
    arguments: &'a JsonMap,
}

impl<'a> Ask<'a> {
    pub(super) fn new(field: &'a str, arguments: &'a JsonMap) -> Self {
        Self { field, arguments }
    }

    /// The argument or input object field; null counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a JsonValue> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }

    /// A string, an id or an enum value.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// An integer.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// A boolean; absent is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(JsonValue::as_bool).unwrap_or(false)
    }

    /// The items of a list.
    pub(super) fn list(&self, name: &str) -> Option<&'a [JsonValue]> {
        Some(self.get(name)?.as_array()?.as_slice())
    }

    /// The strings of a list.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&'a str>> {
        Some(self.list(name)?.iter().filter_map(JsonValue::as_str).collect())
    }

    /// An input object, asked in turn.
    pub(super) fn object(&self, name: &str) -> Option<Ask<'a>> {
        self.get(name)?.as_object().map(|arguments| Ask { field: self.field, arguments })
    }

    /// The input objects of a list.
    pub(super) fn objects(&self, name: &str) -> Option<Vec<Ask<'a>>> {
        let objects = self.list(name)?.iter().filter_map(JsonValue::as_object);
        Some(objects.map(|arguments| Ask { field: self.field, arguments }).collect())
    }

    /// `name` and `value` of each of a list of selected options.
    pub(super) fn choices(&self, name: &str) -> Option<Vec<(&'a str, &'a str)>> {
        let pair = |item: &Ask<'a>| Some((item.text("name")?, item.text("value")?));
        Some(self.objects(name)?.iter().filter_map(pair).collect())
    }
}
