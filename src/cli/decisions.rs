//! `outfitter decisions export`: the decision log as a file, for evaluation and for warehouses.

use super::say;
use super::target::Target;
use crate::store::log::{DecisionLog, Line, LogConfig, Page, Rows};
use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What `decisions` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write decisions with what came of them into a file: JSON lines, or Parquet where its name ends so.
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    target: Target,
    /// Decisions made at or after this moment: `2026-11-01`, or with a time as `2026-11-01T12:00:00Z`. All without.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<Timestamp>,
    /// Decisions made before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<Timestamp>,
    /// The file: `….jsonl` or `….parquet`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A day, which begins in UTC, or a moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = |_| text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC)).map(|day| day.timestamp());
    text.parse().or_else(day).map_err(|_| "write a day as 2026-11-01 or a moment as 2026-11-01T12:00:00Z".to_owned())
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Export(export) = arguments.command;
    let log = open(&export.target)?;
    let part = part(&export.out);
    let written = write(&log, &export, &part).await;
    if written.is_err() {
        // What was begun is of no use to anyone.
        std::fs::remove_file(&part).ok();
    }
    let count = written?;
    std::fs::rename(&part, &export.out).with_context(|| format!("{} cannot be written", export.out.display()))?;
    say(&format!("{count} decisions in {}", export.out.display()));
    Ok(())
}

/// The log of the settings. Errors: none is configured, or it cannot be used.
pub(super) fn open(target: &Target) -> anyhow::Result<DecisionLog> {
    existing(&target.settings()?.store.decisions)
}

/// The log where these settings say. Errors: it is not there, or cannot be used.
pub(super) fn existing(config: &LogConfig) -> anyhow::Result<DecisionLog> {
    if let Some(file) = config.file.as_ref().filter(|file| !file.exists()) {
        anyhow::bail!("there is no decision log at {}; it is made when the gateway first starts", file.display());
    }
    Ok(DecisionLog::open(config)?)
}

/// Written beside, so that nobody reads half of it.
fn part(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    out.with_file_name(name)
}

enum Out {
    Lines(BufWriter<File>),
    Rows(Box<Rows<BufWriter<File>>>),
}

async fn write(log: &DecisionLog, export: &Export, part: &Path) -> anyhow::Result<usize> {
    let named = |ending: &str| export.out.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    let failed = || format!("{} cannot be written", part.display());
    let file = BufWriter::new(File::create(part).with_context(failed)?);
    let mut out = if named("parquet") { Out::Rows(Box::new(Rows::begin(file)?)) } else { Out::Lines(file) };
    let (mut page, mut count) = (Page::default(), 0);
    let since = export.since.unwrap_or(Timestamp::MIN);
    'pages: loop {
        let (found, next) = log.page(since, page).await?;
        if found.is_empty() {
            break;
        }
        for (record, outcomes) in &found {
            if export.until.is_some_and(|until| record.decided_at() >= until) {
                break 'pages;
            }
            match &mut out {
                Out::Lines(file) => {
                    serde_json::to_writer(&mut *file, &Line::of(record, outcomes, log.sample()))?;
                    file.write_all(b"\n").with_context(failed)?;
                }
                Out::Rows(rows) => rows.add(record, outcomes, log.sample()).with_context(failed)?,
            }
            count += 1;
        }
        page = next;
    }
    match out {
        Out::Lines(mut file) => file.flush().with_context(failed)?,
        Out::Rows(rows) => rows.end().with_context(failed)?,
    }
    Ok(count)
}
