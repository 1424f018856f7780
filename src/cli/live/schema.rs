//! The shop's schema, read at start and again while running. A shop that is away is asked again with growing waits; a
//! schema that cannot take the place of the one in use is refused.

use super::Keeper;
use crate::cli::assemble;
use crate::gateway::compose::Composed;
use crate::gateway::personalize;
use crate::platform::Entity;
use crate::settings::Settings;
use crate::telemetry::reload::ReadAgain;
use anyhow::{Context, anyhow};
use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The longest wait before a shop that gave no schema is asked again.
const LONGEST: Duration = Duration::from_secs(60);

impl Keeper {
    /// Serves the schema that was kept, then the shop's own, and keeps up with it.
    pub(super) async fn schema_forever(&self) {
        if self.running.gateway().pending().is_some()
            && let Some(kept) = kept(&self.settings.load())
        {
            tell(self.take_over(kept).await.map(|types| format!("as kept in platform.schema_cache, {types}")));
        }
        let mut failures = 0_u32;
        loop {
            let read = self.read_schema().await;
            failures = if read.is_ok() { 0 } else { failures.saturating_add(1) };
            tell(read);
            tokio::select! {
                () = pause(failures, self.settings.load().platform.refresh) => {}
                () = self.schema.notified() => {}
            }
        }
    }

    /// Reads the schema and serves it where it is another than the one read last. What changed, in words; empty where
    /// nothing has. Errors: no schema, or one that cannot be served.
    pub(in crate::cli) async fn read_schema(&self) -> anyhow::Result<String> {
        let settings = self.settings.load_full();
        let sdl = assemble::schema(&settings, &self.running.shop()).await?;
        let hash = xxhash_rust::xxh3::xxh3_64(sdl.as_bytes());
        if self.served.load(Ordering::Relaxed) == hash {
            return Ok(String::new());
        }
        let changed = self.take_over(sdl.clone()).await?;
        self.served.store(hash, Ordering::Relaxed);
        keep(&settings, &sdl);
        Ok(changed)
    }

    /// Composes a schema beside the one in use and serves it. Errors: it does not compose, or lacks what we hang on.
    async fn take_over(&self, sdl: String) -> anyhow::Result<String> {
        let running = self.running.clone();
        // Hundreds of milliseconds for the largest schemas: not on the threads that serve requests.
        let composed = tokio::task::spawn_blocking(move || {
            let entities = running.shop().platform.entities();
            let before = running.gateway().composed();
            // First, because what is lost may keep the rest from composing, with words that help less. What does not
            // parse is told by composing it.
            if let (Some(before), Ok(after)) = (&before, Schema::parse(sdl.as_str(), "shop.graphql")) {
                nothing_vanished(&before.upstream, &after, entities)?;
            }
            let composed = Composed::new(&sdl, &personalize::sdl(), entities)?;
            let changed = match &before {
                Some(before) => Difference::between(&before.upstream, &composed.upstream).to_string(),
                None => format!("{} types", composed.upstream.types.len()),
            };
            running.serve(Arc::new(composed));
            anyhow::Ok(changed)
        });
        composed.await.context("the schema was not composed to the end")?
    }
}

fn tell(read: anyhow::Result<String>) {
    match read {
        Ok(changed) if changed.is_empty() => ReadAgain { kind: "schema", outcome: "unchanged", detail: &"" }.emit(),
        Ok(changed) => ReadAgain { kind: "schema", outcome: "applied", detail: &changed }.emit(),
        Err(error) => ReadAgain { kind: "schema", outcome: "refused", detail: &format!("{error:#}") }.emit(),
    }
}

/// Until the schema is read again: the interval, or after failures 1 s, doubled each time, each give or take a tenth.
async fn pause(failures: u32, refresh: Duration) {
    let wait = match failures {
        0 if refresh.is_zero() => return std::future::pending().await,
        0 => refresh.max(Duration::from_millis(100)),
        failures => Duration::from_secs(1).saturating_mul(1 << (failures - 1).min(10)).min(LONGEST),
    };
    tokio::time::sleep(wait.mul_f64(0.9 + 0.2 * rand::random::<f64>())).await;
}

/// A schema without the types or keys that personalized fields hang on would take them from the storefront.
fn nothing_vanished(before: &Schema, after: &Schema, entities: &[Entity]) -> anyhow::Result<()> {
    for entity in entities {
        for name in entity.types {
            let key = |schema: &Schema| entity.key == "__typename" || schema.type_field(name, entity.key).is_ok();
            if before.types.contains_key(*name) && !(after.types.contains_key(*name) && key(after)) {
                return Err(anyhow!(
                    "the shop's new schema has no `{name}` with `{}` any more, on which personalized fields hang; check the \
                     address, the API version and what the access token may read",
                    entity.key
                ));
            }
        }
    }
    Ok(())
}

