//! Compose: the platform's schema plus the personalization fields is the schema that clients see.
//!
//! Canonical names (`Product`, `Query`, …) are mapped onto the platform's by the adapter's entity table. A platform
//! without a type lacks that entry field; a platform that already has one of our names is refused, naming both.

use crate::platform::Entity;
use apollo_compiler::ast::{self, Definition, OperationType, Type};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};
use std::collections::{HashMap, HashSet};

/// Why two schemas do not compose.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The platform's schema does not parse or validate.
    #[error("the platform's schema is not valid: {0}. Pull it again with `outfitter schema pull`.")]
    Upstream(String),
    /// A name of ours is taken.
    #[error(
        "the platform's schema already has `{taken}`, which the personalization schema adds as `{ours}`; the two cannot be served together"
    )]
    Taken {
        /// The name in the platform's schema.
        taken: String,
        /// What we would add.
        ours: String,
    },
    /// The result does not validate: a fault of ours.
    #[error("the composed schema is not valid: {0}")]
    Composed(String),
}

/// What stands at an entry field: where the personalization schema hangs on the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `Query.personalized`.
    Query,
    /// One of our mutations.
    Mutation,
    /// A field of an entity.
    Entity(&'static Entity),
}

/// Both schemas, composed.
pub struct Composed {
    /// What clients see; operations that use a personalized field are validated against it.
    pub schema: Valid<Schema>,
    /// The platform's own; each document that we send is validated against it.
    pub upstream: Valid<Schema>,
    /// The composed schema as text, descriptions included.
    pub sdl: String,
    /// Entry fields by type and field.
    entries: HashMap<(Name, Name), Entry>,
    /// Types of the personalization schema.
    own: HashSet<Name>,
    product: &'static Entity,
}

impl Composed {
    /// Composes the platform's schema with the personalization schema.
    /// Errors: see [`ComposeError`]; nothing is served from schemas that do not compose.
    pub fn new(upstream_sdl: &str, own_sdl: &str, entities: &'static [Entity]) -> Result<Self, ComposeError> {
        let upstream = Schema::parse_and_validate(upstream_sdl, "platform.graphql")
            .map_err(|invalid| ComposeError::Upstream(first_lines(&invalid.errors.to_string())))?;
        let own_document = ast::Document::parse(own_sdl, "personalized.graphql")
            .map_err(|invalid| ComposeError::Composed(invalid.errors.to_string()))?;
        let mut additions = Additions {
            upstream: &upstream,
            entities,
            text: String::new(),
            entries: HashMap::new(),
            own: HashSet::new(),
        };
        for definition in &own_document.definitions {
            additions.add(definition)?;
        }
        let Additions { text, entries, own, .. } = additions;
        let composed = format!("{upstream_sdl}\n{text}");
        let schema = Schema::parse_and_validate(composed, "composed.graphql")
            .map_err(|invalid| ComposeError::Composed(first_lines(&invalid.errors.to_string())))?;
        let sdl = schema.to_string();
        let product = entities.iter().find(|entity| entity.canonical == "Product");
        let product = product.ok_or_else(|| ComposeError::Composed("the platform maps no `Product`".to_owned()))?;
        Ok(Self { schema, upstream, sdl, entries, own, product })
    }

    /// How products stand on the platform.
    pub fn product(&self) -> &'static Entity {
        self.product
    }

    /// The entry at a field of a type, where there is one.
    pub fn entry(&self, parent: &Name, field: &Name) -> Option<Entry> {
        // Two clones of reference-counted names; asked at plan time only.
        self.entries.get(&(parent.clone(), field.clone())).copied()
    }

    /// Whether a type is of the personalization schema.
    pub fn is_own(&self, name: &str) -> bool {
        self.own.contains(name)
    }

    /// Names of the entry fields, which a document must contain to reach the personalization schema.
    pub fn entry_fields(&self) -> HashSet<&str> {
        self.entries.keys().map(|(_, field)| field.as_str()).collect()
    }
}

/// Names of the fields that the personalization schema adds to the platform's types, whichever of those there are.
pub fn own_fields(own_sdl: &str) -> Vec<String> {
    let Ok(document) = ast::Document::parse(own_sdl, "personalized.graphql") else { return Vec::new() };
    let fields = document.definitions.iter().flat_map(|definition| match definition {
        Definition::ObjectTypeDefinition(object) => object.fields.as_slice(),
        Definition::ObjectTypeExtension(object) => object.fields.as_slice(),
        _ => &[],
    });
    let names = fields.map(|field| field.name.as_str()).filter(|name| name.starts_with("personalized"));
    names.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

struct Additions<'a> {
    upstream: &'a Valid<Schema>,
    entities: &'static [Entity],
    text: String,
    entries: HashMap<(Name, Name), Entry>,
    own: HashSet<Name>,
}

