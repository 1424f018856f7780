//! The settings: every module's own `Config`, read from one TOML file and `OUTFITTER_*` environment variables.
//!
//! A variable names section and key with two underscores between: `OUTFITTER_UPSTREAM__URL`. Its value is read as TOML
//! (`5`, `true`, `{ env = "NAME" }`) and where it is none, as text. The environment wins over the file. Secrets stand in
//! neither: a setting says which variable or file holds one.

mod telemetry;

pub use telemetry::TelemetrySettings;

use crate::{catalogue, demo, engine, gateway, ingest, platform, server, store};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What environment variables of ours begin with.
const PREFIX: &str = "OUTFITTER_";

/// All settings. Every section and key may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The shop's endpoint.
    pub upstream: platform::upstream::Config,
    /// The shop's platform.
    pub platform: platform::Config,
    /// What ranking knows of the products.
    pub catalogue: catalogue::crawl::Config,
    /// How slates are decided.
    pub engine: engine::Config,
    /// The transformer that reads sessions.
    pub model: engine::ModelSettings,
    /// Limits of requests and documents.
    pub limits: gateway::limits::Limits,
    /// Documents by hash, and those that are registered.
    pub persisted: gateway::persisted::Config,
    /// Identical queries that share one answer.
    pub share: gateway::share::Config,
    /// Products that slates show, kept between requests.
    pub products: gateway::products::Config,
    /// How long a shopper's own browser may keep an answer.
    pub cache: gateway::caching::Config,
    /// Lists that are put in order without a directive.
    pub rerank: gateway::rerank::Config,
    /// Who is asking, and what is learned of them.
    pub ingest: ingest::Config,
    /// Where state lives.
    pub store: StoreSettings,
    /// How the gateway listens.
    pub server: server::Config,
    /// Where traces and records go.
    pub telemetry: TelemetrySettings,
    /// What answers tell developers.
    pub debug: gateway::debug::Config,
    /// The demo store.
    pub demo: demo::Config,
}

/// `[store]`: one table for each place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// Where replicas share their state, as [`store::Address`] reads it: `redis://host:6379/0`, `redis+cluster://…`,
    /// `redis+sentinel://…`. Default none: state stays in this process.
    pub url: Option<String>,
    /// The password there, in the place of one in the URL. Default none.
    pub password: Option<platform::secret::Secret>,
    /// In memory.
    pub memory: store::MemoryConfig,
    /// In a Redis that replicas share.
    pub redis: store::RedisConfig,
    /// The decision log.
    pub decisions: store::LogConfig,
}

/// Why the settings could not be read. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read: {source}; check the path given to --config")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or holds a key or value that is not a setting.
    #[error("{path}, line {line}: {text}: {message}; outfitter.example.toml lists every key with its default")]
    Toml {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The line itself, trimmed.
        text: String,
        /// What is wrong.
        message: String,
    },
    /// An environment variable is not a setting.
    #[error("the environment variable {name} is not a setting: {message}; outfitter.example.toml lists every key")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        message: String,
    },
}

impl Settings {
    /// Reads the file, where one is given, and this process's environment. Errors: see [`SettingsError`].
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let ours =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let text = match path {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| SettingsError::File { path: path.to_owned(), source })?
            }
            None => String::new(),
        };
        Self::read(path.unwrap_or(Path::new("outfitter.toml")), &text, ours)
    }

    /// Reads a file's text and the variables of an environment. Errors: see [`SettingsError`].
    pub fn read(
        path: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let wrong = |error: &toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            let shown = text.lines().nth(line).unwrap_or_default().trim().chars().take(80).collect();
            SettingsError::Toml {
                path: path.to_owned(),
                line: line + 1,
                text: shown,
                message: error.message().to_owned(),
            }
        };
        // Read from the text first: an error there knows its line.
        let mut settings: Self = toml::from_str(text).map_err(|error| wrong(&error))?;
        let mut table: Table = toml::from_str(text).map_err(|error| wrong(&error))?;
        let mut variables: Vec<_> = environment.into_iter().filter(|(name, _)| is_setting(name)).collect();
        variables.sort_unstable();
        for (name, value) in variables {
            let wrong = |message: String| SettingsError::Variable { name: name.clone(), message };
            let path = name[PREFIX.len()..].to_ascii_lowercase();
            put(&mut table, &path, value_of(&value)).map_err(wrong)?;
            settings = Self::deserialize(table.clone()).map_err(|error| wrong(error.message().to_owned()))?;
        }
        Ok(settings)
    }
}

/// `OUTFITTER_SECTION__KEY`. A name without the two underscores may be anybody's, such as a token's.
fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains("__"))
}

