//! The HTML report of `train` and `evaluate`: one file that asks nothing of any network and runs no script. Charts are SVG
//! written here; light or dark is the reader's.

mod labels;
mod markup;
mod plot;
mod sessions;
mod space;

pub(super) use labels::Labels;

use super::seeds;
use crate::train::table::{BLEND, Line, Table};
use crate::train::{Interval, Metrics, Seeded, Split};
use anyhow::Context;
use markup::{escaped, figure};
use plot::{Bar, bars, calibration, curve};
use std::path::Path;

const STYLE: &str = include_str!("style.css");

/// What a report is of.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    /// The heading: what was trained on what.
    pub(super) heading: &'a str,
    /// A sentence on the data.
    pub(super) data: &'a str,
    pub(super) table: &'a Table,
    pub(super) split: &'a Split,
    pub(super) labels: Labels<'a>,
    pub(super) over: Over<'a>,
}

/// What several seeds found; of none or one nothing is shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Over<'a> {
    pub(super) seeds: &'a [u64],
    pub(super) found: &'a [Seeded],
}

/// Writes the report.
pub(super) fn write(path: &Path, report: Report<'_>) -> anyhow::Result<()> {
    std::fs::write(path, page(report)).with_context(|| format!("the report cannot be written to {}", path.display()))
}

/// The whole page.
pub(super) fn page(report: Report<'_>) -> String {
    let Report { heading, data, table, labels, over, .. } = report;
    let heading = escaped(heading);
    // A page that can load nothing and run nothing, whatever a title may say.
    let mut html = format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>{heading}</title><style>{STYLE}</style></head><body><main><h1>{heading}</h1><p class="soft">{}</p>"#,
        escaped(data)
    );
    html.push_str(&facts(report));
    html.push_str(&section("Against what a shop could do without it", WHAT_BARS, &metrics(table)));
    html.push_str(&section("Learning", &learning(table), &curves(table)));
    html.push_str(&section(
        "Do its probabilities hold?",
        WHAT_CALIBRATION,
        &narrow(&calibration("Probabilities said against shares that came true", &table.portrait.calibration)),
    ));
    html.push_str(&section("The items as the model sees them", WHAT_MAP, &space::space(&table.portrait.map, &labels)));
    html.push_str(&section(
        "After some sessions",
        WHAT_SESSIONS,
        &sessions::sessions(&table.portrait.sessions, &labels),
    ));
    html.push_str(&section("All figures", "", &figures(table)));
    let names = over.seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    html.push_str(&section(&format!("Means over the seeds {names}"), WHAT_SEEDS, &over_seeds(over)));
    html + "</main></body></html>\n"
}

const WHAT_BARS: &str = "The whole catalogue is ranked for every case. Whiskers are 95 % intervals, by 500 bootstrap resamples of the cases.";
const WHAT_CALIBRATION: &str = "Items at the head of the blend's lists, in ten groups of like probability: its scores order items, and squared, as shares of their sum, they are read as probabilities here. On the dashed line what was said came true; above it, more often than said. Whiskers are two standard errors; a group of which nothing came true lies on the lower edge.";
const WHAT_MAP: &str = "The two directions in which the items' vectors differ most. Items that lie together are alike to the model; point at one to read its title.";
const WHAT_SEEDS: &str =
    "± is the 95 % interval of the mean by Student's t. Everything above is of the first of these seeds.";
const WHAT_SESSIONS: &str =
    "Drawn evenly over the cases, not picked. What the shopper took next is marked where it is in the list.";

