//! The command as a shop runs it, on small generated events: same bytes for the same seed, refusal, going on after a kill.

use super::*;
use clap::Parser;
use std::collections::BTreeMap;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// Shoppers walk around a circle of products, one step an hour: what comes next is sure.
fn events(folder: &Path, steps: u32) -> PathBuf {
    let path = folder.join("events.jsonl");
    let mut lines = String::new();
    for shopper in 0..60u32 {
        for step in 0..steps {
            let product = (shopper * 5 + step) % 24;
            let at = jiff::Timestamp::from_second(i64::from(1_700_000_000 + step * 3600 + shopper)).unwrap();
            lines += &format!(
                r#"{{"shopper":"s{shopper:02}","kind":"product_viewed","at":"{at}","market":{{"country":null,"language":null}},"product":"p{product:02}"}}"#
            );
            lines.push('\n');
        }
    }
    fs::write(&path, lines).unwrap();
    path
}

fn arguments(events: &Path, out: &Path, more: &[&str]) -> Arguments {
    let (events, out) = (events.to_str().unwrap(), out.to_str().unwrap());
    let mut line = vec!["train", "--events", events, "--out", out, "--epochs", "12", "--with", "width=16"];
    line.extend(["--with", "batch=8", "--with", "rate=0.01", "--with", "dropout=0.1"]);
    line.extend(more);
    Line::parse_from(line).arguments
}

fn trained(events: &Path, out: &Path, more: &[&str]) -> anyhow::Result<String> {
    train(&arguments(events, out, more))
}

fn versions(out: &Path) -> Vec<String> {
    let names = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != "active").collect();
    names.sort();
    names
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn the_same_events_and_seed_publish_the_same_bytes_and_another_seed_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path(), 30);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    trained(&events, &one, &["--force"]).unwrap();
    trained(&events, &two, &["--force"]).unwrap();
    let name = versions(&one);
    assert_eq!((name.len(), &name), (1, &versions(&two)));
    let (first, second) = (files(&one.join(&name[0])), files(&two.join(&name[0])));
    for file in ["items.json", "model.json", "weights.safetensors"] {
        assert_eq!(first[file], second[file], "{file}");
    }
    let model = checkpoint::read(&one.join(&name[0]), &candle_core::Device::Cpu).unwrap();
    assert_eq!((model.vocabulary.rows(), model.manifest.facts["seed"].as_str()), (25, "1"));
    assert!(name[0].starts_with("20231116-"), "{name:?}");
    let card = String::from_utf8(first["card.md"].clone()).unwrap();
    assert!(card.contains("1800 events of 60 shoppers") && card.contains("| co-visitation |"), "{card}");
    let report = String::from_utf8(first["report.html"].clone()).unwrap();
    let parts =
        ["Against what a shop", "Learning", "probabilities hold", "The items as", "After some sessions", "All figures"];
    assert!(parts.iter().all(|part| report.contains(part)) && !report.contains("NaN"), "{report}");
    assert_eq!(
        report.matches("<circle").count() - report.matches("<circle class").count(),
        24,
        "each product is on the map"
    );
    trained(&events, &one, &["--force", "--seed", "2"]).unwrap();
    assert_eq!(versions(&one).len(), 2);
}

#[test]
fn the_version_served_now_stands_in_the_table_and_a_worse_one_is_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("shop");
    let early = events(folder.path(), 30);
    trained(&early, &out, &["--force"]).unwrap();
    let served = versions(&out).remove(0);
    Versions::new(&out).activate(&served).unwrap();
    // Ten more steps of each shopper, which it did not learn; the new one learns nothing.
    let later = events(folder.path(), 40);
    let error = trained(&later, &out, &["--with", "rate=0.0", "--with", "epochs=1"]).unwrap_err().to_string();
    assert!(error.contains(&format!("the encoder is below {served}, served now by 0.")), "{error}");
    assert_eq!(versions(&out).iter().filter(|name| *name != KEPT).count(), 1, "nothing was published");
    trained(&later, &out, &["--with", "rate=0.0", "--with", "epochs=1", "--force"]).unwrap();
    assert_eq!(versions(&out).len(), 2);
    let forced = versions(&out).into_iter().find(|name| *name != served).unwrap();
    let card = fs::read_to_string(out.join(forced).join("card.md")).unwrap();
    assert!(card.contains("Published by force"), "{card}");
}

#[test]
fn a_training_goes_on_where_it_was_cut_off_and_publishes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path(), 30);
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    trained(&events, &whole, &["--force"]).unwrap();
    let version = versions(&whole).remove(0);
    // As a kill leaves it: the state after some passes, and no version.
    let kept = cut.join(KEPT);
    fs::create_dir_all(&kept).unwrap();
    let learned = Learned::read(&events, None, None).unwrap();
    let (config, recipes) = arguments(&events, &cut, &[]).tuning.settings(&learned.split, &learned.attributes).unwrap();
    measured(&learned, &config, &[Recipe { epochs: 3, ..recipes[0].clone() }], None, &kept).unwrap();
    assert!(kept.join("measured").exists());
    trained(&events, &cut, &["--force", "--resume"]).unwrap();
    let weights = |out: &Path| fs::read(out.join(&version).join("weights.safetensors")).unwrap();
    assert_eq!(weights(&whole), weights(&cut));
}

#[test]
fn sequences_without_times_are_learned_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("circle.seq.txt");
    let user = |user: u32| (0..8).map(|at| ((user + at) % 20 + 1).to_string()).collect::<Vec<_>>().join(" ");
    fs::write(&path, (0..80).map(user).collect::<Vec<_>>().join("\n")).unwrap();
    let out = folder.path().join("shop");
    trained(&path, &out, &["--force"]).unwrap();
    let version = versions(&out).remove(0);
    let model = checkpoint::read(&out.join(version), &candle_core::Device::Cpu).unwrap();
    assert!(model.vocabulary.row("20").is_some() && !model.manifest.facts.contains_key("learned_until"));
}

#[test]
fn without_events_the_settings_must_say_where_they_are() {
    assert!(Line::try_parse_from(["train", "--out", "x"]).is_err());
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("outfitter.toml");
    let from = |text: &str| {
        fs::write(&settings, text).unwrap();
        let line = ["train", "--from-store", "--config", settings.to_str().unwrap(), "--out", "x"];
        sources(&Line::parse_from(line).arguments)
    };
    assert!(from("").unwrap_err().to_string().contains("ingest.record.log"));
    let (events, catalogue) =
        from("[ingest.record]\nlog = { dir = \"kept\" }\n[catalogue]\nfile = \"products.jsonl\"\n").unwrap();
    assert_eq!((events, catalogue), (PathBuf::from("kept"), Some(PathBuf::from("products.jsonl"))));
}
