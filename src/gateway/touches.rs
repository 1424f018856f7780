//! Which names in an operation have to do with customers, by the platform's own list of them.

use crate::platform::CustomerNames;
use apollo_compiler::ast::{OperationDefinition, Selection};
use std::collections::{HashMap, HashSet};

/// What the names in an operation say of customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    /// It selects a field that holds a customer's data.
    pub selects: bool,
    /// A field takes a customer's token.
    pub token: bool,
    /// An operation directive may carry a token.
    pub context: bool,
}

impl Touches {
    /// Reads an operation.
    pub fn of(
        operation: &OperationDefinition,
        fragments: &HashMap<String, Vec<Selection>>,
        names: CustomerNames,
    ) -> Self {
        let directives = &operation.directives;
        let context = directives.iter().flat_map(|one| &one.arguments).any(|one| one.name == names.context);
        let mut touches = Self { context, ..Self::default() };
        let mut seen = HashSet::new();
        let mut open: Vec<&[Selection]> = vec![&operation.selection_set];
        while let Some(set) = open.pop() {
            for selection in set {
                match selection {
                    Selection::Field(field) => {
                        touches.selects |= names.fields.contains(&field.name.as_str());
                        touches.token |= field.arguments.iter().any(|one| one.name == names.token);
                        open.push(&field.selection_set);
                    }
                    Selection::InlineFragment(inline) => open.push(&inline.selection_set),
                    Selection::FragmentSpread(spread) => {
                        let name = spread.fragment_name.as_str();
                        let fragment = fragments.get(name).filter(|_| seen.insert(name));
                        open.extend(fragment.map(Vec::as_slice));
                    }
                }
            }
        }
        touches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::ast::{Definition, Document};

    const NAMES: CustomerNames =
        CustomerNames { fields: &["customer"], token: "customerAccessToken", context: "buyer" };

    fn of(text: &str) -> Touches {
        let document = Document::parse(text, "q.graphql").unwrap();
        let mut fragments = HashMap::new();
        for definition in &document.definitions {
            if let Definition::FragmentDefinition(fragment) = definition {
                fragments.insert(fragment.name.to_string(), fragment.selection_set.clone());
            }
        }
        let operation = document.definitions.iter().find_map(|definition| definition.as_operation_definition());
        Touches::of(operation.unwrap(), &fragments, NAMES)
    }

    #[test]
    fn customers_are_found_in_fields_fragments_arguments_and_directives() {
        let none = Touches::default();
        assert_eq!(of("{ shop { name } }"), none);
        assert_eq!(
            of("{ shop { ...F } } fragment F on Shop { customer { id } ...F }"),
            Touches { selects: true, ..none }
        );
        assert_eq!(of("query ($t: T) { a(customerAccessToken: $t) }"), Touches { token: true, ..none });
        assert_eq!(of("query @inContext(buyer: {}) { ... on Q { shop } }"), Touches { context: true, ..none });
    }
}
