//! `outfitter models`: the versions of a model, which one is served, and the way forward and back.

use super::say;
use crate::model::checkpoint::Manifest;
use crate::model::versions::{Version, Versions};
use std::path::PathBuf;

/// What `models` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show every version with what is known of it; `*` is the one served.
    List(Folder),
    /// Have a version served from now on, by running gateways too.
    Activate {
        /// The version: the name of its folder.
        version: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// Have the version served again that was before.
    Rollback(Folder),
}

#[derive(Debug, clap::Args)]
struct Folder {
    /// The model's folder, as `outfitter train --out` and the setting `model.dir` name it.
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Reading a model takes a while.
    tokio::task::spawn_blocking(move || answer(&arguments.command)).await??.iter().for_each(|line| say(line));
    Ok(())
}

/// What is said.
fn answer(command: &Command) -> anyhow::Result<Vec<String>> {
    Ok(match command {
        Command::List(folder) => {
            let versions = Versions::new(&folder.dir).list()?;
            match (folder.json, versions.is_empty()) {
                (true, _) => vec![serde_json::to_string_pretty(&versions.iter().map(object).collect::<Vec<_>>())?],
                (false, true) => {
                    vec![format!("{} holds no version; `outfitter train` makes one", folder.dir.display())]
                }
                (false, false) => versions.iter().flat_map(told).collect(),
            }
        }
        Command::Activate { version, folder } => {
            Versions::new(&folder.dir).activate(version)?;
            vec![said(folder, version)]
        }
        Command::Rollback(folder) => vec![said(folder, &Versions::new(&folder.dir).rollback()?)],
    })
}

fn said(folder: &Folder, version: &str) -> String {
    match folder.json {
        true => serde_json::json!({ "active": version }).to_string(),
        false => format!("{version} is active; gateways with model.dir = {:?} serve it within seconds", folder.dir),
    }
}

/// A version's lines.
fn told(version: &Version) -> Vec<String> {
    let mark = if version.active { "*" } else { " " };
    let manifest = match &version.manifest {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{mark} {}  cannot be served: {error}", version.name)],
    };
    let Manifest { config, facts, weights_sha256, .. } = manifest;
    let mut lines = vec![format!(
        "{mark} {}  {} items, width {}, layers {}, weights {}",
        version.name,
        config.rows.saturating_sub(1),
        config.width,
        config.layers,
        weights_sha256.get(..12).unwrap_or_default()
    )];
    // A recipe is for programs.
    let short = facts.iter().filter(|(_, fact)| !fact.starts_with('{') && !fact.contains('\n'));
    lines.extend(short.map(|(name, fact)| format!("      {name}: {fact}")));
    lines
}

fn object(version: &Version) -> serde_json::Value {
    match &version.manifest {
        Ok(manifest) => serde_json::json!({ "version": version.name, "active": version.active, "model": manifest }),
        Err(error) => {
            serde_json::json!({ "version": version.name, "active": version.active, "error": error.to_string() })
        }
    }
}
