//! The personalization schema as an Apollo Federation v2 subgraph, for an outer router: `/subgraph`.
//!
//! Here the platform's names hold: an entity's key is the platform's own field (`id` on Shopify), in the SDL, in
//! documents and in representations. Documents are validated, unlike those of the gateway, which come validated.
//! Nothing is asked of the platform: products that are sold out are the router's to drop. An entity that needs more
//! than its key (a cart its lines) or whose name the platform does not share is left out, since routers hand over the
//! key only. Source: <https://www.apollographql.com/docs/graphos/reference/federation/subgraph-specs>

use super::execute::{ParsedDocument, Personalization};
use super::query::Sdl;
use super::sdl::definitions;
use super::viewer::Viewer;
use crate::platform::Entity;
use apollo_compiler::ast::Definition;
use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Schema, name};
use async_graphql::{Request, Response, ServerError, Variables};
use serde_json::{Map, Value};
use std::sync::Arc;

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\"])\n";
/// Tokens of one document: routers send what their own clients wrote, split up.
const TOKENS: usize = 15_000;
/// Nesting of one document. async-graphql's own parser stops at 64.
const DEPTH: usize = 50;

/// The schema as a subgraph of one platform.
pub struct Subgraph {
    sdl: Arc<str>,
    schema: Valid<Schema>,
    keys: Vec<(Name, Name)>,
    personalization: Personalization,
}

/// Why there is no subgraph.
#[derive(Debug, thiserror::Error)]
#[error("the subgraph's schema is not valid: {0}")]
pub struct SubgraphError(String);

impl Subgraph {
    /// The subgraph beside a platform of this schema. Errors: the schema does not validate, a fault of ours.
    pub fn new(entities: &[Entity], upstream: &Schema) -> Result<Self, SubgraphError> {
        let mut keys = Vec::new();
        let mut body = String::new();
        let key = |canonical: &str| {
            let entity = entities.iter().find(|entity| entity.canonical == canonical)?;
            let alone = entity.needs.is_empty() && entity.key != "__typename" && entity.types.contains(&canonical);
            let field = upstream.type_field(canonical, entity.key).ok().filter(|_| alone)?;
            Some((Name::new(canonical).ok()?, Name::new(entity.key).ok()?, field.ty.to_string()))
        };
        let served: Vec<_> = ["Product", "Collection"].into_iter().filter_map(key).collect();
        let mut roots = vec!["Query", "Mutation"];
        roots.extend(served.iter().map(|(name, ..)| name.as_str()));
        for definition in definitions(&roots) {
            let mut text = definition.to_string();
            if let Definition::ObjectTypeExtension(object) = &definition {
                text = text.replacen("extend type", "type", 1);
                if let Some((name, key, ty)) = served.iter().find(|(name, ..)| *name == object.name) {
                    let (head, own) = text.split_once('{').unwrap_or((&text, "}"));
                    text =
                        format!("{head}@key(fields: \"{key}\") {{\n  \"The platform's own id.\"\n  {key}: {ty}{own}");
                    keys.push((name.clone(), key.clone()));
                }
            }
            body.push_str(&format!("\n{}\n", text.trim_end()));
        }
        let members: Vec<_> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let mut whole = body.clone();
        whole.push_str("directive @key(fields: String!) on OBJECT\ntype _Service { sdl: String }\n");
        whole.push_str("extend type Query { _service: _Service! }\n");
        if !members.is_empty() {
            let members = members.join(" | ");
            whole.push_str(&format!("scalar _Any\nunion _Entity = {members}\n"));
            whole.push_str("extend type Query { _entities(representations: [_Any!]!): [_Entity]! }\n");
        }
        let schema = Schema::parse_and_validate(whole, "subgraph.graphql")
            .map_err(|invalid| SubgraphError(invalid.errors.to_string()))?;
        Ok(Self { sdl: format!("{LINK}{body}").into(), schema, keys, personalization: Personalization::new() })
    }

    /// The schema in SDL, with federation's directives.
    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    /// Answers a router. A document that cannot be served is answered with errors and no data.
    pub async fn execute(
        &self,
        query: &str,
        operation: Option<&str>,
        mut variables: Map<String, Value>,
        viewer: Arc<Viewer>,
    ) -> Response {
        let document = match self.document(query, operation) {
            Ok(document) => document,
            Err(error) => return Response::from_errors(vec![error]),
        };
        variables.values_mut().for_each(|value| self.keyed(value));
        let variables = Variables::from_json(Value::Object(variables));
        let request = Request::new(String::new()).variables(variables).data(viewer).data(Sdl(Arc::clone(&self.sdl)));
        self.personalization.run(&document, request).await
    }

