//! Sends each field to the resolver of its type and hands the value to the executor.

use super::ask::Ask;
use super::scene::Scene;
use super::value::{Object, Resolved, Value, error};
use super::{collection, connection, mutation, picture, product, query, record, variant};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};

/// An object as the executor sees it.
pub(super) struct View<'s> {
    pub(super) scene: &'s Scene<'s>,
    pub(super) object: Object<'s>,
}

impl<'s> View<'s> {
    fn value(&self, ask: Ask<'_>) -> Resolved<'s> {
        let scene = self.scene;
        match &self.object {
            Object::Query => query::field(scene, ask),
            Object::Mutation => mutation::field(scene, ask),
            Object::Product(it) => product::field(scene, it, ask),
            Object::Variant(of, it) => variant::field(scene, of, it, ask),
            Object::Collection(it) => collection::field(scene, it, ask),
            Object::Picture(it) => picture::field(scene, *it, ask),
            Object::Record(it) => record::field(it, ask),
        }
    }
}

impl ObjectValue for View<'_> {
    fn type_name(&self) -> &str {
        self.object.type_name()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        self.scene.charge(1)?;
        let ask = Ask::new(info.field_name(), info.arguments());
        let nullable = !info.field_definition().ty.is_non_null();
        resolved(self.scene, self.value(ask)?, ask, nullable)
    }
}

fn resolved<'a, 's: 'a>(
    scene: &'s Scene<'s>,
    value: Value<'s>,
    ask: Ask<'_>,
    nullable: bool,
) -> Result<ResolvedValue<'a>, FieldError> {
    Ok(match value {
        Value::Leaf(json) => ResolvedValue::Leaf(json),
        Value::Object(object) => ResolvedValue::object(View { scene, object }),
        Value::List(items) => {
            ResolvedValue::List(Box::new((0..items.len()).map(move |at| item(scene, items[at].clone()))))
        }
        Value::Paged(paged) => {
            let page = connection::page(scene, &paged, ask)?;
            return resolved(scene, page, ask, nullable);
        }
        Value::Later(compute) => return resolved(scene, compute(), ask, nullable),
        Value::Absent if nullable => ResolvedValue::null(),
        Value::Absent => return Err(error(format!("The demo store does not answer {}.", ask.field))),
    })
}

/// An item of a list. Lists of lists and lists of connections are not in the schema.
fn item<'a, 's: 'a>(scene: &'s Scene<'s>, value: Value<'s>) -> Result<ResolvedValue<'a>, FieldError> {
    match value {
        Value::Leaf(json) => Ok(ResolvedValue::Leaf(json)),
        Value::Object(object) => Ok(ResolvedValue::object(View { scene, object })),
        _ => Err(error("The demo store made a list that it cannot show.")),
    }
}
