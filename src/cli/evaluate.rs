//! `outfitter evaluate`: trains on a public data set and prints the model beside every baseline. With `--log` it asks the
//! shop's own decisions instead: `off_policy.rs`.

use super::figures::{lines, shown};
use super::off_policy;
use super::progress::Progress;
use super::report::{self, Labels, Over, Report};
use super::say;
use super::seeds::{self, Seeds};
use crate::catalogue::{Index, import};
use crate::features::{Attributes, Vocabulary};
use crate::model::ModelConfig;
use crate::train::table::{self, Line, Plan, Table};
use crate::train::{
    BasketTable, Baskets, Dataset, Protocol, Recipe, Shop, Split, candidates, chosen, compare_baskets, over_seeds,
    split_by_time,
};
use anyhow::{Context, bail};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `evaluate` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data set: NAME.seq.txt (a user a line), NAME.train.txt (a session a line, NAME.test.txt beside it), a training
    /// log (a file of JSON lines or a folder of them), or for baskets a table of lines, tab-separated, plain or .gz.
    #[arg(long, value_name = "FILE", required_unless_present = "log")]
    dataset: Option<PathBuf>,
    /// The products of a training log, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// What is learned and what is measured.
    #[arg(long, value_enum, required_unless_present = "log")]
    protocol: Option<By>,
    /// Leave out what is known of the items.
    #[arg(long)]
    without_attributes: bool,
    /// Train plain SASRec as well, as one more baseline, where the model is another.
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    tuning: Tuning,
    /// Run under several seeds and print means with intervals: how many from --seed on, or which, as 1,2,5.
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<Seeds>,
    /// Write a report to look at as well: one HTML file; of the first seed, with the means over all where there are several.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    decisions: off_policy::Arguments,
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
    /// Where batch or dropout is set nothing else is tried of them.
    #[arg(long, value_name = "NAME=VALUE")]
    with: Vec<String>,
}

