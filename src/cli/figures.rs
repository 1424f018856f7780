//! A table of rankers as text: what `evaluate` prints, and `train` prints and writes into the model card.

use crate::train::table::{Line, Table};
use crate::train::{Interval, Split, Tried};

/// The table, with a line on what it is of.
pub(super) fn shown(table: &Table, split: &Split) -> String {
    let text = format!(
        "{} items, {} sequences learned, {} cases measured; seed {}; pass {} of {}; shares in the blend: {}\n\n",
        split.rows - 1,
        split.refit.len(),
        split.test.len(),
        table.recipe.seed,
        table.epoch,
        table.passes.len(),
        table.mixture
    );
    text + &trial(table) + &lines(&table.lines)
}

/// What validation found of each recipe that was tried; nothing where there was one.
fn trial(table: &Table) -> String {
    let told = |tried: &Tried| {
        let metric = tried.metric.map_or_else(|| "–".to_owned(), |metric| format!("{metric:.4}"));
        let Tried { batch, dropout, passes, .. } = tried;
        format!("batches of {batch} with dropout {dropout}: validation {metric} after {passes} passes")
    };
    match &table.tried[..] {
        [] | [_] => String::new(),
        tried => {
            let chosen = (table.recipe.batch, table.recipe.dropout);
            let tried: Vec<String> = tried.iter().map(told).collect();
            format!("batches of {} with dropout {}; tried {}\n\n", chosen.0, chosen.1, tried.join(", "))
        }
    }
}

/// The lines of a table.
pub(super) fn lines(lines: &[Line]) -> String {
    let mut text = String::new();
    text.push_str("| | HR@10 | NDCG@10 | Recall@20 | MRR@20 | rare HR@10 | cold HR@10 | coverage | bias | ms |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    lines.iter().for_each(|line| text.push_str(&row(line)));
    let of =
        |line: &Line| format!("{} warm, {} rare, {} cold targets\n", line.warm.cases, line.rare.cases, line.cold.cases);
    text.push_str(&lines.first().map(of).unwrap_or_default());
    text
}

fn row(line: &Line) -> String {
    let all = &line.all;
    let shown = |value: Interval| format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high);
    format!(
        "| {} | {} | {} | {} | {} | {:.4} | {:.4} | {:.3} | {:.2} | {:.3} |\n",
        line.name,
        shown(all.recall_10),
        shown(all.ndcg_10),
        shown(all.recall_20),
        shown(all.mrr_20),
        line.rare.recall_10.mean,
        line.cold.recall_10.mean,
        line.coverage,
        line.popularity_bias,
        line.milliseconds
    )
}
