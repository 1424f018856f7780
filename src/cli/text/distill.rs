//! `outfitter text distill`: MiniLM to a table, with a card that says what it is and how near it came.

use super::lines;
use crate::cli::say;
use crate::demo::{Config, Store};
use crate::text::distill::{Distilled, Settings, distill};
use crate::text::{Agreement, MiniLm, Precision, Table, compare};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Seeds of the demo stores whose texts the table is fitted by, and products of each.
const STORES: (std::ops::RangeInclusive<u64>, usize) = (101..=104, 2_000);
/// The seed of the store that the card's figures are of.
const OTHER: u64 = 2;

/// What `text distill` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder of MiniLM: config.json, vocab.txt, model.safetensors.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The folder that the table and its card are written into.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Further texts like those that the table is for, one a line.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The width of the table's vectors.
    #[arg(long, default_value_t = Settings::default().width)]
    width: usize,
    /// Made-up sentences that it is fitted by beside the texts.
    #[arg(long, default_value_t = Settings::default().sentences)]
    sentences: usize,
    /// Passes of the fit; 0 leaves it out.
    #[arg(long, default_value_t = Settings::default().passes)]
    passes: usize,
    /// What sentences and their order grow from.
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = MiniLm::open(&arguments.from, Precision::F32).context("MiniLM cannot be read")?;
    let stores = STORES.0.map(|seed| Store::generate(&Config { seed, products: STORES.1, ..Config::default() }));
    let mut texts: BTreeSet<String> = stores.flat_map(|store| store.texts()).collect();
    let other: BTreeSet<String> =
        Store::generate(&Config { seed: OTHER, ..Config::default() }).texts().into_iter().collect();
    let other: Vec<String> = other.into_iter().filter(|text| !texts.contains(text)).collect();
    if let Some(path) = &arguments.texts {
        texts.extend(lines(path)?);
    }
    let texts: Vec<String> = texts.into_iter().collect();
    let Arguments { width, sentences, passes, seed, .. } = *arguments;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {msg} [{bar:24}] {pos} of {len}, {eta} left") {
        bar.set_style(style);
    }
    let mut tell = |step, done: usize, of: usize| {
        bar.set_message(step);
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    };
    let made = distill(&model, &texts, &Settings { width, sentences, passes, seed }, &mut tell)?;
    bar.finish_and_clear();
    let table = Table::read(&made.bytes)?;
    let vectors: Vec<Vec<f32>> = other.iter().map(|text| table.embed(text)).collect();
    let read: Vec<&str> = other.iter().map(String::as_str).collect();
    let agreement = compare(&model.embed_all(&read, &mut |_| ())?, &vectors, 500)?;
    let out = &arguments.out;
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    fs::write(out.join("text.safetensors"), &made.bytes).context("the table cannot be written")?;
    fs::write(out.join("card.md"), card(arguments, &made, &table, agreement)).context("the card cannot be written")?;
    say(&format!(
        "{} pieces of width {width}, {} bytes, as {}; cosine with MiniLM of what was not learned {:.3} before the fit, {:.3} after",
        made.pieces,
        made.bytes.len(),
        out.display(),
        made.cosine.0,
        made.cosine.1
    ));
    say(&format!("on {} texts of another demo store: {}", agreement.texts, super::compare::told(agreement)));
    Ok(())
}

fn card(arguments: &Arguments, made: &Distilled, table: &Table, agreement: Agreement) -> String {
    let Arguments { width, sentences, passes, seed, texts, .. } = arguments;
    let Distilled { bytes, pieces, learned, kept, cosine } = made;
    let further = texts.as_ref().map_or_else(String::new, |_| ", and of a file of texts".to_owned());
    format!(
        "# Text table {}\n\n\
         A vector of width {width} for each of {pieces} word pieces, int8 with a scale for each; {} bytes. A text's vector is the \
         sum of its pieces' at length 1.\n\n\
         - **Source**: `all-MiniLM-L6-v2` (sentence-transformers; Nils Reimers and others, from Microsoft's \
         `MiniLM-L12-H384-uncased` as cut to six layers by nreimers), Apache-2.0. The word pieces are those of its vocabulary, \
         which is BERT's (Google, Apache-2.0).\n\
         - **Licence of the table**: Apache-2.0, as a work derived from it; changed by what stands below.\n\
         - **Made by** `outfitter text distill --from MINILM --out models/text --width {width} --sentences {sentences} \
         --passes {passes} --seed {seed}`.\n\
         - **How**: every piece through MiniLM; the {width} directions along which its vectors of texts are longest keep {:.1} % \
         of their squared length; lengths by SIF over Zipf's law; then fitted by {learned} texts of the demo store's generator and \
         sentences of random words{further}, so that sums of pieces point where MiniLM's vectors do: mean cosine of what was held \
         back {:.3} before the fit, {:.3} after.\n\
         - **Beside MiniLM**, on {} titles and descriptions of a demo store of another seed, which share their words with those it \
         was fitted by: {}. Texts that have nothing to do with the demo store: docs/quality.md.\n",
        table.id(),
        bytes.len(),
        kept * 100.0,
        cosine.0,
        cosine.1,
        agreement.texts,
        super::compare::told(agreement),
    )
}