impl Tuning {
    /// The settings that follow from the data, replaced by what the command line says; of recipes all that are to be tried.
    pub(super) fn settings(
        &self,
        split: &Split,
        attributes: &Attributes,
    ) -> anyhow::Result<(ModelConfig, Vec<Recipe>)> {
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
        let recipe: Recipe = serde_json::from_value(recipe).context("--with: a value does not fit")?;
        let by_hand = |said: &String| said.starts_with("batch=") || said.starts_with("dropout=");
        Ok((config, if self.with.iter().any(by_hand) { vec![recipe] } else { candidates(recipe) }))
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    LeaveOneOut,
    LeaveOneOutRefit,
    Sessions,
    TimeSplit,
    Baskets,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(log) = arguments.decisions.log.clone() {
        return off_policy::run(&log, &arguments.decisions, arguments.json).await;
    }
    // Hours of arithmetic: not on a thread that answers anything.
    tokio::task::spawn_blocking(move || evaluate(&arguments)).await?
}

fn evaluate(arguments: &Arguments) -> anyhow::Result<()> {
    let (Some(dataset), Some(protocol)) = (&arguments.dataset, arguments.protocol) else {
        bail!("--dataset and --protocol say what is measured");
    };
    if let By::Baskets = protocol {
        return baskets(arguments, dataset);
    }
    let Parted { split, vocabulary, titles, attributes: known } = parted(arguments, dataset, protocol)?;
    let attributes = if arguments.without_attributes { Arc::default() } else { known.clone() };
    let (config, recipes) = arguments.tuning.settings(&split, &attributes)?;
    let run = |seed: u64| -> anyhow::Result<Table> {
        let recipes: Vec<Recipe> = recipes.iter().map(|recipe| Recipe { seed, ..recipe.clone() }).collect();
        let mut progress = Progress::new(arguments.tuning.epochs);
        let plan = Plan {
            split: &split,
            attributes: &attributes,
            config: &config,
            recipes: &recipes,
            plain: arguments.plain,
            others: &[],
            keep: None,
        };
        let table = table::compare(plan, &mut |told| progress.tell(told))?;
        progress.finish();
        Ok(table)
    };
    let seeds = arguments.seeds();
    let runs: Vec<Table> = seeds.iter().copied().map(run).collect::<Result<_, _>>()?;
    if let Some(path) = &arguments.report {
        let name = dataset.file_name().unwrap_or_default().to_string_lossy();
        let protocol = protocol.to_possible_value().map(|protocol| protocol.get_name().to_owned());
        let heading = format!("{name} by {}", protocol.unwrap_or_default());
        let data = format!("{} sequences learned, {} cases measured", split.refit.len(), split.test.len());
        let labels = Labels { vocabulary: &vocabulary, titles: &titles, attributes: &known };
        let over =
            Over { seeds: &seeds, found: &over_seeds(&runs.iter().map(|run| &run.lines[..]).collect::<Vec<_>>()) };
        let table = &runs[0];
        report::write(path, Report { heading: &heading, data: &data, table, split: &split, labels, over })?;
    }
    tell(arguments, &runs, |table| &table.lines, |table| shown(table, &split))
}

impl Arguments {
    /// The seeds to run under: at least one.
    fn seeds(&self) -> Vec<u64> {
        self.seeds.as_ref().map_or_else(|| vec![self.tuning.seed], |seeds| seeds.list(self.tuning.seed))
    }
}

/// Prints what was found under each seed: all of it together where seeds were asked for, else what the one found.
fn tell<T: serde::Serialize>(
    arguments: &Arguments,
    runs: &[T],
    lines: fn(&T) -> &[Line],
    one: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    let seeds = arguments.seeds();
    say(&match (&arguments.seeds, arguments.json) {
        (Some(_), true) => seeds::json(&seeds, runs, lines)?,
        (Some(_), false) => seeds::shown(&seeds, &runs.iter().map(lines).collect::<Vec<_>>()),
        (None, true) => serde_json::to_string_pretty(&runs[0])?,
        (None, false) => one(&runs[0]),
    });
    Ok(())
}

/// One product of each basket left out: nothing is trained, so there is no report of a training either.
fn baskets(arguments: &Arguments, dataset: &Path) -> anyhow::Result<()> {
    if arguments.report.is_some() {
        bail!("--report draws a training; the protocol of baskets trains nothing: leave it out");
    }
    let baskets = Baskets::read(dataset).context("the baskets cannot be read")?;
    let run = |seed| compare_baskets(&baskets, seed);
    let runs: Vec<BasketTable> = arguments.seeds().into_iter().map(run).collect::<Result<_, _>>()?;
    tell(arguments, &runs, |table| &table.lines, |table| of_baskets(table, arguments.tuning.seed))
}

fn of_baskets(table: &BasketTable, seed: u64) -> String {
    let (products, learned, measured) = table.sizes;
    let chosen = match table.bought_before {
        0.0 => "what was bought before is not counted".to_owned(),
        weight => format!("served with engine.blend.complementary.bought_before = {weight}"),
    };
    format!("{products} products, {learned} baskets learned, {measured} measured; seed {seed}; {chosen}\n\n")
        + &lines(&table.lines)
}

/// The data set in parts, and what its items are called.
struct Parted {
    split: Split,
    vocabulary: Vocabulary,
    titles: Vec<Box<str>>,
    attributes: Arc<Attributes>,
}

fn parted(arguments: &Arguments, dataset: &Path, protocol: By) -> anyhow::Result<Parted> {
    let protocol = match protocol {
        By::LeaveOneOut => Protocol::LeaveOneOut,
        By::LeaveOneOutRefit => Protocol::LeaveOneOutRefit,
        By::Sessions => Protocol::Sessions,
        By::Baskets => bail!("baskets are parted by themselves"),
        By::TimeSplit => {
            let shop = shop(dataset, arguments.catalogue.as_deref())?;
            let split = split_by_time(&shop, true, None)?;
            let Shop { vocabulary, titles, attributes, .. } = shop;
            return Ok(Parted { split, vocabulary, titles, attributes });
        }
    };
    let data = Dataset::read(dataset).context("the data set cannot be read")?;
    let split = protocol.split(&data)?;
    let Dataset { vocabulary, titles, attributes, .. } = data;
    Ok(Parted { split, vocabulary, titles, attributes })
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
        let (config, recipes) = tuning(&["width=16"]).settings(&split, &attributes).unwrap();
        let plan = Plan {
            split: &split,
            attributes: &attributes,
            config: &config,
            recipes: &recipes,
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
        assert!(text.contains("; tried batches of 128 with dropout 0.3: validation "), "{text}");
        // What comes next on the circle is sure, and counting finds it.
        let counted = table.line("co-visitation").unwrap();
        assert!(counted.all.recall_10.mean > 0.99);
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["lines"][9]["all"]["cases"], 40);
    }

