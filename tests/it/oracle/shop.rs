//! A shop that answers any operation of a schema with values derived from where they stand, executed by
//! apollo-compiler. On the platform's schema, behind HTTP, it is the platform; on the composed schema, in process, it
//! is the reference that the gateway is compared with.

use super::own::Own;
use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::ExecutionResponse;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// A schema, and where it is the composed one, the source of the personalized fields.
pub(crate) struct World<'s> {
    pub(crate) schema: &'s Valid<Schema>,
    pub(super) own: Option<&'s Own>,
}

impl<'s> World<'s> {
    /// The platform's.
    pub(crate) fn platform(schema: &'s Valid<Schema>) -> Self {
        Self { schema, own: None }
    }
}

/// An object known by where it stands, or by its global id.
pub(super) struct Thing<'s> {
    world: &'s World<'s>,
    ty: String,
    key: String,
    first: usize,
}

pub(super) fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

impl<'s> Thing<'s> {
    fn new(world: &'s World<'s>, ty: &str, key: String, first: usize) -> Self {
        let mut possible: Vec<&str> = match &world.schema.types[ty] {
            ExtendedType::Interface(_) => world.schema.implementers_map()[ty]
                .objects
                .iter()
                .map(|n| n.as_str())
                .collect::<Vec<_>>()
                .into_iter()
                .map(|n| world.schema.types.get_key_value(n).unwrap().0.as_str())
                .collect(),
            ExtendedType::Union(union) => union.members.iter().map(|member| member.as_str()).collect(),
            _ => vec![],
        };
        possible.sort_unstable();
        let ty = if possible.is_empty() { ty } else { possible[(hash(&key) % possible.len() as u64) as usize] };
        let is_node = world
            .schema
            .get_object(ty)
            .is_some_and(|object| object.implements_interfaces.iter().any(|i| i.name == "Node"));
        let key =
            if is_node && !key.starts_with("gid:") { format!("gid://shopify/{ty}/{}", hash(&key) % 1000) } else { key };
        Self { world, ty: ty.to_owned(), key, first }
    }

    /// The node of a global id; ids of nothing are null.
    pub(super) fn node(world: &'s World<'s>, id: &str) -> Option<Self> {
        let ty = id.strip_prefix("gid://shopify/")?.split('/').next()?;
        let known = world.schema.get_object(ty).is_some();
        known.then(|| Self { world, ty: ty.to_owned(), key: id.to_owned(), first: 3 })
    }

    fn value<'a>(&'a self, ty: &Type, key: String, first: usize) -> ResolvedValue<'a> {
        match ty {
            Type::List(item) | Type::NonNullList(item) => {
                let items: Vec<_> = (0..first).map(|n| self.value(item, format!("{key}[{n}]"), 3)).collect();
                ResolvedValue::list(items)
            }
            Type::Named(name) | Type::NonNullNamed(name) => match &self.world.schema.types[name.as_str()] {
                ExtendedType::Scalar(_) => {
                    let n = hash(&key);
                    match name.as_str() {
                        "Int" => ResolvedValue::leaf(i32::try_from(n % 100).unwrap()),
                        "Float" => ResolvedValue::leaf((n % 1000) as f64 / 10.0),
                        "Boolean" => ResolvedValue::leaf(n.is_multiple_of(2)),
                        // Text with everything that JSON escapes.
                        _ => ResolvedValue::leaf(format!("{}\\\"\n/é{}", key.rsplit('/').next().unwrap(), n % 100_000)),
                    }
                }
                ExtendedType::Enum(values) => ResolvedValue::leaf(values.values.keys().next().unwrap().to_string()),
                _ => ResolvedValue::object(Thing::new(self.world, name, key, first)),
            },
        }
    }
}

impl ObjectValue for Thing<'_> {
    fn type_name(&self) -> &str {
        &self.ty
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let (field, arguments) = (info.field_name(), info.arguments());
        if let Some(own) = self.world.own.filter(|_| field.starts_with("personalized")) {
            return Ok(own.entry(self.world, &self.ty, &self.key, field, arguments));
        }
        let id_of = |name: &str| arguments.get(name).and_then(|id| id.as_str()).unwrap_or_default();
        match (self.ty.as_str(), field) {
            (_, "id") if self.key.starts_with("gid:") => return Ok(ResolvedValue::leaf(self.key.clone())),
            (_, "id") => {
                return Ok(ResolvedValue::leaf(format!("gid://shopify/{}/{}", self.ty, hash(&self.key) % 1000)));
            }
            ("Product", "availableForSale") => return Ok(ResolvedValue::leaf(true)),
            ("QueryRoot", "node") => {
                return Ok(Thing::node(self.world, id_of("id")).map_or(ResolvedValue::null(), ResolvedValue::object));
            }
            ("QueryRoot", "nodes") => {
                let ids = arguments.get("ids").and_then(|ids| ids.as_array()).cloned().unwrap_or_default();
                let node = |id: &serde_json_bytes::Value| {
                    let node = id.as_str().and_then(|id| Thing::node(self.world, id));
                    node.map_or(ResolvedValue::null(), ResolvedValue::object)
                };
                return Ok(ResolvedValue::list(ids.iter().map(node).collect::<Vec<_>>()));
            }
            _ => {}
        }
        let key = format!("{}/{field}({})", self.key, serde_json::to_string(arguments).unwrap());
        let definition = info.field_definition();
        // Now and then a field that may be null fails.
        if !definition.ty.is_non_null() && hash(&key).is_multiple_of(29) {
            return Err(self.fail(field));
        }
        let first =
            arguments.get("first").and_then(|first| first.as_i64()).map_or(self.first, |n| n.clamp(0, 5) as usize);
        Ok(self.value(&definition.ty, key, first))
    }
}

impl Thing<'_> {
    fn fail(&self, field: &str) -> FieldError {
        FieldError { message: format!("{field} of \"{}\" fails", self.ty) }
    }
}

/// Executes an operation; `Err` is a request error.
pub(crate) fn execute(world: &World<'_>, document: &str, variables: &Value) -> Result<ExecutionResponse, String> {
    let parsed = ExecutableDocument::parse_and_validate(world.schema, document, "q.graphql")
        .map_err(|e| e.errors.to_string())?;
    let operation = parsed.operations.get(None).map_err(|error| error.message().to_string())?;
    let given = serde_json::from_value(variables.clone()).map_err(|error| error.to_string())?;
    let root = Thing { world, ty: operation.object_type().to_string(), key: "root".to_owned(), first: 3 };
    Execution::new(world.schema, &parsed)
        .operation(operation)
        .raw_variable_values(&given)
        .enable_schema_introspection(true)
        .execute_sync(&root)
        .map_err(|error| error.message().to_string())
}
