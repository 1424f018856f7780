//! One slate asked for at one place of an operation: the entity and the field's arguments.
//!
//! Derived twice, by the collector from the operation's arguments before anything is decided, and by the resolver when
//! the field is executed. Both go through [`SlateAsk::new`], so that the resolver finds what the collector asked for.

use super::decider::Decider;
use super::error::AskError;
use crate::domain::ids::{CollectionKey, ProductKey};
use crate::domain::slate::Intent;
use crate::engine::{MAX_FIRST, SlateRequest};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The longest id taken, in bytes.
pub const MAX_ID: usize = 512;
/// The most ids in one list.
pub const MAX_IDS: usize = 250;

/// What a slate is asked of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The shopper: a placement at the root.
    Shopper,
    /// A product.
    Product(ProductKey),
    /// A cart, with the products of its lines as the representation brought them.
    Cart {
        /// The cart's key: a credential.
        key: Arc<str>,
        /// The products of its lines.
        products: Vec<ProductKey>,
    },
    /// A collection.
    Collection(CollectionKey),
}

/// A field that asks for a slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryField {
    /// `Personalized.recommendations`.
    Root,
    /// `PersonalizedProduct.recommendations`.
    Product,
    /// `PersonalizedCart.recommendations`.
    Cart,
    /// `PersonalizedCollection.recommendations`.
    Collection,
}

impl EntryField {
    /// The field of the type with this name, `recommendations` being the only one that asks for a slate.
    pub fn of(type_name: &str, field: &str) -> Option<Self> {
        match (type_name, field) {
            ("Personalized", "recommendations") => Some(Self::Root),
            ("PersonalizedProduct", "recommendations") => Some(Self::Product),
            ("PersonalizedCart", "recommendations") => Some(Self::Cart),
            ("PersonalizedCollection", "recommendations") => Some(Self::Collection),
            _ => None,
        }
    }

    /// The default of `first`, as the schema states it.
    pub fn default_first(self) -> i64 {
        match self {
            Self::Root => 8,
            Self::Product | Self::Cart => 4,
            Self::Collection => 24,
        }
    }

    /// The default of `intent`; `None` where the field has no such argument.
    pub fn default_intent(self) -> Option<Intent> {
        match self {
            Self::Product => Some(Intent::Related),
            Self::Cart => Some(Intent::Complementary),
            Self::Root | Self::Collection => None,
        }
    }
}

/// The arguments of such a field, as written, defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct SlateArguments {
    /// `intent`, where the field has it.
    pub intent: Option<Intent>,
    /// `placement`, where the field has it.
    pub placement: Option<String>,
    /// `first`, unchecked.
    pub first: i64,
    /// `seeds`.
    pub seeds: Vec<String>,
    /// `exclude`.
    pub exclude: Vec<String>,
}

/// One slate asked for at one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlateAsk {
    /// What it is asked of.
    pub subject: Subject,
    /// What it is for; `None` for placements and collections, which know themselves.
    pub intent: Option<Intent>,
    /// The placement, at the root.
    pub placement: Option<Arc<str>>,
    /// How many, 1 to [`MAX_FIRST`].
    pub first: usize,
    /// Products to start from, as the client listed them.
    pub seeds: Vec<ProductKey>,
    /// Products not wanted.
    pub exclude: Vec<ProductKey>,
}

impl SlateAsk {
    /// Checks the arguments. Errors: `first` out of range, an id that cannot be one, a list that is too long.
    pub fn new(subject: Subject, arguments: SlateArguments) -> Result<Self, AskError> {
        let first = usize::try_from(arguments.first)
            .ok()
            .filter(|first| (1..=MAX_FIRST).contains(first))
            .ok_or(AskError::First { got: arguments.first, most: MAX_FIRST })?;
        Ok(Self {
            subject,
            intent: arguments.intent,
            placement: arguments.placement.map(Arc::from),
            first,
            seeds: product_keys("seeds", arguments.seeds)?,
            exclude: product_keys("exclude", arguments.exclude)?,
        })
    }

