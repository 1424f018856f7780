//! Classify: what a document is, before any schema is asked. Parsed once with limits and kept by its text.
//!
//! An operation that touches no personalized field is forwarded byte for byte, never validated: published platform
//! schemas lack fields that real clients send. A document that does not parse here is forwarded too, unless it names a
//! personalized field: grammars grow, and the platform judges its own.

use super::error::{Location, RequestError};
use super::expansion::expansion;
use super::limits::{self, Limits};
use super::rerank::Rule;
use super::share::key::is_personal;
use super::touches::Touches;
use crate::platform::CustomerNames;
use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document as Ast, Field, OperationDefinition, OperationType, Selection};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How an operation is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// By the platform alone.
    Forward,
    /// Planned: it has personalized fields, or asks for the schema.
    Plan,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// How it is served.
    pub class: Class,
    /// The rules of re-ranking that may concern one of its fields, by index.
    pub rules: Vec<usize>,
    /// What it has to do with customers; see [`Classified::touching`].
    pub touches: Touches,
    /// As parsed: name, kind, root fields with their arguments, for what traffic shows.
    pub definition: Node<OperationDefinition>,
}

/// A document as its text alone tells.
#[derive(Debug)]
pub struct Classified {
    /// The text.
    pub text: Arc<str>,
    /// In order; empty where the text does not parse here.
    pub operations: Vec<Operation>,
    /// Fragments, for root fields that stand in them.
    pub fragments: HashMap<String, Vec<Selection>>,
    /// Whether it mentions what concerns one shopper, so that its answers are never shared.
    pub personal: bool,
    /// As parsed, so that a plan need not parse again; `None` where the text does not parse here.
    pub ast: Option<Ast>,
    /// Tokens of the text, which tell what the trees take.
    pub tokens: usize,
}

/// Reads a document.
/// Errors: a figure beyond its limit; a syntax error in a document that names a personalized field.
pub fn classify(
    text: Arc<str>,
    entry_fields: &HashSet<&str>,
    rules: &[Rule],
    limits: &Limits,
) -> Result<Classified, RequestError> {
    let tokens = limits::scan(&text, limits)?.tokens;
    let ast = match Ast::parse(&*text, "operation.graphql") {
        Ok(ast) => ast,
        Err(_) if !text.contains("personalized") => {
            return Ok(Classified {
                text,
                operations: Vec::new(),
                fragments: HashMap::new(),
                personal: true,
                ast: None,
                tokens,
            });
        }
        Err(invalid) => return Err(syntax(&invalid.errors)),
    };
    expansion(&ast, limits)?;
    let fragments: HashMap<&str, &[Selection]> = ast
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::FragmentDefinition(fragment) => Some((fragment.name.as_str(), &*fragment.selection_set)),
            _ => None,
        })
        .collect();
    let operations = ast.definitions.iter().filter_map(|definition| match definition {
        Definition::OperationDefinition(operation) => {
            let touch = |wanted: &dyn Fn(&Field) -> bool| {
                Touch { wanted, fragments: &fragments, seen: HashSet::new() }.any(&operation.selection_set)
            };
            let ours = |field: &Field| {
                let name = field.name.as_str();
                matches!(name, "__schema" | "__type")
                    || entry_fields.contains(name)
                    || field.directives.has("personalized")
            };
            let class = if touch(&ours) { Class::Plan } else { Class::Forward };
            // Only the names are compared here; the plan looks at types.
            let named = |rule: &Rule| touch(&|field| rule.field.rsplit('.').next() == Some(field.name.as_str()));
            let rules = rules.iter().enumerate().filter(|(_, rule)| named(rule)).map(|(at, _)| at).collect();
            Some(Operation { class, rules, touches: Touches::default(), definition: operation.clone() })
        }
        _ => None,
    });
    let operations = operations.collect();
    let fragments = fragments.into_iter().map(|(name, set)| (name.to_owned(), set.to_vec())).collect();
    let personal = is_personal(text.as_bytes());
    Ok(Classified { text, operations, fragments, personal, ast: Some(ast), tokens })
}

impl Classified {
    /// The operation of a request. `None`: the platform is to say what is wrong.
    /// Errors: several operations without a name, or an unknown name, where one of them is ours to plan.
    pub fn operation(&self, name: Option<&str>) -> Result<Option<&Operation>, RequestError> {
        let named = |operation: &&Operation| operation.definition.name.as_ref().map(|name| name.as_str()) == name;
        let found = match name {
            Some(_) => self.operations.iter().find(named),
            None if self.operations.len() == 1 => self.operations.first(),
            None => None,
        };
        if found.is_some() || self.operations.iter().all(|operation| operation.class == Class::Forward) {
            return Ok(found);
        }
        Err(match name {
            Some(name) => RequestError::UnknownOperation { name: name.chars().take(64).collect() },
            None => RequestError::OperationNameMissing,
        })
    }

    /// The same with what its operations have to do with customers.
    #[must_use]
    pub fn touching(mut self, names: CustomerNames) -> Self {
        for operation in &mut self.operations {
            operation.touches = Touches::of(&operation.definition, &self.fragments, names);
        }
        self
    }

    /// Whether the request may run a mutation, and so may not come by GET. Where it cannot be told here which operation
    /// the platform would take, or what it would read in the text, one mutation among them is enough.
    pub fn may_mutate(&self, operation: Option<&Operation>) -> bool {
        let mutates = |operation: &Operation| operation.definition.operation_type == OperationType::Mutation;
        match operation {
            Some(operation) => mutates(operation),
            None if self.operations.is_empty() => self.text.contains("mutation"),
            None => self.operations.iter().any(mutates),
        }
    }
}

struct Touch<'a> {
    wanted: &'a dyn Fn(&Field) -> bool,
    fragments: &'a HashMap<&'a str, &'a [Selection]>,
    seen: HashSet<&'a str>,
}

impl<'a> Touch<'a> {
    fn any(&mut self, selections: &'a [Selection]) -> bool {
        selections.iter().any(|selection| match selection {
            Selection::Field(field) => (self.wanted)(field) || self.any(&field.selection_set),
            Selection::InlineFragment(inline) => self.any(&inline.selection_set),
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                self.seen.insert(name) && self.fragments.get(name).is_some_and(|set| self.any(set))
            }
        })
    }
}

fn syntax(errors: &apollo_compiler::validation::DiagnosticList) -> RequestError {
    let first = errors.iter().next().map(|error| error.to_json());
    let message =
        first.as_ref().map_or_else(|| "the document does not parse".to_owned(), |error| error.message.clone());
    let locations =
        first.map(|error| error.locations.iter().map(|at| Location { line: at.line, column: at.column }).collect());
    RequestError::Syntax { message, locations: locations.unwrap_or_default() }
}
