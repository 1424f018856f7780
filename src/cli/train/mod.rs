//! `outfitter train`: learns from a shop's events, measures what was learned beside every baseline, learns again from all
//! events, and publishes a version, unless it is worse than what a shop could do without it.
//!
//! Two trainings: one that leaves the newest events out, to choose when to stop and to be measured by them, and one on all
//! events, for as many passes, that is published. Both keep their state after every pass below `.training` in the model's
//! folder, so that `--resume` goes on after a crash.

mod card;
mod learned;

use super::evaluate::Tuning;
use super::figures::shown;
use super::progress::Progress;
use super::report::{self, Labels, Over, Report};
use super::say;
use crate::model::versions::Versions;
use crate::model::{ModelConfig, checkpoint};
use crate::settings::Settings;
use crate::train::evaluate::Terms;
use crate::train::table::{self, Plan, Table};
use crate::train::trainer::{self, Trained};
use crate::train::{Data, Incumbent, Ranker, Recipe, fingerprint, losses};
use anyhow::{Context, bail};
use learned::Learned;
use std::fs;
use std::path::{Path, PathBuf};

/// Where states are kept until a version is published.
const KEPT: &str = ".training";

/// What `train` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The events: a training log (a file of JSON lines or a folder of them), NAME.seq.txt or NAME.train.txt.
    #[arg(long, value_name = "FILE", required_unless_present = "from_store")]
    events: Option<PathBuf>,
    /// The products, one JSON object a line, as `outfitter catalogue` keeps them.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Take the events that the gateway recorded and the catalogue that it keeps, where the settings say.
    #[arg(long, conflicts_with = "events")]
    from_store: bool,
    /// The settings for --from-store.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The model's folder, in which the version becomes a folder.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Go on with a training that was cut off.
    #[arg(long)]
    resume: bool,
    /// Write the report here as well, also where nothing is published: one HTML file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Publish even a model that loses to a baseline or to the one served now.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    tuning: Tuning,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Minutes of arithmetic: not on a thread that answers anything.
    let version = tokio::task::spawn_blocking(move || train(&arguments)).await??;
    say(&version);
    Ok(())
}

/// Trains and publishes; tells what was published.
fn train(arguments: &Arguments) -> anyhow::Result<String> {
    let (events, catalogue) = sources(arguments)?;
    let served = served(&arguments.out);
    let learned = Learned::read(&events, catalogue.as_deref(), served.as_ref().and_then(|(_, model)| until(model)))?;
    let (config, recipes) = arguments.tuning.settings(&learned.split, &learned.attributes)?;
    let kept = arguments.out.join(KEPT);
    if !arguments.resume && kept.exists() {
        fs::remove_dir_all(&kept).with_context(|| format!("{} cannot be emptied", kept.display()))?;
    }
    fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
    say(&learned.told());
    let incumbent = match served {
        Some((version, model)) => Some(Incumbent::new(&version, model, &learned.vocabulary)?),
        None => None,
    };
    let table = measured(&learned, &config, &recipes, incumbent.as_ref(), &kept)?;
    say(&shown(&table, &learned.split));
    if let Some(path) = &arguments.report {
        report::write(path, reported("A training that may not have been published", &learned, &table))?;
    }
    let lost = judged(&learned, &table, incumbent.as_ref());
    if !lost.is_empty() && !arguments.force {
        let lost = lost.join("; ");
        bail!(
            "no version was published: {lost}. More events or other settings may help; --force publishes it all the same"
        );
    }
    let (of, trained) = finally(&learned, &table, &kept)?;
    let version = learned.version(&of);
    let folder = arguments.out.join(&version);
    publish(&folder, &learned, &table, &trained, &lost)?;
    fs::remove_dir_all(&kept).with_context(|| format!("{} cannot be removed", kept.display()))?;
    let out = arguments.out.display();
    Ok(format!("published as {out}/{version}; `outfitter models activate` has it served"))
}

/// The events and the catalogue.
fn sources(arguments: &Arguments) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
    if let Some(events) = &arguments.events {
        return Ok((events.clone(), arguments.catalogue.clone()));
    }
    let settings = Settings::load(arguments.config.as_deref())?;
    let log = settings.ingest.record.log.context(
        "the gateway records no events: set ingest.record.log = { dir = \"events\" } in the settings, or name a file with --events",
    )?;
    Ok((log.dir, arguments.catalogue.clone().or(settings.catalogue.file)))
}

