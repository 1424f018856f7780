//! `outfitter serve`: the gateway before a shop.

use super::assemble;
use super::target::Target;
use std::net::SocketAddr;

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Where to listen, over what the settings say.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = arguments.target.settings()?;
    let _shop = assemble::shop(&settings)?;
    anyhow::bail!("the gateway cannot run yet in this build: {:?}", arguments.listen)
}