    /// The same from arguments as JSON, variables filled in, enum values as strings; what is absent takes the schema's
    /// default. Errors: those of [`SlateAsk::new`], and an argument of a wrong type.
    pub fn from_args(subject: Subject, field: EntryField, args: &Map<String, Value>) -> Result<Self, AskError> {
        let first = match args.get("first") {
            None => field.default_first(),
            Some(value) => value.as_i64().ok_or(AskError::Type { argument: "first", expected: "an Int" })?,
        };
        let intent = match args.get("intent").filter(|_| field.default_intent().is_some()) {
            None => field.default_intent(),
            Some(value) => Some(serde_json::from_value(value.clone()).map_err(|_| INTENT)?),
        };
        let placement = match args.get("placement").filter(|_| field == EntryField::Root) {
            None if field == EntryField::Root => return Err(PLACEMENT),
            None => None,
            Some(value) => Some(value.as_str().ok_or(PLACEMENT)?.to_owned()),
        };
        let arguments = SlateArguments {
            intent,
            placement,
            first,
            seeds: if field == EntryField::Root { ids("seeds", args)? } else { Vec::new() },
            exclude: ids("exclude", args)?,
        };
        Self::new(subject, arguments)
    }

    /// What to ask of the engine. Errors: a placement that the shop does not have.
    pub fn request(&self, engine: &dyn Decider) -> Result<SlateRequest, AskError> {
        let intent = self.intent.unwrap_or(Intent::ForYou);
        let (placement, intent, seeds, collection) = match &self.subject {
            Subject::Shopper => {
                let name = self.placement.as_ref().ok_or(PLACEMENT)?;
                let intent = engine.placement(name).ok_or_else(|| unknown_placement(name, engine))?;
                (Arc::clone(name), intent, self.seeds.clone(), None)
            }
            Subject::Product(key) => (label("product", intent), intent, vec![key.clone()], None),
            Subject::Cart { products, .. } => (label("cart", intent), intent, products.clone(), None),
            Subject::Collection(key) => (Arc::from("collection"), intent, Vec::new(), Some(key.clone())),
        };
        Ok(SlateRequest { placement, intent, seeds, collection, exclude: self.exclude.clone(), first: self.first })
    }
}

const INTENT: AskError = AskError::Type { argument: "intent", expected: "a PersonalizedIntent" };
const PLACEMENT: AskError = AskError::Type { argument: "placement", expected: "a String" };

fn label(entity: &str, intent: Intent) -> Arc<str> {
    let intent = match intent {
        Intent::Related => "RELATED",
        Intent::Complementary => "COMPLEMENTARY",
        Intent::CompleteTheLook => "COMPLETE_THE_LOOK",
        Intent::ForYou => "FOR_YOU",
        Intent::RecentlyViewed => "RECENTLY_VIEWED",
        Intent::BuyAgain => "BUY_AGAIN",
        Intent::Trending => "TRENDING",
        Intent::Popular => "POPULAR",
    };
    format!("{entity}:{intent}").into()
}

fn unknown_placement(name: &str, engine: &dyn Decider) -> AskError {
    let known = engine.placements().join(", ");
    AskError::Placement { name: name.chars().take(64).collect(), known }
}

/// Checks a list of product ids.
fn product_keys(argument: &'static str, ids: Vec<String>) -> Result<Vec<ProductKey>, AskError> {
    if ids.len() > MAX_IDS {
        return Err(AskError::TooMany { argument, got: ids.len(), most: MAX_IDS });
    }
    let key = |id: String| match id.len() {
        1..=MAX_ID => Ok(ProductKey::new(id)),
        _ => Err(AskError::Id { argument, most: MAX_ID }),
    };
    ids.into_iter().map(key).collect()
}

