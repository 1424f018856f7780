//! `outfitter catalogue`: crawl the shop's products into a file, take them over from one, say what is in it.

use super::target::Target;
use super::{assemble, say};
use crate::catalogue::crawl::{Progress, State};
use crate::catalogue::{Index, import};
use crate::domain::money::Money;
use crate::settings::Settings;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What `catalogue` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read the shop's products into the catalogue file; cut off, it goes on where it stopped.
    Crawl(Crawl),
    /// Check a file of products, one JSON object a line, and make it the catalogue file.
    Import(Import),
    /// Say what the catalogue file holds.
    Show(Kept),
}

#[derive(Debug, clap::Args)]
struct Crawl {
    #[command(flatten)]
    target: Target,
    /// The catalogue file, over what the settings say.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The file to take over.
    from: PathBuf,
    #[command(flatten)]
    kept: Kept,
}

#[derive(Debug, clap::Args)]
struct Kept {
    /// The settings that name the catalogue file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalogue file, over what the settings say.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Kept {
    fn path(self) -> anyhow::Result<PathBuf> {
        let settings = Settings::load(self.config.as_deref())?;
        self.file.or(settings.catalogue.file).context(NO_FILE)
    }
}

const NO_FILE: &str = "no catalogue file is named: set catalogue.file in the settings, or name one on the command line";

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Crawl(Crawl { target, output }) => {
            let mut settings = target.settings()?;
            settings.catalogue.file = output.or(settings.catalogue.file);
            let file = settings.catalogue.file.clone().context(NO_FILE)?;
            let shop = assemble::shop(&settings)?;
            let crawler = assemble::crawler(&settings, &shop, &Arc::default())?;
            let shown = tokio::spawn(show_progress(crawler.progress()));
            let products = crawler.once().await;
            shown.abort();
            say(&format!("{} products in {}", products?, file.display()));
        }
        Command::Import(Import { from, kept }) => {
            let into = kept.path()?;
            let index = Index::build(import::read(&from)?);
            import::write(&into, index.products())?;
            say(&format!("{} products in {}", index.len(), into.display()));
        }
        Command::Show(kept) => {
            let path = kept.path()?;
            describe(&Index::build(import::read(&path)?)).iter().for_each(|line| say(line));
        }
    }
    Ok(())
}

/// Shows how far a crawl is, on a terminal; elsewhere nothing is shown. Ends with the crawl.
pub(super) async fn show_progress(mut progress: watch::Receiver<Progress>) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} products, {per_sec}, {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        bar.set_position(now.products as u64);
        match now.state {
            State::Reading => bar.set_message(""),
            State::Waiting(pause) => bar.set_message(format!("(the shop asks to wait {pause:.1?})")),
            State::Idle | State::Failed(_) if now.pages > 0 => break,
            State::Idle | State::Failed(_) => {}
        }
    }
    bar.finish_and_clear();
}

/// What a catalogue holds, in lines.
fn describe(index: &Index) -> Vec<String> {
    let products = index.products();
    let available = products.iter().filter(|product| product.available).count();
    let mut lines = vec![format!("{} products, {available} of them available", products.len())];
    let mut prices: BTreeMap<String, (Money, Money)> = BTreeMap::new();
    for price in products.iter().filter_map(|product| product.price) {
        let (low, high) = prices.entry(price.currency.as_str().to_owned()).or_insert((price, price));
        *low = if price.minor < low.minor { price } else { *low };
        *high = if price.minor > high.minor { price } else { *high };
    }
    for (currency, (low, high)) in prices {
        lines.push(format!("{} to {} {currency}", low.amount(), high.amount()));
    }
    lines.push(format!("{} categories:", index.categories().count()));
    for (name, ordinals) in index.categories() {
        let name = if name.is_empty() { "(none)" } else { name };
        lines.push(format!("{:>8}  {name}", ordinals.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_described_by_counts_prices_and_categories() {
        let read = |line: &str| serde_json::from_str(line).unwrap();
        let index = Index::build([
            read(r#"{"key":"1","handle":"a","title":"A","category":"Hats","price":{"minor":1250,"currency":"EUR"}}"#),
            read(r#"{"key":"2","handle":"b","title":"B","price":{"minor":900,"currency":"EUR"},"available":false}"#),
        ]);
        let expected = [
            "2 products, 1 of them available",
            "9.00 to 12.50 EUR",
            "2 categories:",
            "       1  (none)",
            "       1  Hats",
        ];
        assert_eq!(describe(&index), expected);
    }
}
