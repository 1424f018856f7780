//! What a resolver gives: leaves, objects, lists and paged lists.

use super::picture::Picture;
use crate::demo::product::{Collection, Product, Variant};
use apollo_compiler::resolvers::FieldError;
use apollo_compiler::response::JsonValue;
use std::rc::Rc;

/// The value of a field, before its selection is applied.
#[derive(Clone)]
pub(super) enum Value<'s> {
    /// A scalar, an enum value or null.
    Leaf(JsonValue),
    Object(Object<'s>),
    List(Rc<[Value<'s>]>),
    /// A connection: cut to its page by the field's arguments.
    Paged(Rc<Paged<'s>>),
    /// Computed when it is asked for, because it costs more than a look-up.
    Later(Rc<dyn Fn() -> Value<'s> + 's>),
    /// The resolver does not know the field: null where the schema allows it.
    Absent,
}

/// An object whose fields can be asked for.
#[derive(Clone)]
pub(super) enum Object<'s> {
    Query,
    Mutation,
    Product(&'s Product),
    Variant(&'s Product, &'s Variant),
    Collection(&'s Collection),
    Picture(Picture<'s>),
    Record(Rc<Record<'s>>),
}

/// An object whose fields are computed already.
pub(super) struct Record<'s> {
    /// The name of its type.
    pub(super) of: &'static str,
    pub(super) fields: Vec<(&'static str, Value<'s>)>,
}

/// All items of a connection, in order, each with a key that is unique in it.
pub(super) struct Paged<'s> {
    /// The type's name without `Connection`.
    pub(super) of: &'static str,
    pub(super) items: Vec<(u64, Value<'s>)>,
    /// Fields of the connection besides edges, nodes and pageInfo.
    pub(super) extra: Vec<(&'static str, Value<'s>)>,
}

/// What resolvers return.
pub(super) type Resolved<'s> = Result<Value<'s>, FieldError>;

/// An error that the client reads.
pub(super) fn error(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

impl<'s> Value<'s> {
    /// JSON null.
    pub(super) const NULL: Self = Value::Leaf(JsonValue::Null);

    /// A scalar.
    pub(super) fn leaf(json: impl Into<JsonValue>) -> Self {
        Value::Leaf(json.into())
    }

    /// A number that does not fit 31 bits, such as a weight.
    pub(super) fn float(number: f64) -> Self {
        Value::Leaf(JsonValue::from(number))
    }

    /// A scalar or null.
    pub(super) fn maybe(json: Option<impl Into<JsonValue>>) -> Self {
        json.map_or(Value::NULL, Value::leaf)
    }

    /// A list of strings.
    pub(super) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Value::list(texts.into_iter().map(|text| Value::leaf(text.into())))
    }

    /// A list.
    pub(super) fn list(items: impl IntoIterator<Item = Value<'s>>) -> Self {
        Value::List(items.into_iter().collect())
    }

    /// The empty list.
    pub(super) fn none() -> Self {
        Value::List(Rc::new([]))
    }

    /// An object with these fields.
    pub(super) fn record(of: &'static str, fields: Vec<(&'static str, Value<'s>)>) -> Self {
        Value::Object(Object::Record(Rc::new(Record { of, fields })))
    }

    /// A connection of these items.
    pub(super) fn paged(of: &'static str, items: impl IntoIterator<Item = (u64, Value<'s>)>) -> Self {
        Value::Paged(Rc::new(Paged { of, items: items.into_iter().collect(), extra: Vec::new() }))
    }

    /// A connection of products.
    pub(super) fn products(
        products: impl IntoIterator<Item = &'s Product>,
        extra: Vec<(&'static str, Value<'s>)>,
    ) -> Self {
        let items = products.into_iter().map(|product| (product.number, Value::Object(Object::Product(product))));
        Value::Paged(Rc::new(Paged { of: "Product", items: items.collect(), extra }))
    }

    /// The object or null.
    pub(super) fn object(object: Option<Object<'s>>) -> Self {
        object.map_or(Value::NULL, Value::Object)
    }
}

impl Object<'_> {
    /// The name of its type in the schema.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Object::Query => "QueryRoot",
            Object::Mutation => "Mutation",
            Object::Product(_) => "Product",
            Object::Variant(..) => "ProductVariant",
            Object::Collection(_) => "Collection",
            Object::Picture(_) => "Image",
            Object::Record(record) => record.of,
        }
    }
}
