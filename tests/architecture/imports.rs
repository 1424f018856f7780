//! Who imports whom: layers, mutual imports, and crates that a layer must not know.

use super::source::Source;
use std::collections::BTreeSet;

/// The layer of each module, from the bottom.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 0),
    ("telemetry", 0),
    ("platform", 1),
    ("store", 1),
    ("model", 1),
    ("features", 1),
    ("text", 1),
    ("engine", 2),
    ("catalogue", 2),
    ("gateway", 3),
    ("ingest", 3),
    ("train", 3),
    ("admin", 3),
    ("activate", 3),
    ("demo", 3),
    ("server", 4),
    ("cli", 4),
    ("settings", 4),
];

/// Imports within a layer that the design allows; every other one is a finding.
const BESIDE: &[(&str, &str)] = &[
    ("telemetry", "domain"),
    ("model", "features"),
    // A session's searches become vectors where its batch becomes tensors.
    ("model", "text"),
    ("engine", "catalogue"),
    ("gateway", "ingest"),
    ("settings", "server"),
    ("cli", "server"),
    ("cli", "settings"),
];

/// Pairs that import each other because their types are recursive.
const RECURSIVE: &[(&str, &str)] = &[
    // A product has recommendations, and those have products.
    ("gateway::personalize::entities", "gateway::personalize::recommendations"),
    // A value can be a picture, whose fields are values.
    ("demo::graphql::picture", "demo::graphql::value"),
];

/// What a module must not know, as the beginning of a path.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("domain", &["std::fs", "std::net", "tokio::", "http::", "axum::", "async_graphql::", "apollo_compiler::"]),
    ("engine", &["http::", "axum::", "hyper::", "async_graphql::", "apollo_compiler::", "crate::platform"]),
    ("store", &["axum::", "async_graphql::", "apollo_compiler::"]),
    ("platform", &["axum::", "async_graphql::"]),
];

/// Imports that do not point down, and modules without a layer.
pub(crate) fn upward(sources: &[Source]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        let from = source.module()[0].clone();
        if from == "lib" || from == "main" {
            continue;
        }
        let Some(layer) = layer(&from) else {
            found.insert(format!("{}: the module {from} has no layer; give it one here", source.path));
            continue;
        };
        for target in imports(source) {
            let to = target[0].as_str();
            let Some(below) = self::layer(to).filter(|_| to != from) else { continue };
            if below > layer || (below == layer && !BESIDE.contains(&(from.as_str(), to))) {
                found.insert(format!("{}: {from} (layer {layer}) imports {to} (layer {below})", source.path));
            }
        }
    }
    found.into_iter().collect()
}

/// Pairs of files that import each other, but for recursive types.
pub(crate) fn mutual(sources: &[Source]) -> Vec<String> {
    let pairs = pairs(sources).into_iter().filter(|(from, to)| !RECURSIVE.contains(&(from.as_str(), to.as_str())));
    pairs.map(|(from, to)| format!("{from} and {to} import each other")).collect()
}

/// Exceptions that nothing needs any more.
pub(crate) fn stale(sources: &[Source]) -> Vec<String> {
    let pairs = pairs(sources);
    let unused = RECURSIVE.iter().filter(|(from, to)| !pairs.iter().any(|pair| pair.0 == *from && pair.1 == *to));
    unused.map(|(from, to)| format!("{from} and {to} no longer import each other: take them off the list")).collect()
}

/// Pairs of files that import each other. A module and its own parts are one thing and not compared.
fn pairs(sources: &[Source]) -> Vec<(String, String)> {
    let modules: Vec<Vec<String>> = sources.iter().map(Source::module).collect();
    let mut edges = BTreeSet::new();
    for (source, from) in sources.iter().zip(&modules) {
        for target in imports(source) {
            // The longest module that the path begins with: what follows is an item of it.
            let to = modules.iter().filter(|module| target.starts_with(module)).max_by_key(|module| module.len());
            if let Some(to) = to.filter(|to| !to.starts_with(from) && !from.starts_with(to)) {
                edges.insert((from.join("::"), to.join("::")));
            }
        }
    }
    edges.iter().filter(|(from, to)| from < to && edges.contains(&(to.clone(), from.clone()))).cloned().collect()
}

/// Uses of crates that a layer must not know.
pub(crate) fn forbidden_crates(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let module = source.module()[0].clone();
        for (_, paths) in FORBIDDEN.iter().filter(|(name, _)| *name == module) {
            for path in *paths {
                let uses = source.code.match_indices(path).any(|(at, _)| {
                    let before = source.code[..at].chars().next_back();
                    !before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':')
                });
                if uses {
                    found.push(format!("{}: {module} must not know {path}", source.path));
                }
            }
        }
    }
    found
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// Every path within the crate that the file names, from the crate's root. `pub use` counts as any other.
fn imports(source: &Source) -> Vec<Vec<String>> {
    let module = source.module();
    let mut found = Vec::new();
    for (at, word) in source.code.match_indices("crate::") {
        if at == 0 || !is_part_of_name(source.code.as_bytes()[at - 1]) {
            expand(&source.code[at + word.len()..], &[], &mut found);
        }
    }
    for (at, word) in source.code.match_indices("super::") {
        let before = &source.code[..at];
        // Each further `super::` is met on its own; the first of them knows how many there are.
        if before.ends_with("super::") || before.bytes().next_back().is_some_and(is_part_of_name) {
            continue;
        }
        let mut rest = &source.code[at + word.len()..];
        let mut above = 1;
        while let Some(next) = rest.strip_prefix("super::") {
            (rest, above) = (next, above + 1);
        }
        // In `mod.rs` and elsewhere alike, `super` is the module's parent.
        let base: Vec<String> = module[..module.len().saturating_sub(above)].to_vec();
        expand(rest, &base, &mut found);
    }
    found.retain(|path| !path.is_empty());
    found
}

fn is_part_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// The paths of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim_start();
    let name: String = tree.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if !name.is_empty() {
        let mut path = base.to_vec();
        path.push(name.clone());
        match tree[name.len()..].strip_prefix("::") {
            Some(rest) => expand(rest, &path, found),
            None => found.push(path),
        }
        return;
    }
    let Some(group) = tree.strip_prefix('{') else {
        found.push(base.to_vec());
        return;
    };
    let (mut depth, mut from) = (0_usize, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = group[from..at].trim();
                if !part.is_empty() {
                    expand(part, base, found);
                }
                from = at + 1;
                if character == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}
