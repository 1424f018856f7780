//! The schema as a file: what is added to a platform's schema, under canonical names.

use super::execute::Personalization;
use apollo_compiler::ast::{Definition, Document, ObjectTypeExtension};
use apollo_compiler::{Name, Node};
use std::collections::BTreeMap;

/// Our types on the platform's, in the order in which a person should read them.
const EXTENDED: [&str; 6] = ["Query", "Mutation", "Product", "ProductConnection", "Cart", "Collection"];

const HEAD: &str = r#"# What Outfitter adds to a platform's schema, under canonical names: `Product`, `ProductConnection`, `Cart`,
# `Collection`, `Query` and `Mutation` stand for the platform's own types. A test holds this file; after a change to
# the schema write it anew with `UPDATE=1 cargo test --lib personalize::sdl`.

"""
Let the gateway order the products of this connection or list for this shopper. The set is the platform's, window
by window; a sort that the client wrote is kept; pages continue the same order, because the cursor carries it.
Without consent, time or model: platform order.
"""
directive @personalized(
  "How many products to order at once; at most one page of the platform (250 on Shopify)."
  pool: Int! = 50
) on FIELD
"#;

/// The personalization schema in SDL: extensions of the platform's types, then ours in the order in which they are
/// reached.
pub fn sdl() -> String {
    let definitions = definitions(&EXTENDED);
    definitions
        .iter()
        .fold(HEAD.to_owned(), |text, definition| format!("{text}\n{}\n", definition.to_string().trim_end()))
}

/// The definitions reached from these types of the platform, which come first, as extensions.
pub(super) fn definitions(extended: &[&str]) -> Vec<Definition> {
    // async-graphql writes valid SDL; were it not, what parsed is what there is, and the test of the file would say so.
    let document = Document::parse(Personalization::new().raw_sdl(), "personalized.graphql")
        .unwrap_or_else(|invalid| invalid.partial);
    let definitions: BTreeMap<Name, Definition> = document
        .definitions
        .into_iter()
        .filter_map(|definition| Some((definition.name()?.clone(), definition)))
        .collect();
    let mut order: Vec<Name> = extended.iter().filter_map(|name| Name::new(name).ok()).collect();
    let mut reached = Vec::new();
    let mut at = 0;
    while let Some(name) = order.get(at).cloned() {
        at += 1;
        let Some(definition) = definitions.get(&name) else { continue };
        for name in names(definition) {
            let elsewhere = EXTENDED.contains(&name.as_str());
            if !elsewhere && definitions.contains_key(&name) && !order.contains(&name) {
                order.push(name);
            }
        }
        reached.push(extension(definition).unwrap_or_else(|| definition.clone()));
    }
    reached
}

/// What is added to a type of the platform; `None` where the type is ours.
fn extension(definition: &Definition) -> Option<Definition> {
    let Definition::ObjectTypeDefinition(object) = definition else { return None };
    EXTENDED.contains(&object.name.as_str()).then(|| {
        let fields = object.fields.iter().filter(|field| field.name.starts_with("personalized")).cloned().collect();
        Definition::ObjectTypeExtension(Node::new(ObjectTypeExtension {
            name: object.name.clone(),
            implements_interfaces: Vec::new(),
            directives: Default::default(),
            fields,
        }))
    })
}

/// The types named in a definition, in its order.
fn names(definition: &Definition) -> Vec<Name> {
    match definition {
        Definition::ObjectTypeDefinition(object) => object
            .fields
            .iter()
            .flat_map(|field| {
                let arguments = field.arguments.iter().map(|argument| argument.ty.inner_named_type().clone());
                arguments.chain([field.ty.inner_named_type().clone()])
            })
            .collect(),
        Definition::InputObjectTypeDefinition(input) => {
            input.fields.iter().map(|field| field.ty.inner_named_type().clone()).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_schema() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/personalized.graphql");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, sdl()).unwrap();
        }
        let held = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            held == sdl(),
            "schema/personalized.graphql is not the schema: UPDATE=1 cargo test --lib personalize::sdl"
        );
    }

    #[test]
    fn everything_that_is_added_is_described() {
        let document = Document::parse(sdl(), "personalized.graphql").unwrap();
        let mut bare = Vec::new();
        let mut hold = |described: bool, name: String| {
            if !described {
                bare.push(name);
            }
        };
        for definition in &document.definitions {
            let of = definition.name().map(ToString::to_string).unwrap_or_default();
            match definition {
                Definition::ObjectTypeDefinition(object) => hold(object.description.is_some(), of.clone()),
                Definition::InputObjectTypeDefinition(input) => {
                    hold(input.description.is_some(), of.clone());
                    input.fields.iter().for_each(|f| hold(f.description.is_some(), format!("{of}.{}", f.name)));
                }
                Definition::EnumTypeDefinition(values) => {
                    hold(values.description.is_some(), of.clone());
                    values.values.iter().for_each(|v| hold(v.description.is_some(), format!("{of}.{}", v.value)));
                }
                Definition::ScalarTypeDefinition(scalar) => hold(scalar.description.is_some(), of.clone()),
                _ => {}
            }
            let fields = match definition {
                Definition::ObjectTypeDefinition(object) => &object.fields,
                Definition::ObjectTypeExtension(object) => &object.fields,
                _ => continue,
            };
            for field in fields {
                hold(field.description.is_some(), format!("{of}.{}", field.name));
                for argument in &field.arguments {
                    hold(argument.description.is_some(), format!("{of}.{}({})", field.name, argument.name));
                }
            }
        }
        assert_eq!(bare, Vec::<String>::new());
    }
}
