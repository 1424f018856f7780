//! `outfitter evaluate --log`: what another order would have brought, told from the decision log.

use super::{decisions, say};
use crate::settings::Settings;
use crate::store::log::{DecisionLog, Line, LogConfig, Page};
use crate::train::off_policy::{Evaluation, Figure, Log, Reward, Target, Weights, evaluate};
use anyhow::{Context, bail};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `evaluate` takes of a decision log.
#[derive(Clone, Debug, Default, clap::Args)]
// A name of its own, as it is part of another command's arguments.
#[group(id = "decisions")]
pub(super) struct Arguments {
    /// The decision log, for what another order would have brought: an export of JSON lines, the SQLite file itself,
    /// postgres://user:password@host/database, or `settings` for that of --config.
    #[arg(long, value_name = "DECISIONS", conflicts_with_all = ["dataset", "protocol", "catalogue", "report", "seeds"])]
    pub(super) log: Option<String>,
    /// What counts as success.
    #[arg(long, value_enum, default_value_t = Counts::Click, requires = "log")]
    reward: Counts,
    /// An order that is asked about, more than once for several: `logged`, `settings` (the weights of --config), or weights of
    /// sources as `session=1,popular=0.1`. Without: the ranking as logged, co-visitation, the most popular, and the settings
    /// where they are named.
    #[arg(long = "target", value_name = "POLICY", requires = "log")]
    targets: Vec<String>,
    /// The shop's settings: [engine.blend] for the target `settings`.
    #[arg(long, value_name = "FILE", requires = "log")]
    config: Option<PathBuf>,
    /// Decisions made at or after this moment, as for `decisions export`.
    #[arg(long, value_name = "MOMENT", value_parser = decisions::moment, requires = "log")]
    since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Counts {
    #[default]
    Click,
    Cart,
    Order,
}

impl From<Counts> for Reward {
    fn from(counts: Counts) -> Self {
        match counts {
            Counts::Click => Self::Click,
            Counts::Cart => Self::Cart,
            Counts::Order => Self::Order,
        }
    }
}

/// Fewer weighted products than this make an estimate that the next week may overturn.
const THIN: f64 = 200.0;

pub(super) async fn run(log: &str, arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let targets = targets(arguments)?;
    let log = read(log, arguments).await?;
    let reward = arguments.reward.into();
    let found = tokio::task::spawn_blocking(move || evaluate(&log, &targets, reward)).await??;
    say(&if json { serde_json::to_string_pretty(&found)? } else { told(&found, reward) });
    Ok(())
}

async fn read(log: &str, arguments: &Arguments) -> anyhow::Result<Log> {
    let (path, whole) = (Path::new(log), arguments.since.is_none());
    let named = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if named("parquet") {
        bail!(
            "{log} has what was served and not what could have been; export JSON lines: decisions export --out ….jsonl"
        );
    }
    if named("jsonl") || named("json") {
        if !whole {
            bail!("--since is for the log itself; of an export every line is read: give --since to decisions export");
        }
        let path = path.to_owned();
        return Ok(tokio::task::spawn_blocking(move || Log::read(&path)).await??);
    }
    // Reading must not clear away what the shop keeps for longer than is usual.
    let all = LogConfig { max_age: Duration::from_secs(1_000 * 365 * 86_400), most: u32::MAX, ..LogConfig::default() };
    let config = match log {
        "settings" => Settings::load(arguments.config.as_deref())?.store.decisions,
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            LogConfig { url: Some(url.to_owned()), ..all }
        }
        file => LogConfig { file: Some(file.into()), ..all },
    };
    of_database(&decisions::existing(&config)?, arguments.since.unwrap_or(Timestamp::MIN)).await
}

async fn of_database(log: &DecisionLog, since: Timestamp) -> anyhow::Result<Log> {
    let (mut found, mut page) = (Log::default(), Page::default());
    loop {
        let (records, next) = log.page(since, page).await?;
        if records.is_empty() {
            return Ok(found);
        }
        for (record, outcomes) in &records {
            // By way of its export, so that both are read alike.
            found.add(serde_json::to_value(Line::of(record, outcomes, log.sample()))?)?;
        }
        page = next;
    }
}

fn targets(arguments: &Arguments) -> anyhow::Result<Vec<Target>> {
    let sources = |name: &str, of: &[(&str, f64)]| {
        let weights = of.iter().map(|(source, weight)| ((*source).into(), *weight));
        Target::Weights(name.into(), weights.collect())
    };
    if arguments.targets.is_empty() {
        let counted = [("viewed_together", 1.0), ("bought_together", 1.0), ("session", 1.0)];
        let mut all =
            vec![Target::Logged, sources("co-visitation", &counted), sources("most popular", &[("popular", 1.0)])];
        if arguments.config.is_some() {
            all.push(blend(arguments)?);
        }
        return Ok(all);
    }
    let target = |said: &String| match said.as_str() {
        "logged" => Ok(Target::Logged),
        "settings" => blend(arguments),
        weights => Ok(Target::Weights(weights.into(), parsed(weights)?)),
    };
    arguments.targets.iter().map(target).collect()
}

