//! Executes documents of the personalization schema.

use super::mutation::Mutation;
use super::query::Query;
use super::viewer::Viewer;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    EmptySubscription, Name, PathSegment, Request, Response, Schema, ServerError, ValidationMode, Value, Variables,
};
use std::sync::Arc;

/// A document parsed once and executed often.
#[derive(Clone, Debug)]
pub struct ParsedDocument(Arc<ExecutableDocument>);

impl ParsedDocument {
    /// Parses a document. Errors: those of the grammar.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        Ok(Self(Arc::new(async_graphql::parser::parse_query(text)?)))
    }
}

/// The personalization schema, ready to execute.
#[derive(Clone)]
pub struct Personalization {
    schema: Schema<Query, Mutation, EmptySubscription>,
}

impl Default for Personalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Personalization {
    /// Builds the schema. Documents are validated against the composed schema before they come here, so they are not
    /// validated again; the gateway's limits are the ones that rule.
    pub fn new() -> Self {
        let schema = Schema::build(Query, Mutation, EmptySubscription)
            .validation_mode(ValidationMode::Fast)
            .limit_recursive_depth(usize::MAX)
            .disable_suggestions()
            .finish();
        Self { schema }
    }

    /// The schema as async-graphql writes it.
    pub(super) fn raw_sdl(&self) -> String {
        self.schema.sdl_with_options(async_graphql::SDLExportOptions::new().federation().include_specified_by())
    }

    /// Executes one operation for one shopper.
    pub async fn execute(&self, document: &ParsedDocument, variables: Variables, viewer: Arc<Viewer>) -> Response {
        self.run(document, Request::new(String::new()).variables(variables).data(viewer)).await
    }

    /// Executes a request whose data is complete.
    pub(super) async fn run(&self, document: &ParsedDocument, mut request: Request) -> Response {
        request.set_parsed_query(ExecutableDocument::clone(&document.0));
        let mut response = self.schema.execute(request).await;
        for error in &response.errors {
            fill(&mut response.data, &error.path);
        }
        response
    }
}

