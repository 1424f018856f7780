//! Rules on single files: documentation, length, names, giving up.

use super::source::Source;

/// The longest file, in lines.
const FILE: usize = 400;
/// The longest function, in lines of code.
const FUNCTION: usize = 80;
/// The longest handler, in lines of code.
const HANDLER: usize = 40;
/// The most `unwrap` and `expect` in 1,000 lines outside tests.
const GIVES_UP: f64 = 1.5;
/// What excuses length.
const REASON: &str = "Long because";

/// Files that do not begin by saying what they are.
pub(crate) fn undocumented(sources: &[Source]) -> Vec<String> {
    let missing = sources.iter().filter(|source| !source.text.starts_with("//!"));
    missing.map(|source| format!("{}: begins without //!", source.path)).collect()
}

/// Files and functions over their bars without a reason.
pub(crate) fn long(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let lines: Vec<&str> = source.text.lines().collect();
        let head = lines.iter().take_while(|line| line.starts_with("//!"));
        if lines.len() > FILE && !head.clone().any(|line| line.contains(REASON)) {
            found.push(format!("{}: {} lines", source.path, lines.len()));
        }
        for function in source.functions().into_iter().filter(|function| function.lines > FUNCTION) {
            let above = lines[..function.line - 1].iter().rev().take_while(|line| {
                let line = line.trim();
                line.starts_with("//") || line.starts_with("#[")
            });
            if !above.clone().any(|line| line.contains(REASON) || line.contains("reason =")) {
                found.push(format!("{}: {} has {} lines", source.path, function.name, function.lines));
            }
        }
    }
    found
}

/// Handlers that are too long to hold no logic.
pub(crate) fn long_handlers(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("server/")) {
        for function in source.functions() {
            let answers = function.head.split("->").nth(1).is_some_and(|returned| returned.contains("Response"));
            if answers && function.lines > HANDLER {
                found.push(format!("{}: {} has {} lines", source.path, function.name, function.lines));
            }
        }
    }
    found
}

/// Files and folders whose names say nothing.
pub(crate) fn named_for_nothing(sources: &[Source]) -> Vec<String> {
    const NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "shared", "stuff"];
    let named = |source: &&Source| source.module().iter().any(|name| NAMES.contains(&name.as_str()));
    sources.iter().filter(named).map(|source| format!("{}: name what is in it", source.path)).collect()
}

/// Too many `unwrap` and `expect` outside tests.
pub(crate) fn gives_up(sources: &[Source]) -> Vec<String> {
    // The insides of literals are blank: `expect` with a message is followed by a space.
    let count = |source: &Source| {
        let expects =
            source.code.match_indices(".expect(").filter(|(at, word)| source.code[at + word.len()..].starts_with(' '));
        source.code.matches(".unwrap()").count() + expects.count()
    };
    let total: usize = sources.iter().map(count).sum();
    let lines: usize = sources.iter().map(|source| source.code.lines().count()).sum();
    // Counts of lines are far below 2⁵².
    if total as f64 * 1000.0 <= GIVES_UP * lines as f64 {
        return Vec::new();
    }
    let files = sources.iter().filter(|source| count(source) > 0);
    let listed: Vec<String> = files.map(|source| format!("{} ({})", source.path, count(source))).collect();
    vec![format!("{total} unwrap and expect in {lines} lines: {}", listed.join(", "))]
}
