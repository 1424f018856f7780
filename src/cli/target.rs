//! Which shop a command is about: the settings, and what the command line puts over them.

use crate::platform::Kind;
use crate::settings::Settings;
use std::path::PathBuf;

/// The shop's part of a command's arguments.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Target {
    /// The settings; outfitter.example.toml lists them all.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The shop's GraphQL endpoint, over what the settings say.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The shop's platform, over what the settings say.
    #[arg(long, value_enum)]
    platform: Option<Kind>,
    /// The shop's schema as SDL, where introspection is off (see `outfitter schema pull`).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl Target {
    /// The settings file, where one is given.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// The settings with the arguments over them. Errors: settings that cannot be read.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::load(self.config.as_deref())?;
        if let Some(url) = &self.upstream {
            settings.upstream.url = Some(url.clone());
        }
        if let Some(kind) = self.platform {
            settings.platform.name = kind;
        }
        if let Some(schema) = &self.schema {
            settings.platform.schema = Some(schema.clone());
        }
        Ok(settings)
    }
}
