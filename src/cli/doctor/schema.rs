//! The shop's schema: whether it can be had, composes with ours, and has what the platform's tables say of it.

use super::super::assemble::{self, Shop};
use super::super::whole;
use crate::gateway::compose::Composed;
use crate::gateway::personalize::{self, Subgraph};
use crate::platform::examine::Finding;
use crate::platform::{Entity, Lookup, introspect};
use crate::settings::Settings;
use apollo_compiler::executable::FieldSet;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

pub(super) async fn examine(settings: &Settings, shop: &Shop) -> Vec<Finding> {
    let theirs = match assemble::schema(settings, shop).await {
        Ok(theirs) => theirs,
        Err(error) => {
            let next = "pull it where introspection is on (outfitter schema pull) and set platform.schema to the file";
            return vec![Finding::fail("schema", whole(&error), next)];
        }
    };
    let composed = match Composed::new(&theirs, &personalize::sdl(), shop.platform.entities()) {
        Ok(composed) => composed,
        Err(error) => return vec![Finding::fail("schema", error.to_string(), "pull the schema again")],
    };
    let from = if settings.platform.schema.is_some() { "from the file" } else { "by introspection" };
    let mut found = vec![Finding::pass("schema", format!("{} types {from}, composes", composed.upstream.types.len()))];
    if settings.platform.schema.is_some() {
        found.push(compared(shop, &composed.upstream).await);
    }
    found.extend(shop.platform.entities().iter().map(|entity| stands(&composed.upstream, entity)));
    found.push(look_up(&composed.upstream, shop.platform.lookup()));
    if let Err(error) = Subgraph::new(shop.platform.entities(), &composed.upstream) {
        let next = "federation routers cannot be served at /subgraph; everything else is";
        found.push(Finding::warn("subgraph", error.to_string(), next));
    }
    found
}

/// Whether an entity's types, key and needs are there.
fn stands(schema: &Valid<Schema>, entity: &Entity) -> Finding {
    let what = format!("type {}", entity.canonical);
    let vital = entity.canonical == "Product";
    let missing = |found: String| {
        let next = "check platform.name and the token's access scopes: some platforms hide what a token may not read";
        if vital { Finding::fail(what.clone(), found, next) } else { Finding::warn(what.clone(), found, next) }
    };
    let Some(name) = entity.types.iter().find(|name| schema.types.contains_key(**name)) else {
        return missing(format!(
            "the shop's schema has no {}: its personalized field is not there",
            entity.types.join(" or ")
        ));
    };
    let Ok(name) = Name::new(name) else { return missing(format!("{name} is no name")) };
    let wanted = format!("{} {} {}", entity.key, entity.needs, entity.live);
    match FieldSet::parse_and_validate(schema, name.clone(), wanted, "entity.graphql") {
        Ok(_) => Finding::pass(what, format!("{name}, known by {}", entity.key)),
        Err(invalid) => {
            let said = invalid.errors.iter().next().map(|error| error.to_json().message).unwrap_or_default();
            missing(format!("{name} lacks what the gateway asks of it: {said}"))
        }
    }
}

fn look_up(schema: &Valid<Schema>, look_up: Lookup) -> Finding {
    let Lookup::Nodes { max } = look_up;
    let root = schema.root_operation(apollo_compiler::ast::OperationType::Query);
    let there = root.is_some_and(|root| schema.type_field(root, "nodes").is_ok());
    if there {
        return Finding::pass("look-up of products", format!("nodes(ids:), {max} at once"));
    }
    Finding::fail("look-up of products", "the shop's schema has no nodes(ids:)", "check platform.name and upstream.url")
}

/// The file against what the shop says today.
async fn compared(shop: &Shop, file: &Valid<Schema>) -> Finding {
    const WHAT: &str = "schema file";
    let today = match introspect::pull(&shop.upstream).await {
        Ok(today) => today,
        Err(_) => {
            return Finding::warn(
                WHAT,
                "cannot be compared: the shop tells no schema",
                "pull it anew after each change of the version",
            );
        }
    };
    let Ok(today) = Schema::parse(&today, "today.graphql") else {
        return Finding::warn(WHAT, "cannot be compared: the shop's own does not parse", "pull it anew");
    };
    let names = |one: &Schema, other: &Schema| {
        let missing: Vec<_> =
            one.types.keys().filter(|name| !other.types.contains_key(*name)).map(ToString::to_string).collect();
        missing
    };
    let (gone, new) = (names(file, &today), names(&today, file));
    if gone.is_empty() && new.is_empty() {
        return Finding::pass(WHAT, "has the types that the shop has");
    }
    let first = |names: &[String]| names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let found = format!(
        "{} types are no longer in the shop ({}), {} are new ({})",
        gone.len(),
        first(&gone),
        new.len(),
        first(&new)
    );
    Finding::warn(WHAT, found, "run outfitter schema pull again")
}
