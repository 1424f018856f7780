//! Documents: parsed and validated once, kept by their text, within limits.

use super::schema::schema;
use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{OperationType, Selection, SelectionSet};
use apollo_compiler::parser::Parser;
use apollo_compiler::response::GraphQLError;
use apollo_compiler::validation::{DiagnosticList, Valid};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;

/// How much document text is kept parsed, in bytes.
const KEPT: u64 = 8 << 20;
/// Tokens a document may have.
const MAX_TOKENS: usize = 20_000;
/// Levels that brackets may be nested within one another.
const MAX_NESTING: usize = 80;
/// Levels of fields, fragments opened.
const MAX_DEPTH: usize = 40;

/// A valid document.
pub(super) type Document = Valid<ExecutableDocument>;

/// The documents seen lately.
pub(super) struct Documents(Cache<Arc<str>, Arc<Document>>);

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads.
    Query,
    /// Changes something: not by GET.
    Mutation,
}

impl Documents {
    pub(super) fn new() -> Self {
        let weight = |text: &Arc<str>, _: &Arc<Document>| u32::try_from(text.len() + 64).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(KEPT).weigher(weight).build())
    }

    /// The document of a text. Errors: why it does not parse or validate.
    pub(super) fn read(&self, text: &str) -> Result<Arc<Document>, Vec<GraphQLError>> {
        if let Some(document) = self.0.get(text) {
            return Ok(document);
        }
        let document = Arc::new(parse(text)?);
        self.0.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }
}

/// What the operation of this name does; `None`: there is no such operation, or no name and more than one.
pub(super) fn kind(document: &Document, operation: Option<&str>) -> Option<Kind> {
    match document.operations.get(operation).ok()?.operation_type {
        OperationType::Mutation => Some(Kind::Mutation),
        _ => Some(Kind::Query),
    }
}

fn parse(text: &str) -> Result<Document, Vec<GraphQLError>> {
    let mut parser = Parser::new().token_limit(MAX_TOKENS).recursion_limit(MAX_NESTING);
    let told = |errors: &DiagnosticList| errors.iter().take(20).map(|error| error.to_json()).collect::<Vec<_>>();
    let document = parser.parse_executable(schema(), text, "document.graphql").map_err(|with| told(&with.errors))?;
    let document = document.validate(schema()).map_err(|with| told(&with.errors))?;
    let mut fragments = HashMap::new();
    let deepest = document.operations.iter().map(|it| depth(&document, &it.selection_set, &mut fragments)).max();
    if deepest.is_some_and(|deepest| deepest > MAX_DEPTH) {
        return Err(vec![refusal(format!("The document is nested more than {MAX_DEPTH} levels deep."))]);
    }
    Ok(document)
}

/// An error without a place.
pub(super) fn refusal(message: impl Into<String>) -> GraphQLError {
    GraphQLError {
        message: message.into(),
        locations: Vec::new(),
        path: Vec::new(),
        extensions: apollo_compiler::response::JsonMap::new(),
    }
}

/// Levels of fields. Each fragment is measured once; a valid document has no cycles of fragments.
fn depth<'a>(document: &'a Document, set: &'a SelectionSet, fragments: &mut HashMap<&'a str, usize>) -> usize {
    let below = set.selections.iter().map(|selection| match selection {
        Selection::Field(field) => 1 + depth(document, &field.selection_set, fragments),
        Selection::InlineFragment(inline) => depth(document, &inline.selection_set, fragments),
        Selection::FragmentSpread(spread) => {
            let name = spread.fragment_name.as_str();
            if let Some(known) = fragments.get(name) {
                return *known;
            }
            let measured = document.fragments.get(name).map_or(0, |it| depth(document, &it.selection_set, fragments));
            fragments.insert(name, measured);
            measured
        }
    });
    below.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents_beyond_the_limits_are_refused_with_a_reason() {
        let nest = |field: &str, levels: usize| format!("{{{}{}}}", field.repeat(levels), "}".repeat(levels));
        assert!(parse("{ shop { name } }").is_ok());
        assert!(parse(&nest("shop{", 10_000)).is_err());
        assert!(parse(&format!("{{ {} }}", "shop{name} ".repeat(20_000))).is_err());
        assert!(parse("{ nosuch }").is_err());
        assert!(parse("").is_err());
        let level = |at: usize| {
            format!(
                "fragment F{at} on ProductVariant {{ product {{ selectedOrFirstAvailableVariant {{ ...F{} }} }} }}\n",
                at + 1
            )
        };
        let chain: String = (0..30).map(level).collect();
        let document = format!(
            "{{ product(id: \"1\") {{ selectedOrFirstAvailableVariant {{ ...F0 }} }} }}\n{chain}fragment F30 on ProductVariant {{ id }}"
        );
        assert!(parse(&document).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{}()@!:$\"a-c.# \n]{0,60}") {
            let _read = parse(&text);
        }
    }
}
