//! `outfitter serve`: the gateway before a shop.

use super::assemble;
use crate::platform::Kind;
use crate::settings::Settings;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The settings; outfitter.example.toml lists them all.
    #[arg(long, value_name = "FILE", required_unless_present = "upstream")]
    config: Option<PathBuf>,
    /// The shop's GraphQL endpoint, over what the settings say.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The shop's platform, over what the settings say.
    #[arg(long, value_enum)]
    platform: Option<Kind>,
    /// Where to listen, over what the settings say.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The shop's schema as SDL, where introspection is off (see `outfitter schema pull`).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut settings = Settings::load(arguments.config.as_deref())?;
    if let Some(url) = arguments.upstream {
        settings.upstream.url = Some(url);
    }
    if let Some(kind) = arguments.platform {
        settings.platform.name = kind;
    }
    let _shop = assemble::shop(&settings)?;
    anyhow::bail!("the gateway cannot run yet in this build: {:?} {:?}", arguments.listen, arguments.schema)
}
