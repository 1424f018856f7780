//! Introspection of the composed schema, executed by apollo-compiler and kept by document and variables.

use super::compose::Composed;
use apollo_compiler::collections::HashMap;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, introspection, request::coerce_variable_values};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Answers `__schema` and `__type`.
pub struct Introspection {
    composed: Arc<Composed>,
    implementers: HashMap<Name, Implementers>,
    /// Whole answers are some hundred kilobytes and always the same few.
    kept: moka::sync::Cache<(String, String), Bytes>,
}

/// About how many bytes of answers are kept.
const KEPT_BYTES: u64 = 8 << 20;

impl Introspection {
    /// For a composed schema.
    pub fn new(composed: Arc<Composed>) -> Self {
        let implementers = composed.schema.implementers_map();
        let weigh =
            |key: &(String, String), answer: &Bytes| u32::try_from(key.0.len() + answer.len()).unwrap_or(u32::MAX);
        Self {
            composed,
            implementers,
            kept: moka::sync::Cache::builder().max_capacity(KEPT_BYTES).weigher(weigh).build(),
        }
    }

    /// The value of the document's one root field, as JSON.
    /// Errors: variables that do not fit, in words for the client.
    pub fn answer(&self, document: &Valid<ExecutableDocument>, variables: Map<String, Value>) -> Result<Bytes, String> {
        let given = Value::Object(variables);
        let key = (document.to_string(), given.to_string());
        if let Some(kept) = self.kept.get(&key) {
            return Ok(kept);
        }
        let operation = document.operations.get(None).map_err(|error| error.message().to_string())?;
        let given: JsonMap = serde_json::from_str(&key.1).map_err(|error| error.to_string())?;
        let variables = coerce_variable_values(&self.composed.schema, operation, &given)
            .map_err(|error| error.message().to_string())?;
        let answer =
            introspection::partial_execute(&self.composed.schema, &self.implementers, document, operation, &variables)
                .map_err(|error| error.message().to_string())?;
        let value = answer.data.and_then(|data| data.into_iter().next()).map(|(_, value)| value);
        let bytes: Bytes = serde_json::to_vec(&value).map_err(|error| error.to_string())?.into();
        self.kept.insert(key, bytes.clone());
        Ok(bytes)
    }
}
