//! Runs one operation.

use super::scene::Scene;
use super::value::Object;
use super::view::View;
use crate::demo::document::{Document, refusal};
use crate::demo::schema::schema;
use crate::demo::store::Store;
use apollo_compiler::ast;
use apollo_compiler::executable::Operation;
use apollo_compiler::introspection;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What came of an operation.
pub(in crate::demo) enum Answer {
    /// It ran: the response as JSON, with or without errors of fields.
    Ran(Vec<u8>),
    /// It did not run, for these reasons.
    Refused(Vec<GraphQLError>),
}

/// Runs the operation of this name.
pub(in crate::demo) fn execute(
    store: &Store,
    document: &Document,
    operation: Option<&str>,
    variables: &JsonMap,
    origin: &str,
) -> Answer {
    static IMPLEMENTERS: LazyLock<
        apollo_compiler::collections::HashMap<apollo_compiler::Name, apollo_compiler::schema::Implementers>,
    > = LazyLock::new(|| schema().implementers_map());
    let refused = |message: String| Answer::Refused(vec![refusal(message)]);
    let operation = match document.operations.get(operation) {
        Ok(operation) => operation,
        Err(error) => return refused(error.message().to_string()),
    };
    if operation.is_introspection(document)
        && let Err(error) = introspection::check_max_depth(document, operation)
    {
        return refused(error.message().to_string());
    }
    let variables = match coerce_variable_values(schema(), operation, variables) {
        Ok(variables) => variables,
        Err(error) => return refused(error.message().to_string()),
    };
    let context = context(operation, &variables);
    let country = context.get("country").map_or("US", String::as_str);
    let german = context.get("language").is_some_and(|language| language == "DE");
    let scene = Scene::new(store, country, german, origin);
    let object = if operation.is_mutation() { Object::Mutation } else { Object::Query };
    let root = View { scene: &scene, object };
    let execution = Execution::new(schema(), document)
        .operation(operation)
        .coerced_variable_values(&variables)
        .implementers_map(&IMPLEMENTERS)
        .enable_schema_introspection(true);
    match execution.execute_sync(&root) {
        Ok(response) => match serde_json::to_vec(&response) {
            Ok(body) => Answer::Ran(body),
            Err(error) => refused(format!("The response could not be written: {error}.")),
        },
        Err(error) => refused(error.message().to_string()),
    }
}

/// The texts of the arguments of `@inContext`, variables put in.
fn context(operation: &Operation, variables: &JsonMap) -> HashMap<String, String> {
    let mut context = HashMap::new();
    let arguments = operation.directives.get("inContext").map(|it| it.arguments.as_slice()).unwrap_or_default();
    for argument in arguments {
        let text = match argument.value.as_ref() {
            ast::Value::Enum(name) => Some(name.as_str()),
            ast::Value::Variable(name) => variables.get(name.as_str()).and_then(|value| value.as_str()),
            _ => None,
        };
        if let Some(text) = text {
            context.insert(argument.name.to_string(), text.to_owned());
        }
    }
    context
}
