//! Executing the personalization schema for the sites of a wave, one document a site with all its entities.

use super::{Pending, Run};
use crate::domain::ids::ProductKey;
use crate::gateway::plan::{PersonalDocument, Plain, SiteId, SiteKind, Trie};
use crate::gateway::splice::{Fragment, FragmentId, Step, own_fragment};
use apollo_compiler::ExecutableDocument;
use apollo_compiler::validation::Valid;
use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use bytes::Bytes;
use futures::future::join_all;
use indexmap::IndexMap;
use serde_json::Map;
use std::sync::Arc;

impl Run {
    /// Answers the sites; returns the fragments that were written.
    pub(super) async fn personal(&mut self, pending: &[Pending]) -> Vec<FragmentId> {
        let mut by_site: IndexMap<SiteId, Vec<&Pending>> = IndexMap::new();
        for pending in pending {
            by_site.entry(pending.site).or_default().push(pending);
        }
        let plan = Arc::clone(&self.plan);
        let run = &*self;
        let executed = join_all(by_site.into_iter().filter_map(|(id, entities)| {
            let site = plan.sites.get(id)?;
            Some(async move {
                let fragments = match &site.kind {
                    SiteKind::Introspection(document) => vec![run.introspect(document)],
                    SiteKind::Query(document) | SiteKind::Mutation(document) => {
                        let response = run.execute(document, Vec::new()).await;
                        vec![alone(response, &site.key, &site.trie)]
                    }
                    SiteKind::Entity(..) if let Some(fields) = &site.plain => run.plain(fields, &entities),
                    SiteKind::Entity(entity, document) => {
                        let representations = entities.iter().map(|p| representation(entity.canonical, p)).collect();
                        let response = run.execute(document, representations).await;
                        one_each(response, &site.key, &site.trie, entities.len())
                    }
                };
                (id, entities, fragments)
            })
        }));
        let mut placed = Vec::new();
        for (site, entities, fragments) in executed.await {
            for (pending, fragment) in entities.into_iter().zip(fragments) {
                let fragment = self.add(fragment);
                self.answered.insert(site, pending.key.clone(), fragment);
                placed.push(fragment);
            }
        }
        placed
    }

    /// The answers of products of which nothing is asked that would have to be executed: all of them in one text.
    fn plain(&self, fields: &[(Box<str>, Plain)], entities: &[&Pending]) -> Vec<Fragment> {
        let mut text = Vec::with_capacity(entities.len() * 64);
        let mut ends = Vec::with_capacity(entities.len());
        for pending in entities {
            let key = ProductKey::new(&*pending.key);
            text.push(b'{');
            for (at, (name, field)) in fields.iter().enumerate() {
                // GraphQL names hold nothing that would have to be escaped.
                text.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
                text.extend_from_slice(name.as_bytes());
                text.extend_from_slice(b"\":");
                let written = match field {
                    Plain::Typename => serde_json::to_writer(&mut text, "PersonalizedProduct"),
                    Plain::Id => serde_json::to_writer(&mut text, key.as_str()),
                    Plain::Affinity => serde_json::to_writer(&mut text, &self.viewer.affinity(&key)),
                };
                // Writing JSON into memory cannot fail.
                written.ok();
            }
            text.push(b'}');
            ends.push(text.len());
        }
        let body = Bytes::from(text);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(&ends).map(|(start, end)| Fragment::part(body.clone(), start..*end)).collect()
    }

    fn introspect(&self, document: &Valid<ExecutableDocument>) -> Fragment {
        let declared = document.operations.iter().flat_map(|operation| &operation.variables);
        let given =
            declared.filter_map(|declared| Some((declared.name.to_string(), self.variables.given(&declared.name)?)));
        match self.means.introspection.answer(document, given.collect()) {
            Ok(json) => Fragment::whole(json),
            Err(message) => {
                let mut fragment = own_fragment(&Value::Null, &Trie::default());
                fragment.errors.push((Vec::new(), Map::from_iter([("message".to_owned(), message.into())])));
                fragment
            }
        }
    }

