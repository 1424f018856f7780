//! `outfitter text`: make the table of text vectors that the program carries, and say how much of MiniLM it keeps.

mod compare;
mod distill;

use std::path::Path;

/// What `text` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a table of text vectors from MiniLM, in some minutes.
    Distill(distill::Arguments),
    /// Say how much of MiniLM's neighbourhood of texts a table keeps, and what both take for a text.
    Compare(compare::Arguments),
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Minutes of arithmetic: not on a thread that answers anything.
    tokio::task::spawn_blocking(move || match arguments.command {
        Command::Distill(arguments) => distill::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
    })
    .await?
}

/// The texts of a file, one a line, each once, in their order; empty lines are none.
fn lines(path: &Path) -> anyhow::Result<Vec<String>> {
    use anyhow::Context;
    let whole = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut once = std::collections::HashSet::new();
    let texts = whole.lines().map(str::trim).filter(|text| !text.is_empty() && once.insert(*text));
    Ok(texts.map(str::to_owned).collect())
}