/// A list of ids as GraphQL coerces it: absent and null are empty, one id is a list of one, an integer is an id.
fn ids(argument: &'static str, args: &Map<String, Value>) -> Result<Vec<String>, AskError> {
    let id = |value: &Value| match value {
        Value::String(id) => Ok(id.clone()),
        Value::Number(id) if id.is_i64() || id.is_u64() => Ok(id.to_string()),
        _ => Err(AskError::Type { argument, expected: "a list of ids" }),
    };
    match args.get(argument) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(id).collect(),
        Some(one) => Ok(vec![id(one)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Arguments of one field as a client may write them: as JSON, and as GraphQL text.
    fn arguments(field: EntryField) -> impl Strategy<Value = Map<String, Value>> {
        let ids = || proptest::option::of(proptest::collection::vec("[a-z/:]{1,12}", 0..4));
        let intent = proptest::sample::select(vec!["RELATED", "COMPLETE_THE_LOOK", "FOR_YOU", "BUY_AGAIN", "POPULAR"]);
        let first = proptest::option::of(1..=50_i64);
        let placement = proptest::sample::select(vec!["home", "cart", "trending"]);
        (proptest::option::of(intent), placement, first, ids(), ids()).prop_map(
            move |(intent, placement, first, seeds, exclude)| {
                let mut args = Map::new();
                let has_intent = field.default_intent().is_some();
                intent.filter(|_| has_intent).map(|intent| args.insert("intent".into(), json!(intent)));
                if field == EntryField::Root {
                    args.insert("placement".into(), json!(placement));
                    seeds.map(|seeds| args.insert("seeds".into(), json!(seeds)));
                }
                first.map(|first| args.insert("first".into(), json!(first)));
                exclude.map(|exclude| args.insert("exclude".into(), json!(exclude)));
                args
            },
        )
    }

    fn written(args: &Map<String, Value>) -> String {
        if args.is_empty() {
            return String::new();
        }
        let value = |name: &str, value: &Value| match value {
            Value::String(text) if name == "intent" => text.clone(),
            other => other.to_string(),
        };
        let args: Vec<_> = args.iter().map(|(name, of)| format!("{name}: {}", value(name, of))).collect();
        format!("({})", args.join(", "))
    }

    fn at(field: EntryField) -> (Subject, Value, &'static str) {
        let products = vec![ProductKey::new("p1"), ProductKey::new("p2")];
        match field {
            EntryField::Root => (Subject::Shopper, Value::Null, "Query"),
            EntryField::Product => {
                (Subject::Product(ProductKey::new("p")), json!({"__typename": "Product", "key": "p"}), "Product")
            }
            EntryField::Cart => (
                Subject::Cart { key: "c".into(), products },
                json!({"__typename": "Cart", "key": "c", "products": ["p1", "p2"]}),
                "Cart",
            ),
            EntryField::Collection => (
                Subject::Collection(CollectionKey::new("k")),
                json!({"__typename": "Collection", "key": "k"}),
                "Collection",
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn collector_and_resolver_derive_the_same_ask(
            (field, args) in proptest::sample::select(vec![
                EntryField::Root, EntryField::Product, EntryField::Cart, EntryField::Collection,
            ]).prop_flat_map(|field| (Just(field), arguments(field)))
        ) {
            let (subject, representation, ty) = at(field);
            let ask = SlateAsk::from_args(subject, field, &args).unwrap();
            let wanted = format!("personalized{{recommendations{}{{decision{{id}}}}}}", written(&args));
            let fixture = Fixture::new();
            fixture.settled(ask, "settled before");
            let (text, variables) = if field == EntryField::Root {
                (format!("{{{wanted}}}"), json!({}))
            } else {
                let text = format!("query($r:[_Any!]!){{_entities(representations:$r){{...on {ty}{{{wanted}}}}}}}");
                (text, json!({"r": [representation]}))
            };
            let answer = fixture.run(&text, variables);
            prop_assert!(answer.to_string().contains("settled before"), "{text}\n{answer}");
        }
    }

    #[test]
    fn absent_arguments_take_the_defaults_of_the_schema() {
        let none = Map::new();
        let ask = SlateAsk::from_args(Subject::Product(ProductKey::new("p")), EntryField::Product, &none).unwrap();
        assert_eq!((ask.intent, ask.first), (Some(Intent::Related), 4));
        let ask = SlateAsk::from_args(Subject::Collection(CollectionKey::new("k")), EntryField::Collection, &none);
        assert_eq!(ask.unwrap().first, 24);
        let root = json!({"placement": "home"});
        let ask = SlateAsk::from_args(Subject::Shopper, EntryField::Root, root.as_object().unwrap()).unwrap();
        assert_eq!((ask.intent, ask.first), (None, 8));
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_a_code() {
        let refuse = |args: Value| {
            let ask = SlateAsk::from_args(Subject::Shopper, EntryField::Root, args.as_object().unwrap());
            ask.unwrap_err().code()
        };
        assert_eq!(refuse(json!({"placement": "home", "first": 0})), "PERSONALIZED_BAD_FIRST");
        assert_eq!(refuse(json!({"placement": "home", "first": 51})), "PERSONALIZED_BAD_FIRST");
        assert_eq!(refuse(json!({"placement": "home", "seeds": [""]})), "PERSONALIZED_BAD_ID");
        assert_eq!(refuse(json!({"placement": "home", "exclude": ["x".repeat(513)]})), "PERSONALIZED_BAD_ID");
        assert_eq!(refuse(json!({"placement": "home", "exclude": vec!["x"; 251]})), "PERSONALIZED_TOO_MANY_IDS");
        assert_eq!(refuse(json!({"placement": 1})), "PERSONALIZED_BAD_ARGUMENT");
        assert_eq!(refuse(json!({})), "PERSONALIZED_BAD_ARGUMENT");
    }
}