/// Puts null where an error says that a value is missing.
///
/// async-graphql 7.2 leaves a field out of its object where an argument cannot be read, and answers null for an object
/// without fields. Where a resolver fails it does what the specification asks, as long as the resolver answers with
/// `Option<Result<_>>`, which all of ours do.
fn fill(data: &mut Value, path: &[PathSegment]) {
    let Some((step, rest)) = path.split_first() else { return };
    match (step, data) {
        (PathSegment::Index(index), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                fill(item, rest);
            }
        }
        (PathSegment::Field(name), Value::Object(fields)) => {
            fill(fields.entry(Name::new(name)).or_insert(Value::Null), rest);
        }
        (PathSegment::Field(name), data @ Value::Null) if rest.is_empty() => {
            *data = Value::Object([(Name::new(name), Value::Null)].into_iter().collect());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use crate::domain::consent::{Consent, Purpose};
    use serde_json::json;

    #[test]
    fn an_error_names_its_entity_and_leaves_the_others_alone() {
        let text = "query($r:[_Any!]!){_entities(representations:$r){
            ...on Product{personalized{id recommendations(first: 60){decision{id}}}}
            ...on Collection{personalized{recommendations(first: 1){items{position}}}}}}";
        let r = json!({"r": [
            {"__typename": "Nothing", "key": "n"},
            {"__typename": "Product", "key": "p"},
            {"__typename": "Collection", "key": "c"},
        ]});
        let answer = Fixture::new().run(text, r);
        assert_eq!(
            answer["data"]["_entities"],
            json!([
                null,
                {"personalized": {"id": "p", "recommendations": null}},
                {"personalized": {"recommendations": {"items": [{"position": 1}]}}},
            ])
        );
        assert_eq!(answer["errors"][0]["path"], json!(["_entities", 1, "personalized", "recommendations"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSONALIZED_BAD_FIRST");
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn root_fields_stand_in_document_order_and_do_not_repeat_a_product() {
        let text = "{personalized{
            one: recommendations(placement: \"trending\", first: 4){items{product{key}}}
            decision(id: \"unknown\"){id}
            shopper{visits}
            two: recommendations(placement: \"trending\", first: 5){items{product{key}}}
            id}}";
        let answer = Fixture::new().run(text, json!({}));
        let personalized = answer["data"]["personalized"].as_object().unwrap();
        assert_eq!(personalized.keys().collect::<Vec<_>>(), ["one", "decision", "shopper", "two", "id"]);
        assert_eq!(personalized["decision"], json!(null));
        assert_eq!(personalized["shopper"], json!({"visits": "FIRST"}));
        let keys = |name: &str| personalized[name]["items"].as_array().unwrap().clone();
        let shown: Vec<_> = [keys("one"), keys("two")].concat();
        let distinct: std::collections::HashSet<String> = shown.iter().map(ToString::to_string).collect();
        assert_eq!((shown.len(), distinct.len()), (9, 9), "{answer}");
    }

    #[test]
    fn an_argument_that_cannot_be_read_makes_its_field_null() {
        let text = "mutation($at:PersonalizedDateTime){
            a: personalizedTrack(events:[{id:\"1\",type:PAGE_VIEWED,at:$at}]){accepted}
            b: personalizedConsent(consent:{}){erasedPurposes}}";
        let answer = Fixture::new().run(text, json!({"at": "yesterday"}));
        assert_eq!(answer["data"], json!({"a": null, "b": {"erasedPurposes": []}}));
        assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    }

    #[test]
    fn without_consent_nothing_personal_is_there() {
        let mut fixture = Fixture::new();
        fixture.viewer.context.consent = Consent::ALL.with(Purpose::Preferences, false);
        let text = "query($r:[_Any!]!){personalized{id shopper{id}}
            _entities(representations:$r){...on Product{personalized{affinity}}}}";
        let answer = fixture.run(text, json!({"r": [{"__typename": "Product", "key": "p"}]}));
        assert_eq!(
            answer["data"],
            json!({
                "personalized": {"id": "anonymous", "shopper": null},
                "_entities": [{"personalized": {"affinity": null}}],
            })
        );
    }

    #[test]
    fn the_shopper_reads_their_own_affinities_and_interests() {
        let text = "query($r:[_Any!]!){personalized{shopper{id interests(first: 1){label weight} consent{marketing}}}
            _entities(representations:$r){...on Product{personalized{affinity}}}}";
        let answer = Fixture::new().run(text, json!({"r": [{"__typename": "Product", "key": "a"}]}));
        assert_eq!(
            answer["data"],
            json!({
                "personalized": {"shopper": {
                    "id": "s-1", "interests": [], "consent": {"marketing": true},
                }},
                "_entities": [{"personalized": {"affinity": 0.0}}],
            })
        );
    }

    #[test]
    fn an_unknown_placement_is_refused_by_naming_those_there_are() {
        let answer =
            Fixture::new().run("{personalized{recommendations(placement: \"hoem\"){decision{id}}}}", json!({}));
        assert_eq!(answer["data"], json!({"personalized": {"recommendations": null}}));
        let message = "there is no placement `hoem`; this shop has buy-again, cart, home, post-purchase, product, \
                       recently-viewed, search-empty, trending";
        assert_eq!(answer["errors"][0]["message"], message);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSONALIZED_UNKNOWN_PLACEMENT");
    }

    #[test]
    fn a_connection_shows_the_decision_it_was_handed_and_nothing_else() {
        let fixture = Fixture::new();
        fixture.viewer.book.put_connection("token", super::super::fixture::decision("d-9"));
        let text = "query($r:[_Any!]!){_entities(representations:$r){
            ...on ProductConnection{personalized{id servedBy decidedAt maxAge model fallbackReason experiment{key}}}}}";
        let r = json!({"r": [
            {"__typename": "ProductConnection", "key": "token"},
            {"__typename": "ProductConnection", "key": ""},
        ]});
        let answer = fixture.run(text, r);
        let decision = json!({
            "id": "d-9", "servedBy": "STATISTICS", "decidedAt": "1970-01-01T00:00:00Z", "maxAge": 30,
            "model": null, "fallbackReason": null, "experiment": null,
        });
        assert_eq!(answer["data"]["_entities"], json!([{"personalized": decision}, {"personalized": null}]));
    }
}
