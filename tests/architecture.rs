//! The house rules, held by a program: layers, mutual imports, sizes, names, documentation, and how often code outside
//! tests gives up.
//!
//! Each rule is a function from sources to findings, tried on small sources with a violation in them, then on `src/`.
//! A file or function may be longer than its bar where a comment beginning `Long because` says why.

#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use source::Source;
use std::fs;
use std::path::Path;

/// Every source below `src/`.
#[allow(clippy::unwrap_used)] // a source tree that cannot be read fails the test
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    source::leave_out_tests(&mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 30, "src/ has more files than this");
    found
}

/// Fails with every finding on a line of its own.
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn imports_point_down() {
    assert_none(&imports::upward(&sources()));
}

#[test]
fn no_two_modules_import_each_other() {
    assert_none(&imports::mutual(&sources()));
    assert_none(&imports::stale(&sources()));
}

#[test]
fn lower_layers_know_nothing_of_what_they_must_not() {
    assert_none(&imports::forbidden_crates(&sources()));
}

#[test]
fn every_file_says_what_it_is() {
    assert_none(&rules::undocumented(&sources()));
}

#[test]
fn files_and_functions_are_short_or_say_why_not() {
    assert_none(&rules::long(&sources()));
}

#[test]
fn handlers_hold_no_logic() {
    assert_none(&rules::long_handlers(&sources()));
}

#[test]
fn no_file_is_named_for_nothing() {
    assert_none(&rules::named_for_nothing(&sources()));
}

#[test]
fn code_outside_tests_rarely_gives_up() {
    assert_none(&rules::gives_up(&sources()));
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for text in [
        "use crate::gateway::plan::Plan;",
        "use crate::{domain::ids, gateway};",
        "fn f() { let _ = crate::gateway::plan(); }",
        "use crate::{\n    domain::{a, b},\n    gateway::{c, d},\n};",
    ] {
        assert_eq!(imports::upward(&[Source::new("engine/slate.rs", text)]).len(), 1, "{text}");
    }
    for text in [
        "// crate::gateway",
        "const A: &str = \"crate::gateway\";",
        "#[cfg(test)]\nmod tests { use crate::gateway::X; }",
    ] {
        assert_eq!(imports::upward(&[Source::new("engine/slate.rs", text)]), Vec::<String>::new(), "{text}");
    }
    assert_eq!(imports::upward(&[Source::new("demo/mod.rs", "use crate::gateway::X;")]).len(), 1);
    assert_eq!(imports::upward(&[Source::new("gateway/mod.rs", "use crate::ingest::X;")]).len(), 0);
    assert_eq!(imports::upward(&[Source::new("new/mod.rs", "")]).len(), 1, "a module without a layer");
}

#[test]
fn a_mutual_import_is_found_through_super_and_groups() {
    let one = Source::new("gateway/one.rs", "use super::two::Two;");
    let two = Source::new("gateway/two.rs", "use crate::gateway::{one::One, three};");
    assert_eq!(imports::mutual(&[one, two]).len(), 1);
    let down = Source::new("gateway/two.rs", "use crate::domain::ids;");
    let one = Source::new("gateway/one.rs", "use super::two::Two;");
    assert_eq!(imports::mutual(&[one, down]).len(), 0);
}

#[test]
fn a_forbidden_crate_is_found() {
    assert_eq!(imports::forbidden_crates(&[Source::new("engine/a.rs", "use axum::Router;")]).len(), 1);
    assert_eq!(imports::forbidden_crates(&[Source::new("domain/a.rs", "fn f() { std::fs::read(x); }")]).len(), 1);
    assert_eq!(imports::forbidden_crates(&[Source::new("server/a.rs", "use axum::Router;")]).len(), 0);
}

#[test]
fn long_files_and_functions_are_found_and_a_reason_excuses_them() {
    let function = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(81));
    assert_eq!(rules::long(&[Source::new("a.rs", &function)]).len(), 1);
    let excused = format!("// Long because it is a table.\n{function}");
    assert_eq!(rules::long(&[Source::new("a.rs", &excused)]).len(), 0);
    let commented = format!("fn long() {{\n{}}}\n", "    // not code\n\n".repeat(100));
    assert_eq!(rules::long(&[Source::new("a.rs", &commented)]).len(), 0);
    let file = "const A: u8 = 1;\n".repeat(401);
    assert_eq!(rules::long(&[Source::new("a.rs", &file)]).len(), 1);
    assert_eq!(rules::long(&[Source::new("a.rs", &format!("//! A.\n//! Long because of A.\n{file}"))]).len(), 0);
}

#[test]
fn a_handler_with_logic_in_it_is_found() {
    let handler = format!("async fn serve() -> Response {{\n{}}}\n", "    work();\n".repeat(41));
    assert_eq!(rules::long_handlers(&[Source::new("server/a.rs", &handler)]).len(), 1);
    assert_eq!(rules::long_handlers(&[Source::new("gateway/a.rs", &handler)]).len(), 0);
}

#[test]
fn names_that_say_nothing_and_missing_documentation_are_found() {
    for path in ["engine/utils.rs", "common/mod.rs", "gateway/helpers/a.rs"] {
        assert_eq!(rules::named_for_nothing(&[Source::new(path, "")]).len(), 1, "{path}");
    }
    assert_eq!(rules::undocumented(&[Source::new("a.rs", "use a;\n//! too late")]).len(), 1);
}

#[test]
fn unwrap_is_counted_outside_tests_only() {
    let code = "fn a() { b.unwrap(); c.expect(\"d\"); }\n".to_owned() + &"let a = 1;\n".repeat(100);
    assert_eq!(rules::gives_up(&[Source::new("a.rs", &code)]).len(), 1);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
    assert_eq!(rules::gives_up(&[Source::new("a.rs", &tests)]).len(), 0);
    let own = "fn a() { self.expect(b'x'); }\n";
    assert_eq!(rules::gives_up(&[Source::new("a.rs", own)]).len(), 0, "a method of our own");
    let parent = Source::new("store/mod.rs", "#[cfg(test)]\nmod contract;\n");
    let mut both = [parent, Source::new("store/contract.rs", &code)];
    source::leave_out_tests(&mut both);
    assert_eq!(rules::gives_up(&both).len(), 0, "a file that is compiled for tests only");
}

#[test]
fn the_reader_of_sources_is_not_fooled_by_literals() {
    let text =
        "fn a<'b>(c: &'b str) { let d = '{'; let e = r#\"}\"{\"#; let f = b'\\''; let g = \"\\\"}\"; }\nfn h() {}\n";
    let source = Source::new("a.rs", text);
    let names: Vec<_> = source.functions().into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["a", "h"]);
}
