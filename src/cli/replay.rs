//! `outfitter replay`: a logged decision made again, with all that it was made of.

use super::target::Target;
use super::{Ended, decisions, say};
use crate::domain::audit::{DecisionRecord, Outcome};
use crate::domain::ids::DecisionId;
use crate::domain::made::Made;
use crate::domain::slate::SlateItem;
use crate::engine::{Again, again};
use crate::store::log::{Line, word};
use serde_json::json;

/// What `replay` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The decision's id, as its slate carried it.
    id: String,
    #[command(flatten)]
    target: Target,
    /// Print JSON: the decision as it is exported, and what came out again.
    #[arg(long)]
    json: bool,
}

/// The code where another slate came out, and where inputs have been erased.
const DIFFERENT: u8 = 3;
const ERASED: u8 = 4;

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let log = decisions::open(&arguments.target)?;
    let id = DecisionId::new(arguments.id);
    let Some(record) = log.find(&id).await? else {
        anyhow::bail!("the log has no decision {id}; it was not sampled, is too old, was erased, or is another shop's");
    };
    let outcomes = log.came_of(&id).await?;
    let again = again(&record);
    if arguments.json {
        let slate = again.as_ref().map(|again| &again.slate.items);
        let same = again.as_ref().map(|again| again.same);
        let decision = Line::of(&record, &outcomes, log.sample());
        say(&serde_json::to_string_pretty(&json!({ "decision": decision, "again": slate, "same": same }))?);
    } else {
        told(&record, &outcomes, again.as_ref()).iter().for_each(|line| say(line));
    }
    match again {
        Some(again) if again.same => Ok(()),
        Some(_) => Err(Ended::new(DIFFERENT, "another slate came out than the one that was served").into()),
        None => Err(Ended::new(ERASED, "inputs have been erased since; it cannot be run again").into()),
    }
}

fn told(record: &DecisionRecord, outcomes: &[Outcome], again: Option<&Again>) -> Vec<String> {
    let decision = &record.slate.decision;
    let mut lines = vec![
        format!("{}  {}  {}", decision.id, record.slate.placement, decision.decided_at),
        format!(
            "served by {}{}{}",
            word(&decision.served_by),
            decision.fallback.map(|reason| format!(" ({})", word(&reason))).unwrap_or_default(),
            decision.model.as_ref().map(|model| format!(", {model}")).unwrap_or_default(),
        ),
        format!("shopper {}", record.shopper),
        "inputs:".to_owned(),
    ];
    lines.extend(record.inputs.iter().map(|input| {
        let purpose = input.purpose.map_or("-", crate::domain::consent::Purpose::word);
        let erased = input.purpose.is_some_and(|purpose| record.erased.contains(&purpose));
        format!("  {:<20} {purpose:<12} {}", input.name, if erased { "(erased)" } else { &input.value })
    }));
    match record.made.as_deref() {
        Some(made) => lines.extend(made_of(made)),
        None => lines.push("candidates: none, inputs have been erased".to_owned()),
    }
    let dropped: Vec<&str> = record.dropped.iter().map(|key| key.as_str()).collect();
    lines.push(format!("dropped: {}", if dropped.is_empty() { "nothing".to_owned() } else { dropped.join(" ") }));
    lines.push("served:".to_owned());
    lines.extend((1..).zip(&record.slate.items).map(placed));
    if let Some(again) = again {
        lines.push(format!("run again: {}", if again.same { "the same slate" } else { "another slate" }));
        lines.extend((1..).zip(&again.slate.items).filter(|_| !again.same).map(placed));
    }
    if !outcomes.is_empty() {
        lines.push("came of it:".to_owned());
    }
    lines.extend(outcomes.iter().map(|outcome| {
        let product = outcome.product.as_ref().map_or("", |key| key.as_str());
        format!("  {}  {}  {product}", outcome.at, word(&outcome.kind))
    }));
    lines
}

/// Versions, weights and candidates.
fn made_of(made: &Made) -> Vec<String> {
    let versions = &made.versions;
    let weights = made.sources.iter().filter(|source| source.weight > 0.0);
    let weights: Vec<String> = weights.map(|source| format!("{} {}", source.source, source.weight)).collect();
    let mut lines = vec![
        format!(
            "versions: outfitter {}, settings {}, {} products, {} events",
            versions.outfitter, versions.settings, versions.catalogue_products, versions.statistics_events
        ),
        format!("weights: {}, affinity {}", weights.join(", "), made.affinity),
        format!("candidates: {}", made.candidates.len()),
    ];
    lines.extend((1..).zip(&made.candidates).map(|(rank, candidate)| {
        let name = |source: u8| made.sources.get(usize::from(source)).map_or("?", |source| &source.source);
        let shares: Vec<String> =
            candidate.shares.iter().map(|(source, share)| format!("{} {share:.3}", name(*source))).collect();
        let key = made.key(candidate.product).map_or("?", |key| key.as_str());
        let (score, fits) = (made.score(candidate), candidate.fits);
        let factors = format!("boost {}, kept {}", candidate.boost, candidate.kept);
        format!("  {rank:>3}  {score:.4}  {key}  {}, affinity {fits:.3}, {factors}", shares.join(", "))
    }));
    lines.extend(made.pins.iter().map(|pin| {
        let keys = pin.products.iter().filter_map(|product| made.key(*product)).map(|key| key.as_str());
        format!("  rule {} places from {}: {}", pin.rule, pin.position, keys.collect::<Vec<_>>().join(" "))
    }));
    lines
}

fn placed((position, item): (usize, &SlateItem)) -> String {
    let because = item.because.as_ref().map(|key| format!(", because of {key}")).unwrap_or_default();
    format!("  {position:>3}  {:.4}  {}  {}{because}", item.score, item.product, word(&item.reason))
}