    async fn execute(&self, document: &PersonalDocument, representations: Vec<Value>) -> Response {
        let mut variables = self.variables.own(&document.variables);
        if !representations.is_empty() {
            variables.insert(Name::new("_gw_r"), Value::List(representations));
        }
        self.means.personalization.execute(&document.parsed, variables, Arc::clone(&self.viewer)).await
    }
}

fn representation(canonical: &str, pending: &Pending) -> Value {
    let mut fields = async_graphql::indexmap::IndexMap::from_iter([
        (Name::new("__typename"), Value::from(canonical)),
        (Name::new("key"), Value::from(&*pending.key)),
    ]);
    if !pending.products.is_empty() {
        let products = pending.products.iter().map(|key| Value::from(key.as_str())).collect();
        fields.insert(Name::new("products"), Value::List(products));
    }
    Value::Object(fields)
}

/// The answer of a root field.
fn alone(mut response: Response, key: &str, trie: &Trie) -> Fragment {
    let value = member(&mut response.data, key);
    let mut fragment = own_fragment(&value, trie);
    fragment.errors = response.errors.into_iter().map(|e| (steps(&e, 1), error(e))).collect();
    fragment
}

/// The answers of entities, in the order of their representations.
fn one_each(mut response: Response, key: &str, trie: &Trie, count: usize) -> Vec<Fragment> {
    let mut entities = match member(&mut response.data, "_entities") {
        Value::List(entities) => entities,
        _ => Vec::new(),
    };
    entities.resize(count, Value::Null);
    let mut fragments: Vec<Fragment> =
        entities.iter_mut().map(|entity| own_fragment(&member(entity, key), trie)).collect();
    for found in response.errors {
        match found.path.get(1) {
            Some(PathSegment::Index(index)) => {
                if let Some(fragment) = fragments.get_mut(*index) {
                    fragment.errors.push((steps(&found, 3), error(found)));
                }
            }
            // An error of the whole execution is one of each entity.
            _ => fragments.iter_mut().for_each(|f| f.errors.push((Vec::new(), error(found.clone())))),
        }
    }
    fragments
}

fn member(object: &mut Value, key: &str) -> Value {
    match object {
        Value::Object(members) => members.get_mut(key).map(std::mem::take).unwrap_or_default(),
        _ => Value::Null,
    }
}

/// The path below the entry field.
fn steps(error: &ServerError, skip: usize) -> Vec<Step> {
    let step = |segment: &PathSegment| match segment {
        PathSegment::Field(name) => Step::Key(name.as_str().into()),
        PathSegment::Index(index) => Step::Index(*index),
    };
    error.path.iter().skip(skip).map(step).collect()
}

/// The error without path and locations, which are written where it is placed.
fn error(error: ServerError) -> Map<String, serde_json::Value> {
    let mut written = Map::from_iter([("message".to_owned(), serde_json::Value::from(error.message))]);
    if let Some(Ok(extensions)) = error.extensions.map(serde_json::to_value) {
        written.insert("extensions".to_owned(), extensions);
    }
    written
}

/// What stands where one operation personalizes more entities than it may.
pub(super) fn refused(limit: usize) -> Fragment {
    let mut fragment = own_fragment(&Value::Null, &Trie::default());
    let message = format!(
        "one operation personalizes at most {limit} entities (limits.entities); this one is beyond. Ask for fewer."
    );
    let extensions = Map::from_iter([("code".to_owned(), serde_json::Value::from("OUTFITTER_LIMIT_EXCEEDED"))]);
    let error = Map::from_iter([
        ("message".to_owned(), serde_json::Value::from(message)),
        ("extensions".to_owned(), extensions.into()),
    ]);
    fragment.errors.push((Vec::new(), error));
    fragment
}
