//! The variables of one request: forwarded as they were written, read only where the gateway itself must know.

use super::json::RawJson;
use super::plan::{Guards, LocalField, Plan, SiteKind, Step};
use apollo_compiler::ast::{Value as Ast, VariableDefinition};
use apollo_compiler::executable::{Operation, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The most bytes of variables that are read for one request, each variable once for every place that uses it.
const READ: usize = 16 << 20;
/// A variable of so many bytes may be used anywhere.
const SMALL: usize = 16 << 10;
/// How many entities a field of theirs is taken to have.
const ENTITIES: usize = 64;

/// Variables as they came, beside the plan that says which of them exist.
#[derive(Debug)]
pub struct Variables {
    plan: Arc<Plan>,
    given: HashMap<String, Box<RawValue>>,
}

impl Variables {
    /// Reads the top level of the variables. Errors: they are no JSON object.
    pub fn new(plan: Arc<Plan>, raw: Option<&RawJson>) -> Result<Self, serde_json::Error> {
        let given = raw.map(RawJson::to).transpose()?.unwrap_or_default();
        Ok(Self { plan, given })
    }

    /// Whether the values fit their declarations, so far as the platform does not see them before anything is done:
    /// those that our own documents use, and those that no document of a step does. Errors: what is wrong, in words for
    /// the client.
    pub fn check(&self, schema: &Valid<Schema>) -> Result<(), String> {
        if self.read() > READ {
            return Err(format!("large variables are used in too many places: together more than {READ} bytes"));
        }
        let sent = |name: &Name| {
            self.plan.steps.iter().any(|step| matches!(step, Step::Upstream(fetch) if fetch.variables.contains(name)))
        };
        let own = |name: &Name| {
            self.plan.sites.iter().any(|site| match &site.kind {
                SiteKind::Query(own) | SiteKind::Mutation(own) | SiteKind::Entity(_, own) => {
                    own.variables.contains(name)
                }
                _ => false,
            })
        };
        let ours = self.plan.variables.iter().filter(|variable| own(&variable.name) || !sent(&variable.name));
        let declared = ours.map(|variable| {
            let (name, ty) = (variable.name.clone(), variable.ty.clone());
            Node::new(VariableDefinition {
                name,
                ty,
                default_value: variable.default.clone(),
                directives: Default::default(),
            })
        });
        let operation = Operation {
            operation_type: self.plan.operation,
            name: None,
            variables: declared.collect(),
            directives: Default::default(),
            selection_set: SelectionSet::new(self.plan.root_type.clone()),
        };
        let given = operation.variables.iter().filter_map(|variable| {
            let raw = self.given.get(variable.name.as_str())?;
            Some((variable.name.as_str().into(), serde_json::from_str(raw.get()).ok()?))
        });
        let coerced = coerce_variable_values(schema, &operation, &given.collect());
        coerced.map(drop).map_err(|error| error.message().to_string())
    }

    /// How many bytes of variables our own fields will read, about: each use reads its own copy, and a field of entities
    /// does so for every one of them.
    fn read(&self) -> usize {
        let mut read = 0_usize;
        for site in &self.plan.sites {
            let (own, entities) = match &site.kind {
                SiteKind::Query(own) | SiteKind::Mutation(own) => (own, 1),
                SiteKind::Entity(_, own) => (own, ENTITIES),
                SiteKind::Introspection(_) => continue,
            };
            for name in &own.variables {
                let length = self.given.get(name.as_str()).map_or(0, |raw| raw.get().len());
                // Small ones cannot add up to much, and nearly every request has no others.
                if length > SMALL {
                    let uses = own.text.matches(&format!("${name}")).count();
                    read = read.saturating_add(length.saturating_mul(uses).saturating_mul(entities));
                }
            }
        }
        read
    }

    /// The value of a variable: given, or its default; `None` where it has neither.
    pub fn get(&self, name: &str) -> Option<Value> {
        if self.given.contains_key(name) {
            return self.given(name);
        }
        let declared = self.plan.variables.iter().find(|variable| variable.name == name)?;
        self.value(declared.default.as_deref()?)
    }

    /// The value that the request gave a variable.
    pub fn given(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.given.get(name)?.get()).ok()
    }

    /// A value of the document with variables filled in; `None` where it is a variable without a value.
    pub fn value(&self, ast: &Ast) -> Option<Value> {
        fill(ast, &|name| self.get(name))
    }

    /// Arguments with variables filled in; those without a value are left out, as if not written.
    pub fn arguments<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a (Name, apollo_compiler::Node<Ast>)>,
    ) -> Map<String, Value> {
        let values = arguments.into_iter().filter_map(|(name, ast)| Some((name.to_string(), self.value(ast)?)));
        values.collect()
    }

    /// Whether any of these sets of conditions holds.
    pub fn any(&self, alternatives: &[Guards]) -> bool {
        alternatives.iter().any(|guards| self.all(guards))
    }

    /// Whether all of these conditions hold.
    pub fn all(&self, guards: &Guards) -> bool {
        guards.iter().all(|guard| {
            let on = match &guard.on {
                Ok(variable) => self.get(variable).and_then(|value| value.as_bool()),
                Err(literal) => Some(*literal),
            };
            on == Some(guard.wanted)
        })
    }

    /// The fields that are there, in the order in which they stand: a name takes the place of its first occurrence
    /// whose conditions hold.
    pub fn in_order<'a>(&self, fields: &'a [LocalField]) -> Vec<&'a LocalField> {
        let place = |field: &LocalField| {
            field.occurrences.iter().filter(|(_, guards)| self.all(guards)).map(|(at, _)| *at).min()
        };
        let mut there: Vec<_> = fields.iter().filter_map(|field| Some((place(field)?, field))).collect();
        there.sort_by_key(|(place, _)| *place);
        there.into_iter().map(|(_, field)| field).collect()
    }

    /// The named variables that were given, as the inside of a JSON object, byte for byte.
    pub fn subset(&self, names: &[Name]) -> String {
        let mut text = String::new();
        for name in names {
            if let Some(raw) = self.given.get(name.as_str()) {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(&format!("\"{name}\":{}", raw.get()));
            }
        }
        text
    }

    /// The named variables that were given, for the personalization schema.
    pub fn own(&self, names: &[Name]) -> async_graphql::Variables {
        let values = names.iter().filter_map(|name| {
            let raw = self.given.get(name.as_str())?;
            Some((name.to_string(), serde_json::from_str::<Value>(raw.get()).ok()?))
        });
        async_graphql::Variables::from_json(Value::Object(values.collect()))
    }
}

/// A value of a document with variables filled in; `None` where it is a variable without a value.
pub fn fill(ast: &Ast, variable: &dyn Fn(&str) -> Option<Value>) -> Option<Value> {
    match ast {
        Ast::Null => Some(Value::Null),
        Ast::Enum(name) => Some(Value::from(name.as_str())),
        Ast::Variable(name) => variable(name),
        Ast::String(text) => Some(Value::from(text.as_str())),
        Ast::Boolean(value) => Some(Value::from(*value)),
        Ast::Int(number) => serde_json::from_str(number.as_str()).ok(),
        Ast::Float(number) => serde_json::from_str(number.as_str()).ok(),
        Ast::List(items) => {
            Some(items.iter().map(|item| fill(item, variable).unwrap_or(Value::Null)).collect::<Vec<_>>().into())
        }
        Ast::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, field)| Some((name.to_string(), fill(field, variable)?)));
            Some(Value::Object(fields.collect()))
        }
    }
}
