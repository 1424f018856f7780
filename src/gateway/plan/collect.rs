//! Collect: the fields of a selection set grouped by response name, fragments flattened, as the executor's CollectFields
//! does (GraphQL specification, section 6.3.2), but with conditions kept instead of evaluated.

use super::{HIDDEN, PlanError, Planner};
use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{Field, Selection as Node_};
use apollo_compiler::{Name, Node};
use std::collections::HashSet;

/// A condition of `@skip` or `@include`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    /// The value that lets the field through: true for `@include`, false for `@skip`.
    pub wanted: bool,
    /// A variable, or the literal.
    pub on: Result<Name, bool>,
}

impl Guard {
    /// The directive, as GraphQL.
    pub fn text(&self) -> String {
        let name = if self.wanted { "include" } else { "skip" };
        match &self.on {
            Ok(variable) => format!("@{name}(if: ${variable})"),
            Err(literal) => format!("@{name}(if: {literal})"),
        }
    }
}

/// Conditions that must all hold.
pub type Guards = Vec<Guard>;

/// The guards among a field's or fragment's directives.
pub(super) fn guards(directives: &DirectiveList) -> impl Iterator<Item = Guard> {
    directives.iter().filter_map(|directive| {
        let wanted = match directive.name.as_str() {
            "include" => true,
            "skip" => false,
            _ => return None,
        };
        let on = match &**directive.specified_argument_by_name("if")? {
            Value::Variable(name) => Ok(name.clone()),
            Value::Boolean(literal) => Err(*literal),
            _ => return None,
        };
        Some(Guard { wanted, on })
    })
}

/// One field as written, with the conditions of everything around it.
#[derive(Clone)]
pub(super) struct Occurrence<'a> {
    pub field: &'a Node<Field>,
    /// The type in whose selection set it stands.
    pub parent: &'a Name,
    /// Conditions around the field, its own not included.
    pub around: Guards,
    /// Grows along the document.
    pub order: usize,
}

impl Occurrence<'_> {
    /// Conditions around the field and its own.
    pub(super) fn guards(&self) -> Guards {
        let mut all = self.around.clone();
        for guard in guards(&self.field.directives) {
            if guard.on.is_ok() && !all.contains(&guard) {
                all.push(guard);
            }
        }
        all
    }
}

/// Fields by response name, in the order of first appearance.
pub(super) type Groups<'a> = IndexMap<String, Vec<Occurrence<'a>>>;

impl<'a> Planner<'a> {
    /// The fields below all occurrences of one field.
    pub(super) fn below(&self, occurrences: &[Occurrence<'a>]) -> Result<Groups<'a>, PlanError> {
        let mut groups = Groups::default();
        for occurrence in occurrences {
            let set = &occurrence.field.selection_set;
            self.collect(&set.selections, &set.ty, occurrence.guards(), &mut groups)?;
        }
        Ok(groups)
    }

    /// The fields of a selection set.
    pub(super) fn collect(
        &self,
        selections: &'a [Node_],
        parent: &'a Name,
        around: Guards,
        groups: &mut Groups<'a>,
    ) -> Result<(), PlanError> {
        self.collect_into(selections, parent, around, &mut HashSet::new(), groups)
    }

    fn collect_into(
        &self,
        selections: &'a [Node_],
        parent: &'a Name,
        around: Guards,
        // A fragment spread again under the same conditions adds nothing.
        spread: &mut HashSet<(Name, Guards)>,
        groups: &mut Groups<'a>,
    ) -> Result<(), PlanError> {
        // What a literal rules out is not there at all; what it lets through needs no condition.
        let within = |directives: &DirectiveList| {
            let mut all = around.clone();
            for guard in guards(directives) {
                match guard.on {
                    Err(literal) if literal != guard.wanted => return None,
                    Err(_) => {}
                    Ok(_) => all.push(guard),
                }
            }
            Some(all)
        };
        for selection in selections {
            match selection {
                Node_::Field(field) => {
                    let key = field.response_key();
                    if key.starts_with(HIDDEN) {
                        return Err(PlanError::Reserved(key.to_string()));
                    }
                    if within(&field.directives).is_none() {
                        continue;
                    }
                    let order = self.placed.replace(self.placed.get() + 1);
                    let occurrence = Occurrence { field, parent, around: around.clone(), order };
                    groups.entry(self.response_name(parent, field)).or_default().push(occurrence);
                }
                Node_::InlineFragment(inline) => {
                    let set = &inline.selection_set;
                    if let Some(guards) = within(&inline.directives) {
                        self.collect_into(&set.selections, &set.ty, guards, spread, groups)?;
                    }
                }
                Node_::FragmentSpread(named) => {
                    let Some(guards) = within(&named.directives) else { continue };
                    if let Some(fragment) = named.fragment_def(self.document)
                        && spread.insert((named.fragment_name.clone(), guards.clone()))
                    {
                        let set = &fragment.selection_set;
                        self.collect_into(&set.selections, &set.ty, guards, spread, groups)?;
                    }
                }
            }
        }
        Ok(())
    }
}
