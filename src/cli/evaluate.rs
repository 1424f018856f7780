//! `outfitter evaluate`: trains on a public data set and prints the model beside every baseline.

use super::say;
use crate::model::ModelConfig;
use crate::train::table::{self, Line, Table};
use crate::train::trainer::{Pass, Recipe};
use crate::train::{Dataset, Interval, Protocol, Split};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// What `evaluate` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data set: NAME.seq.txt (a user a line) or NAME.train.txt (a session a line, NAME.test.txt beside it).
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// What is learned and what is measured.
    #[arg(long, value_enum)]
    protocol: By,
    /// What weights, order and noise grow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The most passes over the data.
    #[arg(long, default_value_t = Recipe::default().epochs)]
    epochs: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    LeaveOneOut,
    LeaveOneOutRefit,
    Sessions,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Hours of arithmetic: not on a thread that answers anything.
    tokio::task::spawn_blocking(move || evaluate(&arguments)).await?
}

fn evaluate(arguments: &Arguments) -> anyhow::Result<()> {
    let protocol = match arguments.protocol {
        By::LeaveOneOut => Protocol::LeaveOneOut,
        By::LeaveOneOutRefit => Protocol::LeaveOneOutRefit,
        By::Sessions => Protocol::Sessions,
    };
    let data = Dataset::read(&arguments.dataset).context("the data set cannot be read")?;
    let split = protocol.split(&data)?;
    let recipe = Recipe { seed: arguments.seed, epochs: arguments.epochs, ..Recipe::default() };
    let bar = bar();
    let mut watch = |pass: &Pass| {
        let took = pass.took.as_secs_f64();
        bar.set_message(format!(
            "pass {}: loss {:.4}, validation {:.4}, {took:.1} s",
            pass.epoch, pass.loss, pass.metric
        ));
        bar.tick();
    };
    let table = table::compare(&split, &ModelConfig::small(split.rows), &recipe, &mut watch)?;
    bar.finish_and_clear();
    if arguments.json {
        say(&serde_json::to_string_pretty(&table)?);
    } else {
        say(&shown(&table, &split, arguments.seed));
    }
    Ok(())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn shown(table: &Table, split: &Split, seed: u64) -> String {
    let mut text = format!(
        "{} items, {} sequences learned, {} cases measured; seed {seed}; pass {} of {}; the encoder's share {:.2}\n\n",
        split.rows - 1,
        split.refit.len(),
        split.test.len(),
        table.epoch,
        table.passes,
        table.share
    );
    text.push_str("| | HR@10 | NDCG@10 | Recall@20 | MRR@20 | rare HR@10 | coverage | bias |\n|---|---|---|---|---|---|---|---|\n");
    table.lines.iter().for_each(|line| text.push_str(&row(line)));
    text
}

fn row(line: &Line) -> String {
    let all = &line.all;
    let shown = |value: Interval| format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high);
    format!(
        "| {} | {} | {} | {} | {} | {:.4} | {:.3} | {:.2} |\n",
        line.name,
        shown(all.recall_10),
        shown(all.ndcg_10),
        shown(all.recall_20),
        shown(all.mrr_20),
        line.rare.recall_10.mean,
        line.coverage,
        line.popularity_bias
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_data_set_gives_a_line_for_every_ranker() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = folder.path().join("circle.seq.txt");
        let user = |user: u32| (0..6).map(|at| ((user + at) % 20 + 1).to_string()).collect::<Vec<_>>().join(" ");
        std::fs::write(&dataset, (0..40).map(user).collect::<Vec<_>>().join("\n")).unwrap();
        let data = Dataset::read(&dataset).unwrap();
        let split = Protocol::LeaveOneOutRefit.split(&data).unwrap();
        let recipe = Recipe { epochs: 2, ..Recipe::default() };
        let config = ModelConfig { width: 16, ..ModelConfig::small(split.rows) };
        let table = table::compare(&split, &config, &recipe, &mut |_| ()).unwrap();
        let text = shown(&table, &split, 1);
        for name in ["popularity", "recency", "co-visitation", "VMIS-kNN", "item-kNN", "SASRec", "blend"] {
            assert!(text.contains(&format!("| {name} |")), "{text}");
        }
        // What comes next on the circle is sure, and counting finds it.
        let counted = table.lines.iter().find(|line| line.name == "co-visitation").unwrap();
        assert!(counted.all.recall_10.mean > 0.99);
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["lines"][6]["all"]["cases"], 40);
    }
}