fn value_of(text: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {text}")).ok();
    read.filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Puts a value at `section__key`. Errors: what stands in the way.
fn put(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    match path.split_once("__") {
        None => {
            table.insert(path.to_owned(), value);
            Ok(())
        }
        Some((section, rest)) => {
            let inner = table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            let inner = inner.as_table_mut().ok_or_else(|| format!("{section} is a value, not a section"))?;
            put(inner, rest, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::secret::Secret;
    use std::time::Duration;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(Path::new("shop.toml"), text, environment)
    }

    #[test]
    fn nothing_written_gives_every_default() {
        assert_eq!(read("", &[]).unwrap(), Settings::default());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = "[upstream]\nurl = \"http://a.test/\"\ntimeout = \"3s\"\n";
        let environment = [
            ("OUTFITTER_UPSTREAM__URL", "http://b.test/"),
            ("OUTFITTER_UPSTREAM__MAX_IDLE", "7"),
            ("OUTFITTER_PLATFORM__SHOPIFY__PRIVATE_TOKEN", "{ env = \"SHOP_TOKEN\" }"),
            ("OUTFITTER_TOKEN", "not a setting"),
            ("PATH", "/bin"),
        ];
        let settings = read(text, &environment).unwrap();
        assert_eq!(settings.upstream.url.as_deref(), Some("http://b.test/"));
        assert_eq!(settings.upstream.timeout, Duration::from_secs(3));
        assert_eq!(settings.upstream.max_idle, 7);
        assert_eq!(settings.platform.shopify.private_token, Some(Secret::Env("SHOP_TOKEN".into())));
    }

    #[test]
    fn a_wrong_key_is_named_with_file_and_line_and_where_to_look() {
        let error = read("[upstream]\nurl = \"http://a.test/\"\ntimout = \"3s\"\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("shop.toml, line 3: timout = \"3s\": unknown field"), "{error}");
        assert!(error.contains("outfitter.example.toml"), "{error}");
        let error = read("[upstream]\ntimeout = \"soon\"\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("shop.toml, line 2"), "{error}");
        let error = read("[upstream\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("shop.toml, line 1"), "{error}");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let error = read("", &[("OUTFITTER_UPSTREAM__TIMOUT", "3s")]).unwrap_err().to_string();
        assert!(error.contains("OUTFITTER_UPSTREAM__TIMOUT is not a setting: unknown field"), "{error}");
    }

    #[test]
    fn a_token_in_the_settings_is_refused() {
        assert!(read("[platform.shopify]\nprivate_token = \"shpat_1\"\n", &[]).is_err());
    }

    const EXAMPLE: &str = include_str!("../outfitter.example.toml");

    /// The example with its lines that begin so taken as settings.
    fn example_with(prefix: &str) -> String {
        let line = |line: &'static str| match line.strip_prefix(prefix) {
            // `# ` begins an explanation.
            Some(setting) if !setting.starts_with(' ') => setting,
            _ if line.starts_with('[') => line,
            _ => "",
        };
        EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Keys of the defaults that the example does not write; zeros are what is not written.
    fn missing(defaults: &Table, example: &Table, at: &str) -> Vec<String> {
        let key = |(key, value): (&String, &Value)| {
            let path = format!("{at}.{key}");
            match (value, example.get(key)) {
                (Value::Table(inner), Some(Value::Table(example))) => missing(inner, example, &path),
                (Value::Float(zero), None) if *zero == 0.0 => Vec::new(),
                (_, Some(_)) => Vec::new(),
                (_, None) => vec![path],
            }
        };
        defaults.iter().flat_map(key).collect()
    }

    #[test]
    fn the_example_writes_every_default_as_it_is() {
        let text = example_with("#");
        assert_eq!(read(&text, &[]).unwrap(), Settings::default());
        let defaults = Table::try_from(Settings::default()).unwrap();
        let example: Table = toml::from_str(&text).unwrap();
        assert_eq!(missing(&defaults, &example, ""), Vec::<String>::new());
    }

    #[test]
    fn the_examples_without_a_default_are_settings_too() {
        let settings = read(&example_with("# Example: "), &[]).unwrap();
        assert!(settings.upstream.url.is_some() && settings.catalogue.file.is_some());
        assert!(settings.platform.shopify.private_token.is_some() && settings.platform.schema.is_some());
        assert_eq!((settings.engine.rules.len(), settings.engine.placements.len()), (1, 1));
        assert_eq!(settings.engine.tiers.len(), 1);
        assert_ne!(settings.rerank, Settings::default().rerank);
    }
}