/// The version that is served now, if there is one and it can be read.
fn served(out: &Path) -> Option<(String, checkpoint::Checkpoint)> {
    let read = |version: String| Ok((checkpoint::read(&out.join(&version), &candle_core::Device::Cpu)?, version));
    let active = Versions::new(out).active().and_then(|version| version.map(read).transpose());
    match active {
        Ok(active) => active.map(|(model, version)| (version, model)),
        Err(error) => {
            say(&format!("the version served now is not compared with, because it cannot be read: {error}"));
            None
        }
    }
}

fn until(model: &checkpoint::Checkpoint) -> Option<i64> {
    model.manifest.facts.get(crate::train::LEARNED_UNTIL)?.parse().ok()
}

fn measured(
    learned: &Learned,
    config: &ModelConfig,
    recipes: &[Recipe],
    incumbent: Option<&Incumbent>,
    kept: &Path,
) -> anyhow::Result<Table> {
    let others: Vec<&dyn Ranker> = incumbent.into_iter().map(|incumbent| incumbent as &dyn Ranker).collect();
    let keep = kept.join("measured");
    let plan = Plan {
        split: &learned.split,
        attributes: &learned.attributes,
        config,
        recipes,
        plain: false,
        others: &others,
        keep: Some(&keep),
    };
    let mut progress = Progress::new(recipes.iter().map(|recipe| recipe.epochs).max().unwrap_or_default());
    let table = table::compare(plan, &mut |told| progress.tell(told))?;
    progress.finish();
    Ok(table)
}

/// To whom the model loses, in words.
fn judged(learned: &Learned, table: &Table, incumbent: Option<&Incumbent>) -> Vec<String> {
    let fair = incumbent.filter(|incumbent| learned.is_fair_to(incumbent));
    if let (Some(incumbent), None) = (incumbent, fair) {
        let name = incumbent.name();
        say(&format!("{name}, may have learned what is measured here, so it is shown and not judged by\n"));
    }
    // Named, so that it is no baseline; where it is not fair it is neither.
    let name = incumbent.map(Ranker::name);
    let losses = losses(table, name, !learned.split.mask_seen);
    let counts = losses.into_iter().filter(|loss| fair.is_some() || Some(&loss.to[..]) != name);
    counts.map(|loss| loss.to_string()).collect()
}

/// Learns from all events as the measured model did, for as many passes as served it best.
fn finally(learned: &Learned, table: &Table, kept: &Path) -> anyhow::Result<(String, Trained)> {
    let (config, recipe) = (&table.config, Recipe { epochs: table.epoch, ..table.recipe.clone() });
    let rates: Vec<f32> = table.passes.iter().map(|pass| pass.rate).collect();
    let counts = vec![0; learned.split.rows];
    let terms = Terms { rows: learned.split.rows, mask_seen: learned.split.mask_seen, counts: &counts };
    let keep = kept.join("published");
    let data = Data {
        sequences: &learned.all,
        validation: &[],
        terms,
        attributes: &learned.attributes,
        rates: &rates,
        keep: Some(&keep),
    };
    let mut progress = Progress::new(recipe.epochs);
    let trained = trainer::train(config, &recipe, data, &mut |told| progress.tell(told))?;
    progress.finish();
    Ok((fingerprint(config, &recipe, &data), trained))
}

fn reported<'a>(heading: &'a str, learned: &'a Learned, table: &'a Table) -> Report<'a> {
    let Learned { vocabulary, titles, attributes, split, data, .. } = learned;
    Report { heading, data, table, split, labels: Labels { vocabulary, titles, attributes }, over: Over::default() }
}

/// Writes the version; its manifest comes last, so a version that is there is whole.
fn publish(folder: &Path, learned: &Learned, table: &Table, trained: &Trained, lost: &[String]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let facts = card::facts(learned, table);
    fs::write(folder.join("card.md"), card::text(learned, table, &facts, lost))?;
    let heading = format!("Model {}", folder.file_name().unwrap_or_default().to_string_lossy());
    report::write(&folder.join("report.html"), reported(&heading, learned, table))?;
    fs::write(folder.join("table.json"), serde_json::to_vec_pretty(table)?)?;
    let content = checkpoint::Content {
        config: &table.config,
        vocabulary: &learned.vocabulary,
        attributes: &learned.attributes,
        tensors: &trained.tensors,
        facts,
    };
    checkpoint::write(folder, content).context("the version cannot be written")
}

#[cfg(test)]
mod tests;