/// How two schemas differ.
struct Difference {
    types: (usize, usize),
    fields: (usize, usize),
}

impl Difference {
    fn between(before: &Schema, after: &Schema) -> Self {
        let counted = |before: &BTreeSet<String>, after: &BTreeSet<String>| {
            (after.difference(before).count(), before.difference(after).count())
        };
        let types = |schema: &Schema| {
            // Those that GraphQL brings along come and go with their use.
            let own = schema.types.iter().filter(|(_, definition)| !definition.is_built_in());
            own.map(|(name, _)| name.to_string()).collect()
        };
        Self { types: counted(&types(before), &types(after)), fields: counted(&fields(before), &fields(after)) }
    }
}

/// Fields, input fields and enum values, each with its type and the types of its arguments: what clients rely on.
fn fields(schema: &Schema) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, definition) in &schema.types {
        match definition {
            ExtendedType::Object(object) => {
                all.extend(object.fields.values().map(|field| format!("{name}.{}: {}", field.name, field.ty)));
            }
            ExtendedType::Interface(interface) => {
                all.extend(interface.fields.values().map(|field| format!("{name}.{}: {}", field.name, field.ty)));
            }
            ExtendedType::InputObject(input) => {
                all.extend(input.fields.values().map(|field| format!("{name}.{}: {}", field.name, field.ty)));
            }
            ExtendedType::Enum(values) => all.extend(values.values.keys().map(|value| format!("{name}.{value}"))),
            ExtendedType::Scalar(_) | ExtendedType::Union(_) => {}
        }
    }
    all
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((types, no_types), (fields, no_fields)) = (self.types, self.fields);
        write!(f, "types: {types} added, {no_types} removed; fields and values: {fields} added, {no_fields} removed")
    }
}

/// The first line of a kept schema: whose it is. One of another shop is not served.
fn heading(settings: &Settings) -> String {
    format!("# The schema of {}", settings.upstream.url.as_deref().unwrap_or_default())
}

/// The schema kept of this shop; `None` where there is none.
fn kept(settings: &Settings) -> Option<String> {
    let path = settings.platform.schema_cache.as_deref().filter(|_| settings.platform.schema.is_none())?;
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next().is_some_and(|line| line == heading(settings)).then_some(text)
}

/// Keeps a schema for the next start. What cannot be written is said and changes nothing.
fn keep(settings: &Settings, sdl: &str) {
    let Some(path) = settings.platform.schema_cache.as_deref().filter(|_| settings.platform.schema.is_none()) else {
        return;
    };
    if let Err(error) = write(path, &heading(settings), sdl) {
        tracing::warn!(%error, path = %path.display(), "the shop's schema could not be kept (platform.schema_cache)");
    }
}

/// Beside it first, then in its place: a start never finds half a schema.
fn write(path: &Path, heading: &str, sdl: &str) -> std::io::Result<()> {
    let beside = path.with_extension("part");
    let mut file = std::fs::File::create(&beside)?;
    writeln!(file, "{heading}")?;
    file.write_all(sdl.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTITIES: [Entity; 1] =
        [Entity { canonical: "Product", types: &["Product"], key: "id", needs: "", live: "" }];

    fn parsed(sdl: &str) -> apollo_compiler::validation::Valid<Schema> {
        Schema::parse_and_validate(sdl, "shop.graphql").unwrap()
    }

    #[test]
    fn a_schema_that_lost_an_entity_or_its_key_is_refused() {
        let before = parsed("type Query { product: Product } type Product { id: ID! title: String }");
        let no_key = parsed("type Query { product: Product } type Product { title: String }");
        let no_type = parsed("type Query { shop: String }");
        for after in [&no_key, &no_type] {
            let said = nothing_vanished(&before, after, &ENTITIES).unwrap_err().to_string();
            assert!(said.contains("no `Product` with `id` any more"), "{said}");
        }
        assert!(nothing_vanished(&no_type, &before, &ENTITIES).is_ok());
        assert_eq!(
            Difference::between(&before, &no_type).to_string(),
            "types: 0 added, 1 removed; fields and values: 1 added, 3 removed"
        );
    }

    #[test]
    fn a_kept_schema_is_served_for_its_own_shop_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.upstream.url = Some("http://one.test/graphql".to_owned());
        settings.platform.schema_cache = Some(folder.path().join("schema.graphql"));
        assert_eq!(kept(&settings), None);
        keep(&settings, "type Query { a: Int }");
        assert!(kept(&settings).unwrap().ends_with("type Query { a: Int }"));
        settings.upstream.url = Some("http://two.test/graphql".to_owned());
        assert_eq!(kept(&settings), None);
    }
}
