//! `outfitter schema`: the shop's schema as a file, and what clients of the gateway see.

use super::target::Target;
use super::{assemble, check, say};
use crate::gateway::compose::Composed;
use crate::gateway::personalize;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// What `schema` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask the shop for its schema and write it as SDL.
    Pull(Which),
    /// Write the composed schema as SDL, for code generators: the shop's with the personalized fields.
    Print(Which),
    /// Say what the gateway will do with a storefront's operations: pass them through, rewrite them, refuse them.
    Check(check::Arguments),
}

#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    target: Target,
    /// Write to this file instead of the standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Pull(Which { target, output }) => {
            let mut settings = target.settings()?;
            settings.platform.schema = None;
            let shop = assemble::shop(&settings)?;
            put(output.as_deref(), &assemble::schema(&settings, &shop).await?)
        }
        Command::Print(Which { target, output }) => {
            let settings = target.settings()?;
            let shop = assemble::shop(&settings)?;
            let theirs = assemble::schema(&settings, &shop).await?;
            let composed = Composed::new(&theirs, &personalize::sdl(), shop.platform.entities())?;
            put(output.as_deref(), &composed.sdl)
        }
        Command::Check(arguments) => check::run(arguments).await,
    }
}

fn put(output: Option<&Path>, sdl: &str) -> anyhow::Result<()> {
    match output {
        Some(path) => std::fs::write(path, sdl).with_context(|| format!("{} cannot be written", path.display())),
        None => {
            say(sdl.trim_end());
            Ok(())
        }
    }
}
