//! The shop's schema, asked of the shop: one introspection, answered as JSON, written as SDL that apollo-compiler reads.
//!
//! Older servers do not know all of today's introspection fields and refuse the whole query; they are asked again in
//! the words of 2018. What introspection does not tell (applied directives other than `@deprecated`) is lost, which
//! changes nothing for planning.

use super::sdl;
use super::upstream::{Repeat, Upstream, UpstreamError};
use http::HeaderMap;
use serde::Deserialize;

/// The introspection query in today's words.
const QUERY: &str = include_str!("../../queries/introspection.graphql");
/// What servers of 2018 do not know, and what takes its place.
const NEWER: [(&str, &str); 5] = [
    ("args(includeDeprecated: true)", "args"),
    ("inputFields(includeDeprecated: true)", "inputFields"),
    ("  specifiedByURL\n", ""),
    ("      isRepeatable\n", ""),
    ("  defaultValue\n  isDeprecated\n  deprecationReason\n", "  defaultValue\n"),
];

/// Why there is no schema. Read by operators.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// The shop gave no answer.
    #[error("the shop's schema cannot be read: {0}")]
    Upstream(#[from] UpstreamError),
    /// The shop refuses.
    #[error(
        "the shop refused to tell its schema (HTTP status {status}): {message}; where introspection is off, pass its SDL \
         as a file with --schema, and check the access token"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the shop said, in bounds.
        message: String,
    },
    /// The answer is no introspection result.
    #[error("the shop's answer is no schema: {0}; check that upstream.url is the GraphQL endpoint")]
    Malformed(String),
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Data>,
    #[serde(default)]
    errors: serde_json::Value,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "__schema")]
    schema: sdl::Schema,
}

/// Asks the shop for its schema and returns it as SDL. Errors: see [`IntrospectError`].
pub async fn pull(upstream: &Upstream) -> Result<String, IntrospectError> {
    let upstream = &upstream.asking_for("schema");
    match ask(upstream, QUERY).await {
        Err(IntrospectError::Refused { .. }) => {
            let older = NEWER.iter().fold(QUERY.to_owned(), |query, (new, old)| query.replace(new, old));
            ask(upstream, &older).await
        }
        other => other,
    }
}

async fn ask(upstream: &Upstream, query: &str) -> Result<String, IntrospectError> {
    let body = serde_json::json!({ "query": query, "operationName": "IntrospectionQuery" }).to_string();
    let answer = upstream.ask(HeaderMap::new(), body.into(), Repeat::Once).await?;
    if !answer.status.is_success() {
        let message = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
        return Err(IntrospectError::Refused { status: answer.status.as_u16(), message });
    }
    read(&answer.body)
}

