//! Which files are meant: paths, folders and patterns with `*`, `**` and `?`.

use anyhow::Context;
use std::path::{Path, PathBuf};

/// Files that hold GraphQL alone.
const GRAPHQL: [&str; 2] = ["graphql", "gql"];
/// Files that hold GraphQL among other things.
const CODE: [&str; 8] = ["ts", "tsx", "js", "jsx", "mjs", "mts", "vue", "svelte"];
/// Folders that hold nobody's own source.
const PASSED_OVER: [&str; 6] = ["node_modules", "dist", "build", "target", "coverage", "vendor"];

/// What a file is read as; `None` for files that hold no operations.
pub(super) fn is_code(path: &Path) -> Option<bool> {
    let extension = path.extension()?.to_str()?;
    match extension {
        plain if GRAPHQL.contains(&plain) => Some(false),
        code if CODE.contains(&code) => Some(true),
        _ => None,
    }
}

/// The files that the arguments name, each once, in order. Errors: an argument that names nothing.
pub(super) fn files(arguments: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for argument in arguments {
        let before = found.len();
        let path = Path::new(argument);
        if path.is_dir() {
            walk(path, &|file| is_code(file).is_some(), &mut found)?;
        } else if path.is_file() {
            anyhow::ensure!(
                is_code(path).is_some(),
                "{argument} is not a kind of file that operations are read from: {}",
                kinds()
            );
            found.push(path.to_owned());
        } else if argument.contains(['*', '?']) {
            // The folder before the first wildcard; below it every path is compared.
            let fixed: PathBuf = path.iter().take_while(|part| !part.to_string_lossy().contains(['*', '?'])).collect();
            let root = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
            let pattern = argument.trim_start_matches("./");
            let fits = |file: &Path| {
                let text = file.to_string_lossy().replace('\\', "/");
                is_code(file).is_some() && matches(pattern.as_bytes(), text.trim_start_matches("./").as_bytes())
            };
            walk(root, &fits, &mut found)?;
        }
        anyhow::ensure!(
            found.len() > before,
            "{argument} names no file with operations; name files ({}), folders or patterns",
            kinds()
        );
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn kinds() -> String {
    GRAPHQL.iter().chain(&CODE).map(|extension| format!(".{extension}")).collect::<Vec<_>>().join(" ")
}

fn walk(folder: &Path, fits: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // Links are not followed: one could lead back.
            let kind = entry.file_type()?;
            if kind.is_dir() && !name.starts_with('.') && !PASSED_OVER.contains(&&*name) {
                open.push(path);
            } else if kind.is_file() && fits(&path) {
                found.push(path);
            }
        }
    }
    Ok(())
}

/// Whether a path fits a pattern: `?` one character of a name, `*` any of a name, `**` any names.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            matches(rest, path)
                || path.iter().enumerate().any(|(at, byte)| *byte == b'/' && matches(rest, &path[at + 1..]))
        }
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|at| matches(rest, &path[at..])),
        [b'*', rest @ ..] => {
            let name = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=name).any(|at| matches(rest, &path[at..]))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|byte| *byte != b'/') && matches(rest, &path[1..]),
        [byte, rest @ ..] => path.first() == Some(byte) && matches(rest, &path[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_shells_have_them() {
        let fits = |pattern: &str, path: &str| matches(pattern.as_bytes(), path.as_bytes());
        assert!(fits("src/**/*.ts", "src/a.ts") && fits("src/**/*.ts", "src/a/b/c.ts"));
        assert!(fits("**/*.graphql", "a.graphql") && fits("src/*.gql", "src/a.gql"));
        assert!(!fits("src/*.gql", "src/a/b.gql") && !fits("src/?.ts", "src/ab.ts"));
    }

    #[test]
    fn a_folder_is_walked_without_what_others_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        ["a.graphql", "app/b.tsx", "app/c.css", "node_modules/d/e.graphql", ".cache/f.ts"].into_iter().for_each(put);
        let found = files(&[folder.path().to_str().unwrap().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.graphql", "b.tsx"]);
        let said = files(&["no-such/**/*.ts".to_owned()]).unwrap_err().to_string();
        assert!(said.contains("cannot be read") || said.contains("names no file"), "{said}");
    }
}
