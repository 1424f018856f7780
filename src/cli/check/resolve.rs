//! What documents take in: constants by `${NAME}` and fragments by name, from any of the files that were given.

use super::extract::{self, Template};
use super::sources;
use anyhow::Context;
use apollo_compiler::ast::{Definition, Document as Ast, Selection};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A document whole, as a client would send it.
#[derive(Debug)]
pub(super) struct Whole {
    /// The file.
    pub(super) file: PathBuf,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// The text with everything taken in at its end.
    pub(super) text: String,
    /// What could not be taken in, and why.
    pub(super) missing: Vec<String>,
}

/// Everything that was read.
pub(super) struct Read {
    units: Vec<(PathBuf, Template)>,
    /// Constants by name.
    constants: HashMap<String, Vec<usize>>,
    /// Fragments by name: where each stands, and its text.
    fragments: BTreeMap<String, Vec<(usize, String)>>,
}

impl Read {
    /// Reads the files. Errors: one that cannot be read as text.
    pub(super) fn files(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut read = Self { units: Vec::new(), constants: HashMap::new(), fragments: BTreeMap::new() };
        for file in files {
            let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            read.add(file, text);
        }
        Ok(read)
    }

    fn add(&mut self, file: &Path, text: String) {
        let templates = match sources::is_code(file) {
            Some(true) => extract::templates(&text),
            _ => vec![Template { line: 1, text, ..Template::default() }],
        };
        for template in templates {
            let at = self.units.len();
            if let Some(name) = &template.name {
                self.constants.entry(name.clone()).or_default().push(at);
            }
            for definition in definitions(&template.text) {
                if let Definition::FragmentDefinition(fragment) = &definition {
                    self.fragments.entry(fragment.name.to_string()).or_default().push((at, definition.to_string()));
                }
            }
            self.units.push((file.to_owned(), template));
        }
    }

    /// The documents that hold operations, whole; text that is no GraphQL counts as one.
    pub(super) fn whole(&self) -> Vec<Whole> {
        let only_fragments = |text: &str| {
            let definitions = definitions(text);
            !definitions.is_empty() && definitions.iter().all(|d| matches!(d, Definition::FragmentDefinition(_)))
        };
        let wanted = |(_, (_, template)): &(usize, &(PathBuf, Template))| !only_fragments(&template.text);
        self.units.iter().enumerate().filter(wanted).map(|(at, _)| self.complete(at)).collect()
    }

    fn complete(&self, at: usize) -> Whole {
        let (file, template) = &self.units[at];
        let mut whole =
            Whole { file: file.clone(), line: template.line, text: template.text.clone(), missing: Vec::new() };
        let mut taken = BTreeSet::from([at]);
        let mut open: Vec<(usize, String)> = template.uses.iter().map(|used| (at, used.clone())).collect();
        while let Some((from, used)) = open.pop() {
            match self.constant(from, &used) {
                Ok(found) if taken.insert(found) => {
                    whole.text.push_str(&format!("\n{}", self.units[found].1.text));
                    open.extend(self.units[found].1.uses.iter().map(|used| (found, used.clone())));
                }
                Ok(_) => {}
                Err(why) => whole.missing.push(why),
            }
        }
        self.fragments_of(&mut whole, at);
        whole
    }

    /// Where a constant stands: in the same file, or in the only other one that has it.
    fn constant(&self, from: usize, used: &str) -> Result<usize, String> {
        let found = self.constants.get(used).map(Vec::as_slice).unwrap_or_default();
        let here = found.iter().find(|at| self.units[**at].0 == self.units[from].0);
        match (here, found) {
            (Some(at), _) => Ok(*at),
            (None, [only]) => Ok(*only),
            (None, []) => Err(format!("${{{used}}} is no document in the files given; give the file that has it")),
            (None, _) => Err(format!("${{{used}}} stands in several of the files given; give fewer files")),
        }
    }

    /// Adds fragments that are spread and not defined, as code generators do by name.
    fn fragments_of(&self, whole: &mut Whole, at: usize) {
        let (mut defined, mut spread) = names(&whole.text);
        while let Some(name) = spread.pop_first() {
            if !defined.insert(name.clone()) {
                continue;
            }
            let found = self.fragments.get(&name).map(Vec::as_slice).unwrap_or_default();
            let here = found.iter().find(|(unit, _)| self.units[*unit].0 == self.units[at].0);
            let same = found.first().filter(|(_, first)| found.iter().all(|(_, text)| text == first));
            match here.or(same) {
                Some((_, text)) => {
                    whole.text.push_str(&format!("\n{text}"));
                    spread.extend(names(text).1);
                }
                None if found.is_empty() => whole.missing.push(format!("the fragment {name} is in none of the files")),
                None => whole.missing.push(format!("the fragment {name} differs between the files given")),
            }
        }
    }
}

/// The definitions of a text, as far as it parses.
fn definitions(text: &str) -> Vec<Definition> {
    Ast::parse(text, "document.graphql").map(|ast| ast.definitions).unwrap_or_else(|partial| {
        // A text that takes something in may not parse without it.
        partial.partial.definitions
    })
}

/// Names of the fragments that a text defines, and of those that it spreads.
fn names(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut defined, mut spread) = (BTreeSet::new(), BTreeSet::new());
    for definition in definitions(text) {
        let mut open: Vec<Selection> = match &definition {
            Definition::FragmentDefinition(fragment) => {
                defined.insert(fragment.name.to_string());
                fragment.selection_set.clone()
            }
            Definition::OperationDefinition(operation) => operation.selection_set.clone(),
            _ => Vec::new(),
        };
        while let Some(selection) = open.pop() {
            match selection {
                Selection::Field(field) => open.extend(field.selection_set.iter().cloned()),
                Selection::InlineFragment(inline) => open.extend(inline.selection_set.iter().cloned()),
                Selection::FragmentSpread(one) => {
                    spread.insert(one.fragment_name.to_string());
                }
            }
        }
    }
    (defined, spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Vec<Whole> {
        let mut read = Read { units: Vec::new(), constants: HashMap::new(), fragments: BTreeMap::new() };
        files.iter().for_each(|(file, text)| read.add(Path::new(file), (*text).to_owned()));
        read.whole()
    }

    #[test]
    fn constants_are_taken_in_from_the_same_file_and_from_others() {
        let found = read(&[
            ("a.ts", "const A = gql`fragment A on P { id ...B } ${B}`; const Q = gql`{ p { ...A } } ${A}`;"),
            ("b.ts", "export const B = gql`fragment B on P { title }`;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].missing.is_empty(), "{:?}", found[0].missing);
        assert!(found[0].text.contains("fragment A") && found[0].text.contains("fragment B"));
    }

    #[test]
    fn fragments_are_found_by_name_and_what_is_missing_is_said() {
        let found = read(&[("q.graphql", "{ p { ...A ...C } }"), ("f.graphql", "fragment A on P { id }")]);
        assert!(found[0].text.contains("fragment A on P"));
        assert_eq!(found[0].missing, ["the fragment C is in none of the files"]);
        let found = read(&[("a.ts", "gql`{ a } ${make(1)}`")]);
        assert!(found[0].missing[0].contains("${make(1)} is no document"), "{:?}", found[0].missing);
    }

    #[test]
    fn fragments_in_a_ring_end() {
        let found = read(&[(
            "a.ts",
            "const A = gql`fragment A on P { ...B } ${B}`; const B = gql`fragment B on P { ...A } ${A}`; gql`{ p { ...A } } ${A}`",
        )]);
        assert_eq!(found[0].text.matches("fragment A on").count(), 1);
    }
}