impl Additions<'_> {
    fn add(&mut self, definition: &Definition) -> Result<(), ComposeError> {
        match definition {
            Definition::ObjectTypeDefinition(object) => self.object(&object.name, &object.fields, Some(object)),
            Definition::ObjectTypeExtension(object) => self.object(&object.name, &object.fields, None),
            Definition::DirectiveDefinition(directive) => {
                // The rest is async-graphql's own.
                if directive.name != "personalized" {
                    return Ok(());
                }
                if self.upstream.directive_definitions.contains_key(&directive.name) {
                    let name = format!("@{}", directive.name);
                    return Err(ComposeError::Taken { taken: name.clone(), ours: name });
                }
                self.write(directive);
                Ok(())
            }
            Definition::EnumTypeDefinition(_)
            | Definition::InputObjectTypeDefinition(_)
            | Definition::ScalarTypeDefinition(_)
            | Definition::UnionTypeDefinition(_)
            | Definition::InterfaceTypeDefinition(_) => {
                // Names of federation (`_Any`, `_Entity`) do not reach clients.
                let Some(name) = definition.name().filter(|name| name.starts_with("Personalized")).cloned() else {
                    return Ok(());
                };
                self.claim(&name)?;
                self.write(definition);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, definition: &impl std::fmt::Display) {
        self.text.push_str(&format!("{definition}\n"));
    }

    fn claim(&mut self, name: &Name) -> Result<(), ComposeError> {
        if self.upstream.types.contains_key(name) {
            return Err(ComposeError::Taken { taken: name.to_string(), ours: name.to_string() });
        }
        self.own.insert(name.clone());
        Ok(())
    }

    fn object(
        &mut self,
        name: &Name,
        fields: &[Node<ast::FieldDefinition>],
        definition: Option<&Node<ast::ObjectTypeDefinition>>,
    ) -> Result<(), ComposeError> {
        let root = match name.as_str() {
            "Query" => Some((OperationType::Query, Entry::Query)),
            "Mutation" => Some((OperationType::Mutation, Entry::Mutation)),
            _ => None,
        };
        if let Some((operation, entry)) = root {
            return match self.upstream.root_operation(operation).cloned() {
                Some(target) => self.extend(&target, fields, entry),
                None => Ok(()),
            };
        }
        if let Some(entity) = self.entities.iter().find(|entity| entity.canonical == name.as_str()) {
            for target in entity.types {
                if let Some((target, _)) = self.upstream.types.get_key_value(*target) {
                    let target = target.clone();
                    self.extend(&target, fields, Entry::Entity(entity))?;
                }
            }
            return Ok(());
        }
        let Some(definition) = definition else { return Ok(()) };
        if name.starts_with("Personalized") {
            self.claim(name)?;
            let mut mapped = (**definition).clone();
            mapped.directives.0.clear();
            mapped.fields = mapped.fields.iter().map(|field| self.mapped(field)).collect();
            self.write(&mapped);
        }
        Ok(())
    }

    fn extend(
        &mut self,
        target: &Name,
        fields: &[Node<ast::FieldDefinition>],
        entry: Entry,
    ) -> Result<(), ComposeError> {
        let keyword = if self.upstream.get_interface(target).is_some() { "interface" } else { "type" };
        let mut added = String::new();
        for field in fields.iter().filter(|field| field.name.starts_with("personalized")) {
            if self.upstream.type_field(target, &field.name).is_ok() {
                let ours = format!("{target}.{}", field.name);
                return Err(ComposeError::Taken { taken: ours.clone(), ours });
            }
            self.entries.insert((target.clone(), field.name.clone()), entry);
            added.push_str(&format!("{}\n", self.mapped(field)));
        }
        if !added.is_empty() {
            self.text.push_str(&format!("extend {keyword} {target} {{\n{added}}}\n"));
        }
        Ok(())
    }

    /// The field with the platform's type names and without directives of federation.
    fn mapped(&self, field: &Node<ast::FieldDefinition>) -> Node<ast::FieldDefinition> {
        let mut mapped = (**field).clone();
        mapped.directives.0.retain(|directive| directive.name == "deprecated");
        rename(&mut mapped.ty, self.entities);
        Node::new(mapped)
    }
}

fn rename(ty: &mut Type, entities: &[Entity]) {
    match ty {
        Type::Named(name) | Type::NonNullNamed(name) => {
            let platform = entities
                .iter()
                .find(|entity| entity.canonical == name.as_str())
                .and_then(|entity| entity.types.first());
            if let Some(Ok(mapped)) = platform.map(|mapped| Name::new(mapped)) {
                *name = mapped;
            }
        }
        Type::List(inner) | Type::NonNullList(inner) => rename(inner, entities),
    }
}

/// Schemas that fail do so in many places at once; the first few lines say what is wrong.
fn first_lines(text: &str) -> String {
    text.lines().take(12).collect::<Vec<_>>().join("\n")
}
