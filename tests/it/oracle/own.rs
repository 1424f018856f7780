//! The personalized fields as the reference resolves them: values come from the personalization schema itself, one
//! field at a time and with every leaf; the shape of the answer is the reference executor's work alone.

use super::shop::{Thing, World, hash};
use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::consent::{Consent, Purpose};
use outfitter::domain::event::Event;
use outfitter::domain::ids::{DecisionId, ProductKey, ShopperKey};
use outfitter::domain::slate::{Decision, Intent, ReasonCode, ServedBy, Slate, SlateItem};
use outfitter::engine::{Context, RankRequest, Ranking, SlateRequest, Slated};
use outfitter::gateway::classify::{Classified, Operation};
use outfitter::gateway::error::RequestError;
use outfitter::gateway::personalize::sink::{Rejection, SinkError};
use outfitter::gateway::personalize::{Affinity, Decider, EventSink, ParsedDocument, Personalization, Viewer};
use outfitter::gateway::who::{Asking, Who};
use outfitter::ingest::{Evidence, RootField};
use outfitter::store::{DecisionStore, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

/// Decides by hash: the same ask, the same slate.
pub(super) struct Fixed;

#[async_trait]
impl Decider for Fixed {
    fn placement(&self, name: &str) -> Option<Intent> {
        (name != "unknown").then_some(Intent::ForYou)
    }

    fn placements(&self) -> Vec<String> {
        vec!["home".to_owned()]
    }

    async fn slates(&self, context: &Context, requests: &[SlateRequest]) -> Vec<Slated> {
        let slate = |request: &SlateRequest| {
            let seed = format!("{request:?}");
            let item = |n: usize| {
                let key = |what: &str| {
                    ProductKey::new(format!("gid://shopify/Product/{}", hash(&format!("{what}{seed}{n}"))))
                };
                SlateItem {
                    product: key("product"),
                    score: (hash(&format!("score{seed}{n}")) % 1000) as f64 / 1000.0,
                    reason: [ReasonCode::Similar, ReasonCode::Trending][n % 2],
                    because: n.is_multiple_of(2).then(|| key("because")),
                }
            };
            let decision = Decision {
                id: DecisionId::new(format!("{:x}", hash(&seed))),
                served_by: ServedBy::Statistics,
                fallback: None,
                model: None,
                experiment: None,
                explore: 0.0,
                decided_at: context.now,
                max_age: 5,
            };
            let items = (0..2 * request.first + 4).map(item).collect();
            Slated {
                slate: Slate { decision, placement: request.placement.clone(), items, wanted: request.first },
                inputs: [].into(),
                made: None,
            }
        };
        requests.iter().map(slate).collect()
    }

    async fn rank(&self, _: &Context, request: &RankRequest) -> Ranking {
        unreachable!("generated operations put nothing in order: {request:?}")
    }

    fn affinity(&self, _: &Context) -> Affinity {
        Box::new(|product| {
            (!hash(product.as_str()).is_multiple_of(5)).then(|| (hash(product.as_str()) % 1000) as f64 / 1000.0)
        })
    }

    fn interests(&self, _: &Context, first: usize) -> Vec<(String, f64)> {
        (0..first.min(3)).map(|n| (format!("category {n}"), 0.25)).collect()
    }
}

#[async_trait]
impl EventSink for Fixed {
    async fn track(&self, events: Vec<Event>) -> Vec<Result<(), (Rejection, String)>> {
        let reject = |event: &Event| hash(event.id.as_str()).is_multiple_of(3);
        events
            .iter()
            .map(|event| if reject(event) { Err((Rejection::Duplicate, "twice".to_owned())) } else { Ok(()) })
            .collect()
    }

    async fn consent(&self, change: &[(Purpose, bool)]) -> Result<(Consent, Vec<Purpose>), SinkError> {
        let erased = change.iter().filter(|(_, allowed)| !allowed).map(|(purpose, _)| *purpose).collect();
        Ok((change.iter().fold(Consent::ALL, |consent, (purpose, allowed)| consent.with(*purpose, *allowed)), erased))
    }

    async fn forget(&self) -> Result<bool, SinkError> {
        Ok(true)
    }

    async fn context(&self) -> Context {
        context()
    }
}

/// Everybody is one shopper who allows everything, at one moment.
pub(super) fn context() -> Context {
    Context {
        shopper: Some(ShopperKey::new("s")),
        confirmed: false,
        consent: Consent::ALL,
        state: Default::default(),
        away: false,
        market: Default::default(),
        now: Timestamp::from_second(1_790_000_000).unwrap(),
    }
}

#[async_trait]
impl Who for Fixed {
    async fn ask(&self, _: &Evidence) -> Result<Asking, RequestError> {
        Ok(Asking { context: context(), events: Arc::new(Fixed) })
    }

    fn roots(&self, _: &Classified, _: &Operation, _: &dyn Fn(&str) -> Option<Value>) -> Vec<RootField> {
        vec![]
    }

    fn knows(&self, _: &http::HeaderMap) -> bool {
        false
    }

    fn watch(&self, _: Evidence, _: &[RootField], _: Option<Bytes>) {}
}

/// No decision is on file.
#[async_trait]
impl DecisionStore for Fixed {
    async fn put(&self, _: DecisionRecord) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, _: &ShopperKey, _: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(None)
    }

    async fn of(&self, _: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn erase(&self, _: &ShopperKey) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// The source of personalized values.
pub(super) struct Own {
    schema: Personalization,
    /// `type Personalized…` fields with arguments, which are asked for one by one.
    fields: std::collections::HashMap<&'static str, &'static str>,
}

const RECOMMENDATIONS: &str = "{items{product{key} position score reason{code text because{key}}} \
    decision{id servedBy fallbackReason model experiment{key variant} decidedAt maxAge}}";

impl Own {
    pub(super) fn new() -> Self {
        let fields = [
            ("Personalized", "id shopper{id consent{analytics preferences marketing saleOfData} visits}"),
            ("PersonalizedProduct", "id affinity"),
            ("PersonalizedCart", "id"),
            ("PersonalizedCollection", "id"),
        ];
        Self { schema: Personalization::new(), fields: fields.into() }
    }

    fn run(&self, document: &str, variables: Value) -> Result<Value, String> {
        let viewer = Viewer {
            context: context(),
            engine: Arc::new(Fixed),
            events: Arc::new(Fixed),
            decisions: Arc::new(Fixed),
            book: Default::default(),
        };
        let parsed = ParsedDocument::parse(document).unwrap();
        let variables = async_graphql::Variables::from_json(variables);
        let response = futures::executor::block_on(self.schema.execute(&parsed, variables, Arc::new(viewer)));
        match response.errors.first() {
            Some(error) => Err(error.message.clone()),
            None => Ok(serde_json::to_value(response.data).unwrap()),
        }
    }

    /// The value of an entry field.
    pub(super) fn entry<'a>(
        &'a self,
        world: &'a World<'a>,
        parent: &str,
        key: &str,
        field: &str,
        arguments: &JsonMap,
    ) -> ResolvedValue<'a> {
        let (ty, select) = match (parent, field) {
            ("QueryRoot", _) => ("Personalized", "{personalized{*}}"),
            ("Mutation", _) => {
                let (select, declare, ty) = match field {
                    "personalizedTrack" => (
                        "{accepted rejected{id code message}}",
                        "$events:[PersonalizedEventInput!]!",
                        "PersonalizedTrackPayload",
                    ),
                    "personalizedConsent" => (
                        "{consent{analytics preferences marketing saleOfData} erasedPurposes}",
                        "$consent:PersonalizedConsentInput!",
                        "PersonalizedConsentPayload",
                    ),
                    _ => ("{erased}", "", "PersonalizedForgetPayload"),
                };
                let declared = if declare.is_empty() { String::new() } else { format!("({declare})") };
                let name = declare.split(':').next().unwrap();
                let argument = if declare.is_empty() { String::new() } else { format!("({}:{name})", &name[1..]) };
                let document = format!("mutation{declared}{{{field}{argument}{select}}}");
                let value = self.run(&document, serde_json::to_value(arguments).unwrap()).unwrap()[field].take();
                return ResolvedValue::object(Object {
                    world,
                    own: self,
                    ty: ty.to_owned(),
                    value,
                    subject: String::new(),
                });
            }
            ("ProductConnection", _) => return ResolvedValue::null(),
            ("Product", _) => ("PersonalizedProduct", "Product"),
            ("Cart", _) => ("PersonalizedCart", "Cart"),
            _ => ("PersonalizedCollection", "Collection"),
        };
        let (open, close, variables) = self.subject(world, ty, select, key);
        let document = format!("{open}{}{close}", self.fields[ty]);
        let value = entered(self.run(&document, variables).unwrap());
        ResolvedValue::object(Object { world, own: self, ty: ty.to_owned(), value, subject: key.to_owned() })
    }

    /// The way down to an entity's entry field.
    fn subject(&self, world: &World<'_>, ty: &str, canonical: &str, key: &str) -> (String, &'static str, Value) {
        if ty == "Personalized" {
            return (
                "query($a:Int!$b:String!$c:[ID!]$d:[ID!]$n:Int!$id:ID!){personalized{".to_owned(),
                "}}",
                json!({"a": 1, "b": "", "n": 1, "id": "x"}),
            );
        }
        let mut representation = json!({"__typename": canonical, "key": key});
        if canonical == "Cart" {
            representation["products"] = super::lines::products(world, key).into();
        }
        let open = format!(
            "query($r:[_Any!]!$a:Int!$i:PersonalizedIntent$d:[ID!]){{_entities(representations:$r){{...on {canonical}{{personalized{{"
        );
        (open, "}}}}", json!({"r": [representation], "a": 1}))
    }
}