/// Writes an introspection result, `{"data": {"__schema": …}}`, as SDL. Errors: see [`IntrospectError`].
pub fn read(body: &[u8]) -> Result<String, IntrospectError> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| IntrospectError::Malformed(error.to_string()))?;
    let Some(data) = envelope.data else {
        let first = envelope.errors.get(0).unwrap_or(&envelope.errors);
        let message = first["message"].as_str().unwrap_or("no reason given").chars().take(200).collect();
        return Err(IntrospectError::Refused { status: 200, message });
    };
    let text = sdl::write(&data.schema).map_err(IntrospectError::Malformed)?;
    // What the shop sends is not trusted to be a schema: it is one when the compiler says so.
    match apollo_compiler::Schema::parse_and_validate(&text, "upstream.graphql") {
        Ok(_) => Ok(text),
        Err(invalid) => {
            let first = invalid.errors.iter().next().map(|error| error.error.to_string());
            Err(IntrospectError::Malformed(first.unwrap_or_else(|| "it is not valid".into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::validation::Valid;
    use apollo_compiler::{ExecutableDocument, Schema, introspection};

    fn introspect(schema: &Valid<Schema>, query: &str) -> serde_json::Value {
        let document = ExecutableDocument::parse_and_validate(schema, query, "introspection.graphql").unwrap();
        let operation = document.operations.get(None).unwrap();
        let implementers = schema.implementers_map();
        let variables = Valid::assume_valid(apollo_compiler::response::JsonMap::new());
        let response = introspection::partial_execute(schema, &implementers, &document, operation, &variables).unwrap();
        serde_json::to_value(response).unwrap()
    }

    /// Introspection sorted by name: SDL keeps the order within a type, the compiler not that of types.
    fn sorted(mut answer: serde_json::Value) -> serde_json::Value {
        for list in ["types", "directives"] {
            let list = answer["data"]["__schema"][list].as_array_mut().unwrap();
            list.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
            for item in list {
                for inner in ["possibleTypes", "interfaces", "args"] {
                    if let Some(inner) = item[inner].as_array_mut() {
                        inner.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
                    }
                }
            }
        }
        answer
    }

    fn round_trips(sdl: &str, query: &str) {
        let first = Schema::parse_and_validate(sdl, "first.graphql").unwrap();
        let told = introspect(&first, query);
        let text = read(told.to_string().as_bytes()).unwrap();
        let second = Schema::parse_and_validate(&text, "second.graphql").unwrap();
        pretty_equal(&sorted(told), &sorted(introspect(&second, query)));
    }

    fn pretty_equal(one: &serde_json::Value, other: &serde_json::Value) {
        let lines = |value| serde_json::to_string_pretty(value).unwrap();
        let (one, other) = (lines(one), lines(other));
        for (line, (a, b)) in one.lines().zip(other.lines()).enumerate() {
            assert_eq!(a, b, "line {line}");
        }
        assert_eq!(one.lines().count(), other.lines().count());
    }

    fn older() -> String {
        NEWER.iter().fold(QUERY.to_owned(), |query, (new, old)| query.replace(new, old))
    }

    #[test]
    fn every_newer_word_is_in_the_query() {
        assert!(NEWER.iter().all(|(new, _)| QUERY.contains(new)));
        assert!(!older().contains("isRepeatable") && !older().contains("args(includeDeprecated"));
    }

    #[test]
    fn the_schema_of_shopify_survives_introspection_and_back() {
        round_trips(include_str!("../../schema/shopify.graphql"), QUERY);
        round_trips(include_str!("../../schema/shopify.graphql"), &older());
    }

    #[test]
    fn every_kind_of_definition_and_description_survives() {
        let sdl = r#"
            "The \"shop\"." schema { query: Root mutation: Change }
            "On one line with a \\ and a \"quote\"."
            directive @tag("Its name." name: String! = "x", old: Int @deprecated(reason: "gone")) repeatable on QUERY | FIELD
            """
            First line.

              indented "third" \""" line
            """
            type Root implements Node & Named {
              id: ID!
              "Lists of lists." grid(size: [[Int!]!]! = [[1, 2], [3]], filter: Filter = {by: [NAME], deep: {by: []}}): [[Named!]]!
              name: String @deprecated
              thing: Thing
              when: Date
            }
            type Change { set(to: String = "a\nb"): Root }
            interface Node { id: ID! }
            interface Named implements Node { id: ID! name: String }
            union Thing = Root | Change
            enum Order { "By name." NAME OLD @deprecated(reason: "Use `NAME`.\nReally.") }
            input Filter { by: [Order!] = [NAME] deep: Filter }
            scalar Date @specifiedBy(url: "https://example.com/date")
        "#;
        round_trips(sdl, QUERY);
    }

    #[test]
    fn what_is_no_schema_is_named() {
        for body in ["", "<html></html>", "{\"data\":{}}", "{\"data\":{\"__schema\":{}}}"] {
            assert!(matches!(read(body.as_bytes()), Err(IntrospectError::Malformed(_))), "{body}");
        }
        let off = r#"{"errors":[{"message":"introspection is off"}]}"#;
        let said = read(off.as_bytes()).unwrap_err().to_string();
        assert!(said.contains("introspection is off") && said.contains("--schema"), "{said}");
        let forged = r#"{"data":{"__schema":{"queryType":{"name":"Q"},"directives":[],"types":[
            {"kind":"OBJECT","name":"Q { a: Int } type X","fields":[]}]}}}"#;
        assert!(matches!(read(forged.as_bytes()), Err(IntrospectError::Malformed(_))));
    }
}