    #[test]
    fn baskets_are_measured_and_a_report_of_a_training_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.tsv");
        let mut lines = String::from("basket_id\tproduct_id\ttransaction_timestamp\n");
        for basket in 0..200 {
            lines += &format!("b{basket}\tp{}\t{basket}\nb{basket}\tq{}\t{basket}\n", basket % 5, basket % 5);
        }
        std::fs::write(&path, lines).unwrap();
        let arguments = |report: Option<PathBuf>| Arguments {
            dataset: Some(path.clone()),
            catalogue: None,
            protocol: Some(By::Baskets),
            without_attributes: false,
            plain: false,
            tuning: tuning(&[]),
            seeds: Some(Seeds::Many(2)),
            report,
            json: true,
            decisions: off_policy::Arguments::default(),
        };
        evaluate(&arguments(None)).unwrap();
        assert!(evaluate(&arguments(Some(path.clone()))).unwrap_err().to_string().contains("--report"));
        let text = of_baskets(&compare_baskets(&Baskets::read(&path).unwrap(), 1).unwrap(), 1);
        for name in ["popularity", "lift", "PMI", "item-kNN", "EASE", "together", "served"] {
            assert!(text.contains(&format!("| {name} |")), "{text}");
        }
        let runs = [1, 2].map(|seed| compare_baskets(&Baskets::read(&path).unwrap(), seed).unwrap());
        let json = seeds::json(&[1, 2], &runs, |table| &table.lines).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let of = |line: &serde_json::Value| line["recall_10"]["mean"].as_f64().unwrap();
        let mean = (of(&json["runs"][0]["lines"][6]["all"]) + of(&json["runs"][1]["lines"][6]["all"])) / 2.0;
        assert!((of(&json["lines"][6]) - mean).abs() < 1e-12, "{json}");
        assert_eq!((&json["seeds"][1], &json["lines"][6]["name"]), (&2.into(), &"served".into()));
        let table = seeds::shown(&[1, 2], &[&runs[0].lines, &runs[1].lines]);
        assert!(table.starts_with("means over the seeds 1, 2; ") && table.contains("\n| served | "), "{table}");
        assert!(
            text.starts_with("10 products, 180 baskets learned, 20 measured; seed 1; what was bought before is not")
        );
    }

    #[test]
    fn every_seed_is_run_and_the_report_is_of_the_first_with_the_means_over_all() {
        let folder = tempfile::tempdir().unwrap();
        circle(folder.path());
        let report = folder.path().join("report.html");
        let arguments = |seeds: &str| Arguments {
            dataset: Some(folder.path().join("circle.seq.txt")),
            catalogue: None,
            protocol: Some(By::LeaveOneOut),
            without_attributes: true,
            plain: false,
            tuning: tuning(&["width=16", "batch=64"]),
            seeds: (!seeds.is_empty()).then(|| seeds.parse().unwrap()),
            report: Some(report.clone()),
            json: true,
            decisions: off_policy::Arguments::default(),
        };
        let written = |seeds| {
            evaluate(&arguments(seeds)).unwrap();
            std::fs::read_to_string(&report).unwrap()
        };
        assert_eq!(
            (arguments("").seeds(), arguments("9,4").seeds(), arguments("2").seeds()),
            (vec![3], vec![9, 4], vec![3, 4])
        );
        let several = written("9,4");
        assert!(several.contains("Seed 9.") && several.contains("Means over the seeds 9, 4"), "{several}");
        assert!(several.matches("± ").count() >= 6 * 8, "{several}");
        let one = written("");
        assert!(one.contains("Seed 3.") && !one.contains("Means over the seeds"), "{one}");
    }

    #[test]
    fn settings_are_replaced_by_name_and_wrong_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (split, attributes) = circle(folder.path());
        let set = |with: &[&str]| tuning(with).settings(&split, &attributes);
        let (config, recipe) =
            set(&["layers=2", "dropout=0.5", r#"similarity={"cosine":{"temperature":0.1}}"#]).unwrap();
        let [recipe] = &recipe[..] else { panic!("what is set by hand is not tried") };
        assert_eq!((config.layers, recipe.dropout, recipe.seed, recipe.epochs), (2, 0.5, 3, 2));
        let tried = set(&["slows=1"]).unwrap().1;
        assert!(tried.len() > 1 && tried.iter().all(|recipe| recipe.slows == 1.0), "{tried:?}");
        assert!(matches!(config.similarity, crate::model::Similarity::Cosine { .. }));
        for wrong in ["layers", "leyers=2", "layers=many", "width=7", "activation=relu2"] {
            assert!(set(&[wrong]).is_err(), "{wrong}");
        }
    }
}
