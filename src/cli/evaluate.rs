//! `outfitter evaluate`: trains on a public data set and prints the model beside every baseline.

use super::figures::shown;
use super::progress::Progress;
use super::say;
use crate::catalogue::{Index, import};
use crate::features::Attributes;
use crate::model::ModelConfig;
use crate::train::table::{self, Plan};
use crate::train::{Dataset, Protocol, Recipe, Shop, Split, chosen, split_by_time};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `evaluate` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data set: NAME.seq.txt (a user a line), NAME.train.txt (a session a line, NAME.test.txt beside it), or a training
    /// log: a file of JSON lines or a folder of them.
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// The products of a training log, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// What is learned and what is measured.
    #[arg(long, value_enum)]
    protocol: By,
    /// Leave out what is known of the items.
    #[arg(long)]
    without_attributes: bool,
    /// Train plain SASRec as well, as one more baseline, where the model is another.
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    tuning: Tuning,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// What may be set over what the trainer chooses.
#[derive(Debug, clap::Args)]
pub(super) struct Tuning {
    /// What weights, order and noise grow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The most passes over the data.
    #[arg(long, default_value_t = Recipe::default().epochs)]
    epochs: usize,
    /// Another setting of the model or the recipe than chosen: width=128, or similarity={"cosine":{"temperature":0.07}}.
    #[arg(long, value_name = "NAME=VALUE")]
    with: Vec<String>,
}

impl Tuning {
    /// The settings that follow from the data, replaced by what the command line says.
    pub(super) fn settings(&self, split: &Split, attributes: &Attributes) -> anyhow::Result<(ModelConfig, Recipe)> {
        let (config, recipe) = chosen(split, attributes);
        let recipe = Recipe { seed: self.seed, epochs: self.epochs, ..recipe };
        let (mut config, mut recipe) = (serde_json::to_value(config)?, serde_json::to_value(recipe)?);
        for said in &self.with {
            let (name, value) =
                said.split_once('=').with_context(|| format!("--with {said}: NAME=VALUE is expected"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::from(value));
            let own = [&mut config, &mut recipe].into_iter().find_map(|settings| settings.get_mut(name));
            *own.with_context(|| format!("--with {said}: there is no setting of this name"))? = value;
        }
        let config: ModelConfig = serde_json::from_value(config).context("--with: a value does not fit")?;
        config.check()?;
        Ok((config, serde_json::from_value(recipe).context("--with: a value does not fit")?))
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    LeaveOneOut,
    LeaveOneOutRefit,
    Sessions,
    TimeSplit,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Hours of arithmetic: not on a thread that answers anything.
    tokio::task::spawn_blocking(move || evaluate(&arguments)).await?
}

fn evaluate(arguments: &Arguments) -> anyhow::Result<()> {
    let (split, mut attributes) = parted(arguments)?;
    if arguments.without_attributes {
        attributes = Arc::default();
    }
    let (config, recipe) = arguments.tuning.settings(&split, &attributes)?;
    let mut progress = Progress::new(recipe.epochs);
    let plan = Plan {
        split: &split,
        attributes: &attributes,
        config: &config,
        recipe: &recipe,
        plain: arguments.plain,
        others: &[],
        keep: None,
    };
    let table = table::compare(plan, &mut |told| progress.tell(told))?;
    progress.finish();
    say(&if arguments.json { serde_json::to_string_pretty(&table)? } else { shown(&table, &split) });
    Ok(())
}

fn parted(arguments: &Arguments) -> anyhow::Result<(Split, Arc<Attributes>)> {
    let protocol = match arguments.protocol {
        By::LeaveOneOut => Protocol::LeaveOneOut,
        By::LeaveOneOutRefit => Protocol::LeaveOneOutRefit,
        By::Sessions => Protocol::Sessions,
        By::TimeSplit => {
            let shop = shop(&arguments.dataset, arguments.catalogue.as_deref())?;
            return Ok((split_by_time(&shop, true, None)?, shop.attributes));
        }
    };
    let data = Dataset::read(&arguments.dataset).context("the data set cannot be read")?;
    Ok((protocol.split(&data)?, data.attributes))
}

/// Reads a training log and the products that it is of.
pub(super) fn shop(events: &Path, catalogue: Option<&Path>) -> anyhow::Result<Shop> {
    let index = catalogue.map(import::read).transpose()?.map(Index::build);
    Shop::read(events, index.as_ref()).context("the events cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(folder: &Path) -> (Split, Arc<Attributes>) {
        let dataset = folder.join("circle.seq.txt");
        let user = |user: u32| (0..6).map(|at| ((user + at) % 20 + 1).to_string()).collect::<Vec<_>>().join(" ");
        std::fs::write(&dataset, (0..40).map(user).collect::<Vec<_>>().join("\n")).unwrap();
        let text: Vec<&str> = (1..=20).map(|item| if item % 2 == 0 { "red" } else { "blue" }).collect();
        std::fs::write(folder.join("circle.text.txt"), text.join("\n")).unwrap();
        let data = Dataset::read(&dataset).unwrap();
        (Protocol::LeaveOneOutRefit.split(&data).unwrap(), data.attributes)
    }

    fn tuning(with: &[&str]) -> Tuning {
        Tuning { seed: 3, epochs: 2, with: with.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_small_data_set_gives_a_line_for_every_ranker() {
        let folder = tempfile::tempdir().unwrap();
        let (split, attributes) = circle(folder.path());
        let (config, recipe) = tuning(&["width=16"]).settings(&split, &attributes).unwrap();
        let plan = Plan {
            split: &split,
            attributes: &attributes,
            config: &config,
            recipe: &recipe,
            plain: true,
            others: &[],
            keep: None,
        };
        let table = table::compare(plan, &mut |_| ()).unwrap();
        let text = shown(&table, &split);
        let rankers = [
            "popularity",
            "recency",
            "co-visitation",
            "VMIS-kNN",
            "item-kNN",
            "EASE",
            "text-kNN",
            "SASRec",
            "encoder",
            "blend",
        ];
        for name in rankers {
            assert!(text.contains(&format!("| {name} |")), "{text}");
        }
        // What comes next on the circle is sure, and counting finds it.
        let counted = table.line("co-visitation").unwrap();
        assert!(counted.all.recall_10.mean > 0.99);
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["lines"][9]["all"]["cases"], 40);
    }

    #[test]
    fn settings_are_replaced_by_name_and_wrong_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (split, attributes) = circle(folder.path());
        let set = |with: &[&str]| tuning(with).settings(&split, &attributes);
        let (config, recipe) =
            set(&["layers=2", "dropout=0.5", r#"similarity={"cosine":{"temperature":0.1}}"#]).unwrap();
        assert_eq!((config.layers, recipe.dropout, recipe.seed, recipe.epochs), (2, 0.5, 3, 2));
        assert!(matches!(config.similarity, crate::model::Similarity::Cosine { .. }));
        for wrong in ["layers", "leyers=2", "layers=many", "width=7", "activation=relu2"] {
            assert!(set(&[wrong]).is_err(), "{wrong}");
        }
    }
}