    /// The operation alone, in canonical names.
    fn document(&self, query: &str, operation: Option<&str>) -> Result<ParsedDocument, ServerError> {
        let refuse = |message: String| ServerError::new(message, None);
        let document = Parser::new()
            .token_limit(TOKENS)
            .recursion_limit(DEPTH)
            .parse_executable(&self.schema, query, "query.graphql")
            .map_err(|invalid| refuse(first_line(&invalid.errors.to_string())))?
            .validate(&self.schema)
            .map_err(|invalid| refuse(first_line(&invalid.errors.to_string())))?;
        let chosen = document.operations.get(operation).map_err(|error| refuse(format!("{error:?}")))?.clone();
        let mut document = ExecutableDocument::clone(&document);
        document.operations = Default::default();
        document.operations.insert(chosen);
        for operation in document.operations.anonymous.iter_mut().chain(document.operations.named.values_mut()) {
            self.canonical(&mut operation.make_mut().selection_set);
        }
        for fragment in document.fragments.values_mut() {
            self.canonical(&mut fragment.make_mut().selection_set);
        }
        ParsedDocument::parse(&document.to_string())
    }

    /// `id` becomes `id: key` on entities, all the way down. As deep as [`DEPTH`] at most.
    fn canonical(&self, set: &mut SelectionSet) {
        let key = self.keys.iter().find(|(ty, _)| *ty == set.ty).map(|(_, key)| key);
        for selection in &mut set.selections {
            match selection {
                Selection::Field(field) => {
                    let field = field.make_mut();
                    if Some(&field.name) == key {
                        field.alias = Some(field.response_key().clone());
                        field.name = name!("key");
                    }
                    self.canonical(&mut field.selection_set);
                }
                Selection::InlineFragment(inline) => self.canonical(&mut inline.make_mut().selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Adds `key` to representations in a variable: objects that name one of the entities.
    fn keyed(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().filter(|value| value.is_object()).for_each(|v| self.keyed(v)),
            Value::Object(fields) => {
                let Some(Value::String(ty)) = fields.get("__typename") else { return };
                let key = self
                    .keys
                    .iter()
                    .find(|(name, _)| name.as_str() == ty)
                    .and_then(|(_, key)| fields.get(key.as_str()));
                let key = match key {
                    Some(Value::Number(key)) => Value::String(key.to_string()),
                    Some(key) => key.clone(),
                    None => return,
                };
                fields.insert("key".to_owned(), key);
            }
            _ => {}
        }
    }
}

/// What is wrong, without the excerpt of the document that follows it.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("the document is not valid").trim_start_matches("Error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;
    use serde_json::json;

    const SHOP: &str =
        "type Query { shop: String } type Product { id: ID! } type Collection { id: ID! } type Cart { id: ID! }";
    const fn entity(canonical: &'static str, types: &'static [&'static str], needs: &'static str) -> Entity {
        Entity { canonical, types, key: "id", needs, live: "" }
    }
    const ENTITIES: [Entity; 3] = [
        entity("Product", &["Product"], ""),
        entity("Collection", &["Collection"], ""),
        entity("Cart", &["Cart"], "lines { id }"),
    ];

    fn subgraph() -> Subgraph {
        Subgraph::new(&ENTITIES, &Schema::parse(SHOP, "shop.graphql").unwrap()).unwrap()
    }

    fn ask(query: &str, operation: Option<&str>, variables: Value) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let Value::Object(variables) = variables else { panic!("an object") };
        let subgraph = subgraph();
        let answer = subgraph.execute(query, operation, variables, Arc::new(Fixture::new().viewer));
        serde_json::to_value(runtime.block_on(answer)).unwrap()
    }

    #[test]
    fn entities_are_keyed_by_the_platforms_own_field_and_what_needs_more_is_left_out() {
        let subgraph = subgraph();
        assert!(subgraph.sdl().contains("type Product @key(fields: \"id\")"), "{}", subgraph.sdl());
        assert!(!subgraph.sdl().contains("Cart {"), "{}", subgraph.sdl());
    }

    #[test]
    fn representations_and_documents_use_the_platforms_names() {
        let text = "query A($r:[_Any!]!){_entities(representations:$r){__typename ...on Product{id again:id ...P}}}
            fragment P on Product{personalized{id recommendations(first:1){items{product{id}}}}}
            query B{personalized{id}}";
        let answer = ask(text, Some("A"), json!({"r": [{"__typename": "Product", "id": "a"}]}));
        let entity = &answer["data"]["_entities"][0];
        assert_eq!(
            (&entity["__typename"], &entity["id"], &entity["again"]),
            (&json!("Product"), &json!("a"), &json!("a"))
        );
        let item = &entity["personalized"]["recommendations"]["items"][0]["product"];
        assert!(item["id"].is_string() && item["id"] != "a", "{answer}");
        assert_eq!(ask(text, Some("B"), json!({}))["data"], json!({"personalized": {"id": "s-1"}}));
    }

    #[test]
    fn a_router_reads_the_schema_and_is_told_what_is_wrong() {
        let sdl = ask("{_service{sdl}}", None, json!({}));
        assert_eq!(sdl["data"]["_service"]["sdl"], subgraph().sdl());
        let refused = ask("{personalized{nothing}}", None, json!({}));
        assert_eq!(refused["data"], json!(null));
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("nothing"), "{refused}");
        let deep = format!("{}{}", "{personalized".repeat(5_000), "}".repeat(5_000));
        assert!(ask(&deep, None, json!({}))["errors"].is_array());
    }
}
