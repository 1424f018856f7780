//! The demo store's schema is a subset of Shopify's: whatever a client may write against the one, it may write against
//! the other, and reads the same types.
//!
//! `schema/shopify.graphql` is the Storefront API 2026-04, without descriptions, from
//! storefront.schema.json of npm @shopify/hydrogen-react 2026.4.4 (MIT).

use apollo_compiler::Schema;
use apollo_compiler::ast::{FieldDefinition, InputValueDefinition};
use apollo_compiler::schema::ExtendedType;

const SHOPIFY: &str = include_str!("../../schema/shopify.graphql");

fn same_arguments(at: &str, own: &[impl AsRef<InputValueDefinition>], full: &[impl AsRef<InputValueDefinition>]) {
    for argument in own.iter().map(AsRef::as_ref) {
        let other = full.iter().map(AsRef::as_ref).find(|other| other.name == argument.name);
        let other = other.unwrap_or_else(|| panic!("Shopify has no {at}({})", argument.name));
        assert_eq!(argument.ty, other.ty, "{at}({})", argument.name);
        assert_eq!(argument.default_value, other.default_value, "{at}({})", argument.name);
    }
    for other in full.iter().map(AsRef::as_ref).filter(|other| other.is_required()) {
        assert!(own.iter().any(|own| own.as_ref().name == other.name), "{at} lacks the required {}", other.name);
    }
}

fn same_field(at: &str, own: &FieldDefinition, full: Option<&FieldDefinition>) {
    let full = full.unwrap_or_else(|| panic!("Shopify has no {at}"));
    assert_eq!(own.ty, full.ty, "{at}");
    same_arguments(at, &own.arguments, &full.arguments);
}

#[test]
fn the_demo_schema_is_a_subset_of_shopifys() {
    let own = Schema::parse_and_validate(outfitter::demo::SDL, "demo.graphql").unwrap();
    let full = Schema::parse_and_validate(SHOPIFY, "shopify.graphql").unwrap();
    let root = |schema: &Schema, mutation: bool| {
        let definition = &schema.schema_definition;
        let root = if mutation { &definition.mutation } else { &definition.query };
        root.as_ref().map(|name| name.name.to_string())
    };
    assert_eq!((root(&own, false), root(&own, true)), (root(&full, false), root(&full, true)));
    for (name, directive) in own.directive_definitions.iter().filter(|(_, it)| !it.is_built_in()) {
        let other = full.directive_definitions.get(name).unwrap_or_else(|| panic!("Shopify has no @{name}"));
        assert_eq!(directive.locations, other.locations, "@{name}");
        same_arguments(&format!("@{name}"), &directive.arguments, &other.arguments);
    }
    let mut fields = 0;
    for (name, definition) in own.types.iter().filter(|(_, it)| !it.is_built_in()) {
        let other = full.types.get(name).unwrap_or_else(|| panic!("Shopify has no type {name}"));
        match (definition, other) {
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            (ExtendedType::Object(own), ExtendedType::Object(full)) => {
                assert!(own.implements_interfaces.is_subset(&full.implements_interfaces), "{name} implements");
                for (field, own) in &own.fields {
                    same_field(&format!("{name}.{field}"), own, full.fields.get(field).map(|it| &***it));
                    fields += 1;
                }
            }
            (ExtendedType::Interface(own), ExtendedType::Interface(full)) => {
                assert!(own.implements_interfaces.is_subset(&full.implements_interfaces), "{name} implements");
                for (field, own) in &own.fields {
                    same_field(&format!("{name}.{field}"), own, full.fields.get(field).map(|it| &***it));
                }
            }
            (ExtendedType::Union(own), ExtendedType::Union(full)) => {
                assert!(own.members.is_subset(&full.members), "{name} has members of its own");
            }
            (ExtendedType::Enum(own), ExtendedType::Enum(full)) => {
                for value in own.values.keys() {
                    assert!(full.values.contains_key(value), "Shopify has no {name}.{value}");
                }
            }
            (ExtendedType::InputObject(own), ExtendedType::InputObject(full)) => {
                for (field, own) in &own.fields {
                    let full = full.fields.get(field).unwrap_or_else(|| panic!("Shopify has no {name}.{field}"));
                    assert_eq!((&own.ty, &own.default_value), (&full.ty, &full.default_value), "{name}.{field}");
                }
                let required = full.fields.values().filter(|it| it.is_required());
                for field in required {
                    assert!(own.fields.contains_key(&field.name), "{name} lacks the required {}", field.name);
                }
            }
            _ => panic!("{name} is of another kind at Shopify"),
        }
    }
    assert!(fields > 300, "only {fields} fields were compared");
}
