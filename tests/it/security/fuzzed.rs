//! The fuzz targets over their corpus, and over what once broke them (`fuzz/regressions`), with the stable toolchain.

#[path = "../../../fuzz/bodies.rs"]
mod bodies;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::path::Path;

/// Runs a target over its files.
fn run(target: &str, body: fn(&[u8])) {
    let mut files = 0;
    for kind in ["corpus", "regressions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target);
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            body(&std::fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
    }
    assert!(files >= 3, "{target} has a corpus");
}

#[test]
fn documents_that_are_planned_become_valid_documents() {
    run("document", bodies::document);
}

#[test]
fn variables_of_any_kind_are_read_or_refused() {
    run("variables", bodies::variables);
}

#[test]
fn the_splicer_writes_what_a_tree_would() {
    run("splicer", bodies::splicer);
}

#[test]
fn envelopes_of_any_kind_are_read_or_refused() {
    run("envelope", bodies::envelope);
}

#[test]
fn answers_of_any_kind_are_taken_apart() {
    run("answer", bodies::answer);
}

#[test]
fn cursors_that_nobody_sealed_do_not_open() {
    run("cursor", bodies::cursor);
}

#[test]
fn parts_do_not_depend_on_how_they_are_cut() {
    run("multipart", bodies::multipart);
}

#[test]
fn webhooks_of_any_kind_are_read_within_bounds() {
    run("webhook", bodies::webhook);
}

#[test]
fn beacons_of_any_kind_are_taken_or_refused() {
    run("beacon", bodies::beacon);
}

/// The files of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Bytes of every kind, and what senders send with some of it overwritten, cut off or repeated.
fn mangled(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..8), 0..3_u8);
    let changes = prop::collection::vec(change, 0..6);
    let sent = (prop::sample::select(corpus(target)), changes).prop_map(|(mut bytes, changes)| {
        for (at, with, how) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..(at + with.len()).min(bytes.len()), with)),
                _ => {
                    let tail = bytes.get(at..).unwrap_or_default().to_vec();
                    bytes.extend(tail);
                }
            }
            bytes.truncate(16 << 10);
        }
        bytes
    });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..512), 4 => sent]
}

#[test]
fn whatever_bytes_come_by_webhook_or_beacon_nothing_breaks() {
    for (target, body) in [("webhook", bodies::webhook as fn(&[u8])), ("beacon", bodies::beacon)] {
        let mut runner = TestRunner::new(ProptestConfig { cases: 400, ..ProptestConfig::default() });
        let ran = runner.run(&mangled(target), |bytes| {
            body(&bytes);
            Ok(())
        });
        ran.unwrap_or_else(|failed| panic!("{target}: {failed}"));
    }
}
