//! The schema of the demo store: `schema/demo.graphql`, parsed once.

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use std::sync::LazyLock;

/// The text of the schema.
pub const SDL: &str = include_str!("../../schema/demo.graphql");

/// The parsed schema.
#[allow(clippy::expect_used, reason = "the text is part of the program, and the test below reads it")]
pub(super) fn schema() -> &'static Valid<Schema> {
    static SCHEMA: LazyLock<Valid<Schema>> =
        LazyLock::new(|| Schema::parse_and_validate(SDL, "demo.graphql").expect("the embedded schema is valid"));
    &SCHEMA
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_embedded_schema_is_valid() {
        assert!(super::schema().types.contains_key("Product"));
    }
}
