//! The model card: what a version was made of and how it fared, for people (`card.md`) and in the manifest (facts).

use super::learned::Learned;
use crate::cli::figures::shown;
use crate::model::drift::Snapshot;
use crate::model::{TEXT_TABLE, blend_fact};
use crate::train::LEARNED_UNTIL;
use crate::train::table::{BLEND, Table};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What the manifest tells, by name.
pub(super) fn facts(learned: &Learned, table: &Table) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("program".to_owned(), concat!("outfitter ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("data".to_owned(), learned.data.clone()),
        ("seed".to_owned(), table.recipe.seed.to_string()),
        ("passes".to_owned(), table.epoch.to_string()),
        ("recipe".to_owned(), serde_json::to_string(&table.recipe).unwrap_or_default()),
    ]);
    facts.extend(table.mixture.shares.iter().map(|share| (blend_fact(&share.of), format!("{:.2}", share.share))));
    facts.insert(blend_fact("seen"), format!("{:.2}", table.mixture.seen));
    facts.insert(blend_fact("newcomers"), format!("{:.2}", table.mixture.newcomers));
    let texts = crate::text::shipped().filter(|_| table.config.text > 0);
    facts.extend(texts.map(|texts| (TEXT_TABLE.to_owned(), texts.id().to_owned())));
    facts.extend(learned.until.map(|until| (LEARNED_UNTIL.to_owned(), until.to_string())));
    let snapshot = table.snapshot.as_ref().and_then(|snapshot| serde_json::to_string(snapshot).ok());
    facts.extend(snapshot.map(|snapshot| (Snapshot::FACT.to_owned(), snapshot)));
    if let Some(line) = table.line(BLEND) {
        facts.insert("ndcg_10".to_owned(), format!("{:.4}", line.all.ndcg_10.mean));
        facts.insert("recall_20".to_owned(), format!("{:.4}", line.all.recall_20.mean));
        facts.insert("mrr_20".to_owned(), format!("{:.4}", line.all.mrr_20.mean));
    }
    facts
}

/// The card.
pub(super) fn text(learned: &Learned, table: &Table, facts: &BTreeMap<String, String>, lost: &[String]) -> String {
    let mut text = String::from("# Model card\n\n## Data\n");
    text.push_str(&format!("{}.", learned.data));
    if let Some(until) = learned.until.and_then(|until| Timestamp::from_second(until).ok()) {
        text.push_str(&format!(" The newest event is of {until}."));
    }
    text.push_str(
        "\n\nThe published weights learned from all of it. The figures below are those of the same settings and seed ",
    );
    text.push_str("without the newest events, which measure.\n\n## Figures\n");
    text.push_str(&shown(table, &learned.split));
    text.push_str("\nThe whole catalogue is ranked for every case. Intervals are 95 %, by 500 bootstrap resamples of the cases.\n");
    if !lost.is_empty() {
        text.push_str(&format!("\n**Published by force**: {}.\n", lost.join("; ")));
    }
    text.push_str("\n## Passes\n| pass | loss | validation |\n|---|---|---|\n");
    for pass in &table.passes {
        let metric = pass.metric.map_or_else(|| "–".to_owned(), |metric| format!("{metric:.4}"));
        text.push_str(&format!("| {} | {:.4} | {metric} |\n", pass.epoch, pass.loss));
    }
    text.push_str("\n## Settings\n| | |\n|---|---|\n");
    if let Ok(serde_json::Value::Object(config)) = serde_json::to_value(&table.config) {
        config.iter().for_each(|(name, value)| text.push_str(&format!("| {name} | {value} |\n")));
    }
    facts
        .iter()
        .filter(|(name, _)| *name != "data" && *name != Snapshot::FACT)
        .for_each(|(name, fact)| text.push_str(&format!("| {name} | {fact} |\n")));
    text.push_str("\n## Limits\nIt was measured on what shoppers did, not on what they would have done with other shelves. It knows ");
    text.push_str("only the products of its catalogue; of those that nobody met it knows what the catalogue says.\n");
    text
}
