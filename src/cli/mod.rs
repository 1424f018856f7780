//! The commands, one a file. A command reads the settings, calls the library and prints; it decides nothing.

pub mod assemble;
mod backfill;
mod catalogue;
mod check;
mod customer;
mod decisions;
pub mod demo;
mod doctor;
mod evaluate;
mod export;
mod figures;
mod freed;
mod live;
mod models;
mod off_policy;
mod progress;
mod replay;
mod report;
mod schema;
mod seeds;
mod serve;
mod stores;
mod target;
mod text;
mod train;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// A GraphQL personalization gateway for headless storefronts.
#[derive(Debug, Parser)]
#[command(name = "outfitter", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway before a shop.
    Serve(serve::Arguments),
    /// Run the demo store and the gateway before it: no account, no other program needed.
    Demo(demo::Arguments),
    /// Pull the shop's schema, print the composed one.
    Schema(schema::Arguments),
    /// Crawl, import or show the catalogue.
    Catalogue(catalogue::Arguments),
    /// Take over the past: orders of files, or the platform's own export.
    Backfill(backfill::Arguments),
    /// Write what is stored of one customer, for whoever asks for their data.
    Customer(customer::Arguments),
    /// Train a model on the shop's events, compare it with every baseline, and publish it as a new version.
    Train(train::Arguments),
    /// Train on a public data set and print the model beside every baseline; or tell from the shop's own log what another
    /// order would have brought.
    Evaluate(evaluate::Arguments),
    /// The table of text vectors: make it from MiniLM, compare it with MiniLM.
    Text(text::Arguments),
    /// The versions of a model: show them, serve another one, go back.
    Models(models::Arguments),
    /// Make a logged decision again and show what it was made of. Ends with 3 where another slate came out, with 4 where
    /// inputs have been erased.
    Replay(replay::Arguments),
    /// Export the decision log.
    Decisions(decisions::Arguments),
    /// Check settings, shop and machine before shoppers come: each line PASS, WARN or FAIL with what to do.
    Doctor(doctor::Arguments),
}

/// An end that a script wants to tell from a failure, by a code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Ended {
    code: u8,
    message: &'static str,
}

impl Ended {
    fn new(code: u8, message: &'static str) -> Self {
        Self { code, message }
    }
}

/// Reads the program's arguments and runs the command. Exit codes: 0 done, 1 failed, 2 wrong arguments, others as the
/// command says.
pub fn main() -> ExitCode {
    // Clap prints its own errors and help, with its own codes: 2 and 0.
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("outfitter: {}", whole(&error)));
            error.downcast_ref::<Ended>().map_or(ExitCode::FAILURE, |ended| ExitCode::from(ended.code))
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Schema(arguments) => schema::run(arguments).await,
            Command::Catalogue(arguments) => catalogue::run(arguments).await,
            Command::Backfill(arguments) => backfill::run(arguments).await,
            Command::Customer(arguments) => customer::run(arguments).await,
            Command::Train(arguments) => train::run(arguments).await,
            Command::Evaluate(arguments) => evaluate::run(arguments).await,
            Command::Text(arguments) => text::run(arguments).await,
            Command::Models(arguments) => models::run(arguments).await,
            Command::Replay(arguments) => replay::run(arguments).await,
            Command::Decisions(arguments) => decisions::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
        }
    })
}

/// What went wrong and why, each cause once: many of our messages tell their cause themselves.
fn whole(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    text
}

/// Prints a line for the user. A closed pipe is no error: whoever closed it has read enough.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("the standard output is closed");
    }
}

/// Prints a line to the standard error.
fn complain(line: &str) {
    if writeln!(std::io::stderr().lock(), "{line}").is_err() {
        tracing::debug!("the standard error is closed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cause_that_its_error_tells_is_not_told_again() {
        let error = anyhow::anyhow!("no token").context("shop: no token").context("the shop cannot be opened");
        assert_eq!(whole(&error), "the shop cannot be opened: shop: no token");
    }

    #[test]
    fn serve_takes_a_file_or_an_address() {
        assert!(Arguments::try_parse_from(["outfitter", "serve", "--config", "outfitter.toml"]).is_ok());
        let by_address = ["outfitter", "serve", "--upstream", "http://shop.test/graphql", "--platform", "shopify"];
        assert!(Arguments::try_parse_from(by_address).is_ok());
        assert!(Arguments::try_parse_from(["outfitter", "serve", "--platform", "abacus"]).is_err());
    }
}