fn section(heading: &str, what: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    let what = if what.is_empty() { String::new() } else { format!(r#"<p class="soft">{}</p>"#, escaped(what)) };
    format!("<section><h2>{heading}</h2>{what}{body}</section>")
}

fn narrow(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(r#"<div style="max-width:460px">{body}</div>"#) }
}

/// The first things to know, in large letters.
fn facts(report: Report<'_>) -> String {
    let Report { table, split, .. } = report;
    let mut html = String::from(r#"<div class="facts">"#);
    let mut fact = |value: &str, what: &str| {
        html.push_str(&format!(r#"<div class="fact"><b>{value}</b><small>{what}</small></div>"#))
    };
    if let Some(blend) = table.line(BLEND) {
        let ndcg = |line: &Line| line.all.ndcg_10.mean;
        fact(&figure(ndcg(blend)), "NDCG@10 of the blend");
        let others = table.lines.iter().filter(|line| line.name != BLEND && line.name != "encoder");
        if let Some(best) = others.max_by(|a, b| ndcg(a).total_cmp(&ndcg(b))) {
            let more = (ndcg(blend) / ndcg(best).max(1e-9) - 1.0) * 100.0;
            fact(&format!("{more:+.1} %"), &format!("against {}, the best of the others", escaped(&best.name)));
        }
    }
    fact(&split.test.len().to_string(), "cases measured");
    fact(&(split.rows - 1).to_string(), "items");
    fact(&split.refit.len().to_string(), "sequences learned");
    html + "</div>"
}

fn metrics(table: &Table) -> String {
    type Read = fn(&Metrics) -> Interval;
    let kinds: [(&str, Read); 4] = [
        ("NDCG@10", |all| all.ndcg_10),
        ("HR@10", |all| all.recall_10),
        ("Recall@20", |all| all.recall_20),
        ("MRR@20", |all| all.mrr_20),
    ];
    let mut html = String::from(r#"<div class="grid">"#);
    for (name, of) in kinds {
        let bar = |line| {
            let Line { name, all, .. }: &Line = line;
            Bar { name, value: of(all), own: name == BLEND || name == "encoder" }
        };
        let drawn: Vec<Bar<'_>> = table.lines.iter().map(bar).collect();
        html.push_str(&format!("<div><b>{name}</b>{}</div>", bars(&format!("{name} of each ranker"), &drawn)));
    }
    html + "</div>"
}

fn learning(table: &Table) -> String {
    format!(
        "Pass {} of {} was chosen, the ring. Shares in the blend: {}. Seed {}.",
        table.epoch,
        table.passes.len(),
        escaped(&table.mixture.to_string()),
        table.recipe.seed
    )
}

fn curves(table: &Table) -> String {
    let loss: Vec<f64> = table.passes.iter().map(|pass| pass.loss).collect();
    let validation: Vec<f64> = table.passes.iter().filter_map(|pass| pass.metric).collect();
    if loss.is_empty() {
        return String::new();
    }
    format!(
        r#"<div class="grid"><div><b>Loss</b>{}</div><div><b>Validation</b>{}</div></div>"#,
        curve("Loss by pass", &loss, table.epoch),
        curve("Validation metric by pass", &validation, table.epoch)
    )
}

fn figures(table: &Table) -> String {
    let heads = ["", "HR@10", "NDCG@10", "Recall@20", "MRR@20", "rare HR@10", "cold HR@10", "coverage", "bias", "ms"];
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let mut html = format!(r#"<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>"#);
    for line in &table.lines {
        let all = &line.all;
        let own = if line.name == BLEND { r#" class="own""# } else { "" };
        let values = [all.recall_10, all.ndcg_10, all.recall_20, all.mrr_20].map(|value| value.mean);
        let rest = [
            line.rare.recall_10.mean,
            line.cold.recall_10.mean,
            line.coverage,
            line.popularity_bias,
            line.milliseconds,
        ];
        let cells: String = values.iter().chain(&rest).map(|value| format!("<td>{}</td>", figure(*value))).collect();
        html.push_str(&format!("<tr{own}><td>{}</td>{cells}</tr>", escaped(&line.name)));
    }
    html + "</tbody></table></div>"
}

/// The means over several seeds.
fn over_seeds(over: Over<'_>) -> String {
    if over.seeds.len() < 2 {
        return String::new();
    }
    let head: String = seeds::HEADS.iter().map(|head| format!("<th>{head}</th>")).collect();
    let mut html = format!(r#"<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>"#);
    for line in over.found {
        let own = if line.name == BLEND { r#" class="own""# } else { "" };
        let cells = seeds::figures(line).map(|figure| format!("<td>{figure}</td>")).concat();
        html.push_str(&format!("<tr{own}><td>{}</td>{cells}</tr>", escaped(&line.name)));
    }
    html + "</tbody></table></div>"
}
