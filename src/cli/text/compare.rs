//! `outfitter text compare`: the table beside MiniLM on texts of a file.

use super::lines;
use crate::cli::say;
use crate::text::{Agreement, MiniLm, Precision, Table, compare, shipped};
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Texts that are timed one by one.
const TIMED: usize = 200;

/// What `text compare` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder of MiniLM: config.json, vocab.txt, model.safetensors.
    #[arg(long, value_name = "FOLDER")]
    with: PathBuf,
    /// The texts, one a line; those that are there twice count once.
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,
    /// Another table than the one that is part of the program.
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// The most texts taken, evenly over the file.
    #[arg(long, default_value_t = 5_000)]
    most: usize,
    /// The most texts whose neighbours are looked for, evenly over those.
    #[arg(long, default_value_t = 1_000)]
    asked: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = MiniLm::open(&arguments.with, Precision::F32).context("MiniLM cannot be read")?;
    let read =
        arguments.table.as_ref().map(|path| Table::open(path)).transpose().context("the table cannot be read")?;
    let Some(table) = read.as_ref().or_else(|| shipped()) else {
        bail!("the program has no table; name one with --table");
    };
    let mut texts = lines(&arguments.texts)?;
    let step = texts.len().div_ceil(arguments.most.max(1)).max(1);
    texts = texts.into_iter().step_by(step).collect();
    let read: Vec<&str> = texts.iter().map(String::as_str).collect();
    let by_model = model.embed_all(&read, &mut |_| ())?;
    let by_table: Vec<Vec<f32>> = read.iter().map(|text| table.embed(text)).collect();
    let agreement = compare(&by_model, &by_table, arguments.asked)?;
    say(&format!("{} texts, {} asked: {}", agreement.texts, agreement.asked, told(agreement)));
    let rounded = MiniLm::open(&arguments.with, Precision::Q8).context("MiniLM cannot be read")?;
    let timed = &read[..read.len().min(TIMED)];
    let mut cosines = Vec::new();
    for (text, vector) in timed.iter().zip(&by_model) {
        cosines.push(rounded.embed(text)?.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>());
    }
    let by_table = median(timed, |text| Ok(table.embed(text)))?;
    let by_rounded = median(timed, |text| Ok(rounded.embed(text)?))?;
    let by_model = median(timed, |text| Ok(model.embed(text)?))?;
    say(&format!(
        "medians of {} texts: table {by_table:?}, MiniLM {by_model:?}, in eight bits {by_rounded:?}",
        timed.len()
    ));
    say(&format!("MiniLM in eight bits: cosine {:.5} at least", cosines.iter().copied().fold(1f32, f32::min)));
    Ok(())
}

/// An agreement in words.
pub(super) fn told(agreement: Agreement) -> String {
    let Agreement { of_10, of_50, spearman, .. } = agreement;
    format!(
        "of MiniLM's ten nearest {:.0} % are among the table's ten and {:.0} % among its fifty, Spearman's correlation of the \
         cosines {spearman:.3}",
        of_10 * 100.0,
        of_50 * 100.0
    )
}

fn median(texts: &[&str], work: impl Fn(&str) -> anyhow::Result<Vec<f32>>) -> anyhow::Result<Duration> {
    let mut took = Vec::with_capacity(texts.len());
    for text in texts {
        let began = Instant::now();
        std::hint::black_box(work(text)?);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}
