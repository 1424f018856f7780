//! How large an operation is once its fragments are expanded, counted without expanding them.
//!
//! Every definition is walked once with a stack of our own; what it spreads is noted with the level it stands at. Then
//! the fragments are added up, each after those it spreads. The work is linear in the document.

use super::limits::{Figures, LimitError, Limits};
use apollo_compiler::ast::{Definition, Document, Selection};
use std::collections::HashMap;

/// Counts the largest operation of the document and holds it to the limits.
///
/// Sets `operations`, `fields`, `root_fields`, `depth` and `duplicates` of [`Figures`]; the rest is [`super::limits::scan`]'s.
pub fn expansion(document: &Document, limits: &Limits) -> Result<Figures, LimitError> {
    let mut names = HashMap::new();
    let mut fragments = Vec::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::FragmentDefinition(fragment) => {
                names.entry(fragment.name.as_str()).or_insert(fragments.len());
                fragments.push(Part::of(&fragment.selection_set));
            }
            Definition::OperationDefinition(operation) => operations.push(Part::of(&operation.selection_set)),
            _ => {}
        }
    }
    // Before anything that is done for each operation.
    let mut largest = Figures { operations: operations.len(), ..Figures::default() };
    limits.check(&largest)?;
    let sums = add_up(&fragments, &names);
    for part in fragments.iter().chain(&operations) {
        largest.duplicates = largest.duplicates.max(part.duplicates);
    }
    for operation in &operations {
        let sum = operation.sum(|name| names.get(name).and_then(|at| sums[*at]));
        largest.fields = largest.fields.max(sum.fields);
        largest.root_fields = largest.root_fields.max(sum.root_fields);
        largest.depth = largest.depth.max(sum.depth);
    }
    limits.check(&largest)?;
    Ok(largest)
}

/// What one definition holds itself.
#[derive(Default)]
struct Part<'a> {
    own: Sum,
    duplicates: usize,
    /// Each spread with the number of levels above it; 0 is the definition's own selection set.
    spreads: Vec<(&'a str, usize)>,
}

/// The counts that add up.
#[derive(Clone, Copy, Default)]
struct Sum {
    fields: usize,
    root_fields: usize,
    depth: usize,
}

impl<'a> Part<'a> {
    /// Walks a selection set with a stack.
    fn of(selections: &'a [Selection]) -> Self {
        let mut part = Self::default();
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut open = vec![(selections, 0_usize)];
        while let Some((selections, level)) = open.pop() {
            names.clear();
            if !selections.is_empty() {
                part.own.depth = part.own.depth.max(level + 1);
            }
            for selection in selections {
                match selection {
                    Selection::Field(field) => {
                        part.own.fields += 1;
                        part.own.root_fields += usize::from(level == 0);
                        let times = names.entry(field.response_name().as_str()).or_default();
                        *times += 1;
                        part.duplicates = part.duplicates.max(*times);
                        open.push((&field.selection_set, level + 1));
                    }
                    Selection::InlineFragment(inline) => open.push((&inline.selection_set, level)),
                    Selection::FragmentSpread(spread) => part.spreads.push((spread.fragment_name.as_str(), level)),
                }
            }
        }
        part
    }

    /// Its own counts and those of what it spreads, as far as `known`.
    fn sum(&self, known: impl Fn(&str) -> Option<Sum>) -> Sum {
        let mut sum = self.own;
        for (name, level) in &self.spreads {
            let Some(spread) = known(name) else { continue };
            sum.fields = sum.fields.saturating_add(spread.fields);
            if *level == 0 {
                sum.root_fields = sum.root_fields.saturating_add(spread.root_fields);
            }
            sum.depth = sum.depth.max(level.saturating_add(spread.depth));
        }
        sum
    }
}

/// The sums of all fragments, each after those it spreads. What closes a cycle counts as empty.
fn add_up(fragments: &[Part<'_>], names: &HashMap<&str, usize>) -> Vec<Option<Sum>> {
    let mut sums: Vec<Option<Sum>> = vec![None; fragments.len()];
    let mut entered = vec![false; fragments.len()];
    for first in 0..fragments.len() {
        // Each entry: a fragment and how many of its spreads have been looked at.
        let mut open = vec![(first, 0)];
        while let Some((at, next)) = open.last_mut() {
            let at = *at;
            entered[at] = true;
            if let Some((name, _)) = fragments[at].spreads.get(*next) {
                *next += 1;
                if let Some(&spread) = names.get(name)
                    && !entered[spread]
                {
                    open.push((spread, 0));
                }
            } else {
                sums[at] = Some(fragments[at].sum(|name| names.get(name).and_then(|at| sums[*at])));
                open.pop();
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> Result<Figures, LimitError> {
        let document = Document::parse(text, "test.graphql").unwrap();
        expansion(&document, &Limits::default())
    }

    #[test]
    fn fragments_are_counted_where_they_are_spread() {
        let found = count("{ a { ...F } ...G b } fragment F on T { x { y } ...G } fragment G on T { g1 g2 }").unwrap();
        assert_eq!(found.fields, 8);
        assert_eq!(found.root_fields, 4);
        assert_eq!(found.depth, 3);
        assert_eq!(found.duplicates, 1);
    }

    #[test]
    fn a_bomb_of_fragments_is_refused_without_being_expanded() {
        let mut text = String::from("{ ...F0 }");
        for level in 0..200 {
            text += &format!("fragment F{level} on T {{ ...F{} ...F{} }}", level + 1, level + 1);
        }
        text += "fragment F200 on T { a }";
        let error = count(&text).unwrap_err();
        assert_eq!(error.setting, "root_fields");
        let nested = text.replace("{ a }", "{ a { b } }").replace("{ ...F0 }", "{ q { ...F0 } }");
        assert_eq!(count(&nested).unwrap_err().setting, "fields");
    }

    #[test]
    fn operations_are_counted_since_each_walks_every_fragment() {
        let text = |operations: usize| (0..operations).map(|n| format!("query A{n} {{ a }} ")).collect::<String>();
        assert_eq!(count(&text(100)).unwrap().operations, 100);
        assert_eq!(count(&text(101)).unwrap_err().setting, "operations");
    }

    #[test]
    fn cycles_end() {
        let found = count("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A ...B ...Missing }").unwrap();
        assert_eq!(found.root_fields, 2);
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        let mut text = String::from("{ ...F0 }");
        for level in 0..40 {
            text += &format!("fragment F{level} on T {{ a {{ ...F{} }} }}", level + 1);
        }
        text += "fragment F40 on T { a }";
        assert_eq!(count(&text).unwrap_err().setting, "depth");
    }

    #[test]
    fn one_field_cannot_be_repeated_without_end() {
        let text = format!("{{ {} }}", "a ".repeat(21));
        assert_eq!(count(&text).unwrap_err().setting, "duplicates");
        assert!(count("{ a a: a ... on T { a } }").is_ok());
    }
}