/// The weights of the settings, by intent.
fn blend(arguments: &Arguments) -> anyhow::Result<Target> {
    let config = arguments.config.as_deref().context("the target `settings` takes its weights from --config FILE")?;
    let blend = serde_json::to_value(Settings::load(Some(config))?.engine.blend)?;
    let intents: BTreeMap<Box<str>, Weights> = serde_json::from_value(blend)?;
    Ok(Target::Intents("settings".into(), intents))
}

fn parsed(text: &str) -> anyhow::Result<Weights> {
    let weight = |part: &str| {
        let (source, weight) = part.split_once('=')?;
        let weight: f64 = weight.trim().parse().ok()?;
        (weight.is_finite() && weight >= 0.0).then(|| (source.trim().into(), weight))
    };
    let weights: Option<Weights> = text.split(',').map(weight).collect();
    let weights = weights.filter(|weights| weights.values().any(|weight| *weight > 0.0));
    weights
        .with_context(|| format!("--target {text}: logged, settings, or weights as session=1,popular=0.1 are expected"))
}

fn told(found: &Evaluation, reward: Reward) -> String {
    let what = match reward {
        Reward::Click => "clicked",
        Reward::Cart => "put into the cart",
        Reward::Order => "bought",
    };
    let mut text = format!(
        "{} decisions of {} shoppers left to chance, {} products shown; {} not left to chance and {} incomplete ones left out\n\
         Shares of products shown that were {what}, with 95 % intervals. As served: {}\n\n\
         | order | IPS | SNIPS | doubly robust | difference to what was served | effective | mean weight |\n|---|---|---|---|---|---|---|\n",
        found.decisions,
        found.shoppers,
        found.shown,
        found.certain,
        found.incomplete,
        figure(found.served)
    );
    for target in &found.targets {
        let figures = [target.ips, target.snips, target.doubly_robust, target.difference].map(figure).join(" | ");
        let (weight, effective) = (target.weight.value, target.effective);
        text.push_str(&format!("| {} | {figures} | {effective:.0} | {weight:.3} |\n", target.target));
    }
    for target in &found.targets {
        if target.effective < THIN {
            text.push_str(&format!(
                "\n{}: worth {:.0} products shown, too few to decide by; more decisions or a larger engine.explore help.",
                target.target, target.effective
            ));
        }
        if target.weight.low > 1.0 || target.weight.high < 1.0 {
            text.push_str(&format!(
                "\n{}: the mean weight is not 1, so the propensities are not those by which products were placed: do not \
                 trust these figures.",
                target.target
            ));
        }
    }
    text
}

fn figure(of: Figure) -> String {
    format!("{:.5} [{:.5}, {:.5}]", of.value, of.low, of.high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_weights_by_name_and_anything_else_is_refused() {
        let of = |text: &[&str]| {
            targets(&Arguments { targets: text.iter().map(ToString::to_string).collect(), ..Arguments::default() })
        };
        let found = of(&["logged", "session=1, affinity=0.5"]).unwrap();
        assert_eq!(found[0], Target::Logged);
        let weights = Weights::from([("session".into(), 1.0), ("affinity".into(), 0.5)]);
        assert_eq!(found[1], Target::Weights("session=1, affinity=0.5".into(), weights));
        assert_eq!(of(&[]).unwrap().len(), 3);
        for wrong in ["", "session", "session=-1", "session=NaN", "session=0", "settings", "session=1,,"] {
            assert!(of(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_settings_give_weights_for_every_intent_by_the_names_of_sources() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("shop.toml");
        std::fs::write(&config, "[engine.blend]\nfor_you = { session = 0.25, popular = 1.0 }\n").unwrap();
        let Target::Intents(_, intents) = blend(&Arguments { config: Some(config), ..Arguments::default() }).unwrap()
        else {
            panic!("weights by intent")
        };
        assert_eq!((intents["for_you"]["session"], intents["for_you"]["popular"]), (0.25, 1.0));
        assert!(intents["related"]["viewed_together"] > 0.0);
    }

    #[tokio::test]
    async fn an_export_without_what_could_have_been_shown_is_refused_with_what_to_do() {
        let said = read("decisions.parquet", &Arguments::default()).await.err().unwrap().to_string();
        assert!(said.contains("JSON lines"), "{said}");
        let said = read("none/decisions.db", &Arguments::default()).await.err().unwrap().to_string();
        assert!(said.contains("none/decisions.db"), "{said}");
    }
}