fn entered(mut data: Value) -> Value {
    match data.get_mut("_entities") {
        Some(entities) => entities[0]["personalized"].take(),
        None => data["personalized"].take(),
    }
}

/// An object of the personalization schema with all its leaves at hand.
struct Object<'w> {
    world: &'w World<'w>,
    own: &'w Own,
    ty: String,
    value: Value,
    subject: String,
}

impl<'w> Object<'w> {
    fn resolved<'a>(&'a self, ty: &Type, value: &Value) -> ResolvedValue<'a> {
        match value {
            Value::Null => ResolvedValue::null(),
            Value::Array(items) => {
                ResolvedValue::list(items.iter().map(|item| self.resolved(ty.item_type(), item)).collect::<Vec<_>>())
            }
            Value::Object(members) => {
                if let Some(key) = members
                    .get("key")
                    .and_then(Value::as_str)
                    .filter(|_| !ty.inner_named_type().starts_with("Personalized"))
                {
                    return ResolvedValue::nullable_object(Thing::node(self.world, key));
                }
                let ty = ty.inner_named_type().to_string();
                ResolvedValue::object(Object {
                    world: self.world,
                    own: self.own,
                    ty,
                    value: value.clone(),
                    subject: self.subject.clone(),
                })
            }
            leaf => ResolvedValue::leaf(serde_json::from_value::<serde_json_bytes::Value>(leaf.clone()).unwrap()),
        }
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        &self.ty
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let ty = &info.field_definition().ty;
        let arguments = serde_json::to_value(info.arguments()).unwrap();
        let field = info.field_name();
        let call = match (self.ty.as_str(), field) {
            ("Personalized", "recommendations") => {
                format!("recommendations(placement:$b first:$a seeds:$c exclude:$d){RECOMMENDATIONS}")
            }
            ("PersonalizedCollection", "recommendations") => {
                format!("recommendations(first:$a exclude:$d){RECOMMENDATIONS}")
            }
            (_, "recommendations") => format!("recommendations(intent:$i first:$a exclude:$d){RECOMMENDATIONS}"),
            ("Personalized", "decision") => "decision(id:$id){id}".to_owned(),
            ("PersonalizedShopper", "interests") => "shopper{interests(first:$n){label weight}}".to_owned(),
            _ => return Ok(self.resolved(ty, &self.value[field])),
        };
        let root = matches!(self.ty.as_str(), "Personalized" | "PersonalizedShopper");
        let (ty_of_subject, canonical) =
            if root { ("Personalized", "") } else { (self.ty.as_str(), &self.ty["Personalized".len()..]) };
        let (open, close, mut variables) = self.own.subject(self.world, ty_of_subject, canonical, &self.subject);
        for (name, argument) in [
            ("a", "first"),
            ("n", "first"),
            ("b", "placement"),
            ("c", "seeds"),
            ("d", "exclude"),
            ("i", "intent"),
            ("id", "id"),
        ] {
            if let Some(value) = arguments.get(argument) {
                variables[name] = value.clone();
            }
        }
        // The document declares every variable; those it does not use are left unused, which async-graphql allows.
        let value =
            self.own.run(&format!("{open}{call}{close}"), variables).map_err(|message| FieldError { message })?;
        let value = entered(value);
        let value = if field == "interests" { &value["shopper"][field] } else { &value[field] };
        Ok(self.resolved(ty, value))
    }
}
