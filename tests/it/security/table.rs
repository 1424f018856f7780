//! `docs/security.md` names real tests, and a row for every limit.

use std::collections::BTreeSet;
use std::path::Path;

const DOCUMENT: &str = include_str!("../../../docs/security.md");

/// Every source below a folder, joined.
fn sources(folder: &str, text: &mut String) {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(path.to_str().unwrap(), text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The rows of the tables of attacks, each as its cells.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 3);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// What stands in backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_table_names_is_there() {
    let mut text = String::new();
    sources("src", &mut text);
    sources("tests", &mut text);
    let named: BTreeSet<&str> = rows().iter().skip(1).flat_map(|row| quoted(row[3])).collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        let holds = ["(", "<"].iter().any(|next| text.contains(&format!("fn {name}{next}")));
        assert!(holds, "docs/security.md names the test {name}, which is not there");
    }
}

#[test]
fn every_row_names_a_test() {
    for row in rows().iter().filter(|row| row[0] != "Attack" && !row[0].starts_with("---")) {
        assert!(quoted(row[3]).next().is_some(), "{row:?}");
    }
}

#[test]
fn every_limit_has_a_row() {
    let settings = include_str!("../../../outfitter.example.toml");
    let limits = settings.split("[limits]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let keys = limits.lines().filter_map(|line| line.strip_prefix('#')?.split_once(" = ").map(|(key, _)| key));
    let keys: Vec<&str> = keys.filter(|key| !key.contains(' ')).collect();
    assert!(keys.len() > 10, "{keys:?}");
    for key in keys {
        let name = format!("`limits.{key}`");
        assert!(rows().iter().any(|row| row[2].contains(&name)), "docs/security.md has no row for {name}");
    }
}
