//! The fuzz targets over their corpus, and over what once broke them (`fuzz/regressions`), with the stable toolchain.

#[path = "../../../fuzz/bodies.rs"]
mod bodies;

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
