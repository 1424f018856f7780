//! A platform that sends its answer in parts: the whole answer is executed, and split where the document says `@defer`.

use super::{MIXED, PARTS};
use crate::client::start;
use crate::oracle::SHOPIFY;
use crate::oracle::shop::{World, execute};
use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Splits whole data into what comes first and what `@defer` puts off: a stand-in for a platform's executor.
struct Split<'a> {
    document: &'a ExecutableDocument,
    later: Vec<Value>,
}

impl Split<'_> {
    fn value(&mut self, set: &SelectionSet, value: &Value, path: &[Value]) -> Value {
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(n, item)| self.value(set, item, &[path, &[n.into()]].concat())).collect()
            }
            Value::Object(members) => {
                let mut kept = Map::new();
                self.members(set, members, path, &mut kept);
                kept.into()
            }
            leaf => leaf.clone(),
        }
    }

    fn members(
        &mut self,
        set: &SelectionSet,
        from: &Map<String, Value>,
        path: &[Value],
        kept: &mut Map<String, Value>,
    ) {
        for selection in &set.selections {
            let inner = match selection {
                Selection::Field(field) => {
                    let name = field.response_key().as_str();
                    if let Some(value) = from.get(name) {
                        let value = self.value(&field.selection_set, value, &[path, &[name.into()]].concat());
                        merge(kept.entry(name).or_insert(Value::Null), value);
                    }
                    continue;
                }
                Selection::InlineFragment(inline) => &inline.selection_set,
                Selection::FragmentSpread(spread) => &self.document.fragments[&spread.fragment_name].selection_set,
            };
            match selection.directives().get("defer") {
                Some(defer) => {
                    let label = defer.specified_argument_by_name("label").and_then(|label| label.as_str());
                    let (at, mut data) = (self.later.len(), Map::new());
                    self.later.push(Value::Null);
                    self.members(inner, from, path, &mut data);
                    self.later[at] = json!({"label": label, "data": data, "path": path});
                }
                None => self.members(inner, from, path, kept),
            }
        }
    }
}

pub(super) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(name, value)| merge(into.entry(name).or_insert(Value::Null), value));
        }
        (Value::Array(into), Value::Array(from)) => {
            into.resize(into.len().max(from.len()), Value::Null);
            into.iter_mut().zip(from).for_each(|(into, from)| merge(into, from));
        }
        (into, from) => *into = from,
    }
}

/// How the platform sends what is deferred.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `incremental`, one payload a part.
    Incremental,
    /// `data` and `path` in the part itself, as before 2022.
    Older,
    /// All in one part, and the end in another.
    AtOnce,
}

fn in_parts(response: &Value, document: &str, schema: &Valid<Schema>, form: Form) -> Vec<Value> {
    let document = ExecutableDocument::parse_and_validate(schema, document, "q.graphql").unwrap();
    let mut split = Split { document: &document, later: vec![] };
    let operation = document.operations.get(None).unwrap();
    let first = split.value(&operation.selection_set, &response["data"], &[]);
    let mut later = split.later;
    // Errors come with the last of the data.
    if let Some(errors) = response.get("errors") {
        later.last_mut().unwrap()["errors"] = errors.clone();
    }
    let mut parts = vec![json!({"data": first, "hasNext": true})];
    match form {
        Form::AtOnce => {
            parts.push(json!({"incremental": later, "hasNext": true}));
            parts.push(json!({"hasNext": false}));
        }
        Form::Incremental | Form::Older => {
            let last = later.len() - 1;
            parts.extend(later.into_iter().enumerate().map(|(n, mut payload)| match form {
                Form::Older => {
                    payload["hasNext"] = (n < last).into();
                    payload
                }
                _ => json!({"incremental": [payload], "hasNext": n < last}),
            }));
        }
    }
    parts
}

/// A platform that sends parts, a permit each. Whoever does not accept parts is answered whole and at once.
pub(super) async fn platform(form: Form, gate: Arc<Semaphore>) -> String {
    let schema = Arc::new(Schema::parse_and_validate(SHOPIFY, "shopify.graphql").unwrap());
    let answer = move |headers: HeaderMap, body: Bytes| {
        let (schema, gate) = (Arc::clone(&schema), Arc::clone(&gate));
        async move {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let document = request["query"].as_str().unwrap();
            let response = execute(&World::platform(&schema), document, &request["variables"]).unwrap();
            let response = serde_json::to_value(response).unwrap();
            if headers["accept"] != PARTS {
                return ([("content-type", "application/json")], response.to_string()).into_response();
            }
            let parts = in_parts(&response, document, &schema, form);
            let stream = async_stream::stream! {
                yield Ok::<_, std::io::Error>(Bytes::from("\r\n---\r\n"));
                for part in parts {
                    gate.acquire().await.unwrap().forget();
                    let end = if part["hasNext"] == false { "--" } else { "" };
                    let text = format!("Content-Type: application/json\r\n\r\n{part}\r\n---{end}\r\n");
                    // In pieces, as a network has it.
                    for piece in text.into_bytes().chunks(700) {
                        yield Ok(Bytes::copy_from_slice(piece));
                    }
                }
            };
            let headers = [("content-type", MIXED), ("set-cookie", "cart=1"), ("x-internal", "secret")];
            (headers, Body::from_stream(stream)).into_response()
        }
    };
    let url = start(Router::new().route("/graphql", post(answer))).await;
    format!("{url}/graphql")
}
