//! The root fields of a parsed operation that can say something, with variables put in. Only fields of the platform's
//! table are read, so that an operation without one costs a look at its names.

use super::RootField;
use crate::platform::Signal;
use apollo_compiler::ast::{Directive, Field, OperationDefinition, Selection, Value as Ast};
use apollo_compiler::{Name, Node};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// The most root fields read.
const MOST: usize = 32;
/// How deep fragments within fragments, and values within values, are followed.
const DEEPEST: usize = 16;

/// Reads root fields, in fragments too. `variables` gives the value that the request gave one, or its default.
/// Fields that `@skip` or `@include` leave out did not happen.
pub fn read(
    signals: &[Signal],
    operation: &OperationDefinition,
    fragments: &HashMap<String, Vec<Selection>>,
    variables: &dyn Fn(&str) -> Option<Value>,
) -> Vec<RootField> {
    let mut reader = Reader { signals, fragments, operation, variables, seen: HashSet::new(), found: Vec::new() };
    reader.selections(&operation.selection_set, 0);
    reader.found
}

struct Reader<'a> {
    signals: &'a [Signal],
    fragments: &'a HashMap<String, Vec<Selection>>,
    operation: &'a OperationDefinition,
    variables: &'a dyn Fn(&str) -> Option<Value>,
    /// Fragments that have been read: each counts once, and a circle ends.
    seen: HashSet<&'a str>,
    found: Vec<RootField>,
}

impl<'a> Reader<'a> {
    fn selections(&mut self, selections: &'a [Selection], depth: usize) {
        for selection in selections {
            if depth > DEEPEST || self.found.len() >= MOST || !self.happens(directives(selection)) {
                continue;
            }
            match selection {
                Selection::Field(field) => self.field(field),
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set, depth + 1),
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    if let Some(inside) = self.fragments.get(name).filter(|_| self.seen.insert(name)) {
                        self.selections(inside, depth + 1);
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &Field) {
        if self.signals.iter().any(|signal| signal.field == field.name.as_str()) {
            let argument = |name: &Name, value| Some((name.to_string(), self.value(value, 0)?));
            let args: Map<_, _> = field.arguments.iter().filter_map(|arg| argument(&arg.name, &arg.value)).collect();
            let response = field.alias.as_ref().unwrap_or(&field.name).as_str().into();
            self.found.push(RootField { name: field.name.as_str().into(), response, args });
        }
    }

    fn happens(&self, directives: &[Node<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let left_out = match directive.name.as_str() {
                "skip" => true,
                "include" => false,
                _ => return true,
            };
            let on = directive.arguments.iter().find(|argument| argument.name == "if");
            on.and_then(|on| self.value(&on.value, 0)?.as_bool()).is_none_or(|on| on != left_out)
        })
    }

    fn value(&self, ast: &Ast, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        match ast {
            Ast::Null => Some(Value::Null),
            Ast::Enum(name) => Some(Value::from(name.as_str())),
            Ast::String(text) => Some(Value::from(text.as_str())),
            Ast::Boolean(value) => Some(Value::from(*value)),
            Ast::Int(number) => serde_json::from_str(number.as_str()).ok(),
            Ast::Float(number) => serde_json::from_str(number.as_str()).ok(),
            Ast::Variable(name) => (self.variables)(name.as_str()).or_else(|| self.default(name.as_str(), depth)),
            Ast::List(items) => items.iter().map(|item| self.value(item, depth + 1)).collect(),
            Ast::Object(fields) => {
                let value = |(name, field): &(Name, Node<Ast>)| Some((name.to_string(), self.value(field, depth + 1)?));
                Some(Value::Object(fields.iter().filter_map(value).collect()))
            }
        }
    }

    fn default(&self, name: &str, depth: usize) -> Option<Value> {
        let declared = self.operation.variables.iter().find(|variable| variable.name == name)?;
        self.value(declared.default_value.as_ref()?, depth + 1)
    }
}

fn directives(selection: &Selection) -> &[Node<Directive>] {
    match selection {
        Selection::Field(field) => &field.directives,
        Selection::InlineFragment(inline) => &inline.directives,
        Selection::FragmentSpread(spread) => &spread.directives,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Shows;
    use apollo_compiler::ast::{Definition, Document};
    use serde_json::json;

    const SIGNALS: &[Signal] =
        &[Signal { field: "product", shows: Shows::Product { keys: &["id"], handles: &["handle"] } }];

    fn roots(text: &str, variables: &Value) -> Vec<(String, Value)> {
        let document = Document::parse(text, "operation.graphql").unwrap();
        let mut fragments = HashMap::new();
        let mut operation = None;
        for definition in &document.definitions {
            match definition {
                Definition::FragmentDefinition(it) => {
                    fragments.insert(it.name.to_string(), it.selection_set.clone());
                }
                Definition::OperationDefinition(it) => operation = Some(it.clone()),
                _ => {}
            }
        }
        let found = read(SIGNALS, &operation.unwrap(), &fragments, &|name| variables.get(name).cloned());
        found.into_iter().map(|root| (root.response.into(), Value::Object(root.args))).collect()
    }

    #[test]
    fn variables_defaults_aliases_and_fragments_are_read() {
        let text =
            "query Q($handle: String, $id: ID = \"7\") { shop { name } page: product(handle: $handle) { id } ...F }
                    fragment F on QueryRoot { product(id: $id) { id } ... { ...F } }";
        let found = roots(text, &json!({"handle": "coat"}));
        assert_eq!(
            found,
            [("page".to_owned(), json!({"handle": "coat"})), ("product".to_owned(), json!({"id": "7"})),]
        );
        assert_eq!(roots(text, &json!({}))[0].1, json!({}), "an absent variable is an absent argument");
    }

    #[test]
    fn what_is_skipped_did_not_happen() {
        let text = "query Q($no: Boolean!) { a: product(id: 1) @include(if: $no) { id } b: product(id: 2) @skip(if: true) { id }
                    ... @skip(if: $no) { c: product(id: 3) { id } } }";
        let found = roots(text, &json!({"no": false}));
        assert_eq!(found, [("c".to_owned(), json!({"id": 3}))]);
    }

    #[test]
    fn values_that_go_on_and_on_are_left_out() {
        let deep = format!("{{ product(id: {}1{}) {{ id }} }}", "[".repeat(200), "]".repeat(200));
        assert_eq!(roots(&deep, &json!({})), [("product".to_owned(), json!({}))]);
    }
}
