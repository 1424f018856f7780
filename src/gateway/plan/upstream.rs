//! Rendering for the platform: the client's own selections with placeholders where personalized fields stood.

use super::{Planner, Rendered, Variable};
use crate::gateway::compose::Entry;
use apollo_compiler::ast::{Argument, Directive, DirectiveList, Value};
use apollo_compiler::executable::{Field, Selection as Node_};
use apollo_compiler::{ExecutableDocument, Name, Node};
use std::fmt::Write as _;

/// Directives that the gateway takes for itself.
const OWN: [&str; 1] = ["personalized"];

impl Planner<'_> {
    /// The response name under which a field stands in the platform's answer.
    pub(super) fn response_name(&self, parent: &Name, field: &Field) -> String {
        match self.composed.entry(parent, &field.name) {
            Some(Entry::Entity(entity)) if self.per_type => format!("_gw{}_{}", entity.canonical, field.response_key()),
            _ => field.response_key().to_string(),
        }
    }

    /// Whether a root field is answered here: introspection, or an entry of ours. (A root type can also stand deeper,
    /// where a payload has a `query` field.)
    pub(super) fn is_local_root(&self, parent: &Name, field: &Field) -> bool {
        matches!(field.name.as_str(), "__schema" | "__type")
            || matches!(self.composed.entry(parent, &field.name), Some(Entry::Query | Entry::Mutation))
    }

    /// A selection set with its braces. `defer`: whether it is of the operation's own document, where `@defer` may stay
    /// and products are put in order.
    pub(super) fn render_set(&self, selections: &[Node_], parent: &Name, defer: bool, out: &mut Rendered) {
        out.text.push('{');
        for selection in selections {
            match selection {
                Node_::Field(field) => self.render_field(field, parent, defer, out),
                Node_::InlineFragment(inline) => {
                    out.text.push_str("...");
                    if let Some(condition) = &inline.type_condition {
                        push(out, format_args!("on {condition}"));
                    }
                    render_directives(&inline.directives, defer, out);
                    self.render_set(&inline.selection_set.selections, &inline.selection_set.ty, defer, out);
                }
                Node_::FragmentSpread(spread) => {
                    push(out, format_args!("...{}", spread.fragment_name));
                    render_directives(&spread.directives, defer, out);
                    out.text.push(' ');
                    if !out.fragments.contains(&spread.fragment_name) {
                        out.fragments.push(spread.fragment_name.clone());
                    }
                }
            }
        }
        out.text.push_str("} ");
    }

    pub(super) fn render_field(&self, field: &Node<Field>, parent: &Name, defer: bool, out: &mut Rendered) {
        if let Some(Entry::Entity(entity)) = self.composed.entry(parent, &field.name) {
            let name = self.response_name(parent, field);
            self.stands(&name, entity.key, entity.needs);
            push(out, format_args!("{name}:{}", entity.key));
            render_directives(&field.directives, defer, out);
            out.text.push(' ');
            if !entity.needs.is_empty() {
                out.text.push_str("...");
                render_directives(&field.directives, defer, out);
                push(out, format_args!("{{{}}} ", entity.needs));
            }
            return;
        }
        if self.is_local_root(parent, field) {
            self.stands(field.response_key(), "__typename", "");
            push(out, format_args!("{}:__typename", field.response_key()));
            render_directives(&field.directives, defer, out);
            out.text.push(' ');
            return;
        }
        if let Some(rank) = self.rank_of(parent, field).filter(|_| defer) {
            return self.render_rank(rank, field, out);
        }
        if !field.selection_set.selections.is_empty() {
            self.stands(field.response_key(), "{}", "");
        }
        if let Some(alias) = &field.alias {
            push(out, format_args!("{alias}:"));
        }
        push(out, format_args!("{}", field.name));
        render_arguments(&field.arguments, out);
        render_directives(&field.directives, defer, out);
        if field.selection_set.selections.is_empty() {
            out.text.push(' ');
        } else {
            self.render_set(&field.selection_set.selections, &field.selection_set.ty, defer, out);
        }
    }

    /// The named fragments that a part leans on, and those that they lean on.
    pub(super) fn render_fragments(&self, part: &Rendered, defer: bool) -> Vec<(Name, Rendered)> {
        let mut names = part.fragments.clone();
        let mut rendered: Vec<(Name, Rendered)> = Vec::new();
        while let Some(name) = names.get(rendered.len()).cloned() {
            let mut out = Rendered::default();
            if let Some(fragment) = self.document.fragments.get(&name) {
                push(&mut out, format_args!("fragment {name} on {}", fragment.type_condition()));
                render_directives(&fragment.directives, defer, &mut out);
                let set = &fragment.selection_set;
                self.render_set(&set.selections, &set.ty, defer, &mut out);
            }
            names.extend(out.fragments.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
            rendered.push((name, out));
        }
        rendered
    }

    pub(super) fn operation_directives(&self) -> Rendered {
        let mut out = Rendered::default();
        render_directives(&self.operation.directives, true, &mut out);
        out
    }

    /// `query Name($a:A…) @directives` and what follows, with the variables that are used, in the client's order.
    pub(super) fn document(&self, body: &Rendered, fragments: &[(Name, Rendered)]) -> (String, Vec<Name>) {
        let directives = self.operation_directives();
        let parts = [&directives, body].into_iter().chain(fragments.iter().map(|(_, part)| part));
        let used: Vec<&Name> = parts.flat_map(|part| &part.variables).collect();
        let name = self.operation.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let mut text = format!("{}{name}", self.operation.operation_type);
        let ranked = if self.ranks.borrow().is_empty() {
            String::new()
        } else {
            let whole = fragments.iter().fold(body.text.clone(), |whole, (_, fragment)| whole + &fragment.text);
            self.rank_definitions(&whole)
        };
        let variables = define(&self.variables, &used, &ranked, &mut text);
        text.push_str(&directives.text);
        text.push_str(&body.text);
        for (_, fragment) in fragments {
            text.push_str(&fragment.text);
        }
        (text, variables)
    }
}

/// Writes the definitions of the used variables behind `first`; returns them in the client's order.
pub(super) fn define(variables: &[Variable], used: &[&Name], first: &str, text: &mut String) -> Vec<Name> {
    let mut definitions = first.to_owned();
    let mut named = Vec::new();
    for variable in variables.iter().filter(|variable| used.contains(&&variable.name)) {
        definitions.push_str(&variable.definition);
        definitions.push(' ');
        named.push(variable.name.clone());
    }
    if !definitions.is_empty() {
        text.push_str(&format!("({definitions})"));
    }
    named
}

/// Whether any part of a document may be deferred.
pub(super) fn has_defer(document: &ExecutableDocument) -> bool {
    fn any(selections: &[Node_]) -> bool {
        selections.iter().any(|selection| {
            let deferred = selection.directives().has("defer");
            deferred
                || match selection {
                    Node_::Field(field) => any(&field.selection_set.selections),
                    Node_::InlineFragment(inline) => any(&inline.selection_set.selections),
                    Node_::FragmentSpread(_) => false,
                }
        })
    }
    document.operations.iter().any(|operation| any(&operation.selection_set.selections))
        || document.fragments.values().any(|fragment| any(&fragment.selection_set.selections))
}

pub(super) fn render_directives(directives: &DirectiveList, defer: bool, out: &mut Rendered) {
    for directive in directives.iter() {
        if OWN.contains(&directive.name.as_str()) || (directive.name == "defer" && !defer) {
            continue;
        }
        render_directive(directive, out);
    }
}

pub(super) fn render_directive(directive: &Directive, out: &mut Rendered) {
    push(out, format_args!(" @{}", directive.name));
    render_arguments(&directive.arguments, out);
}

pub(super) fn render_arguments(arguments: &[Node<Argument>], out: &mut Rendered) {
    if arguments.is_empty() {
        return;
    }
    out.text.push('(');
    for argument in arguments {
        note_variables(&argument.value, out);
        push(out, format_args!("{}:{} ", argument.name, argument.value.serialize().no_indent()));
    }
    out.text.push(')');
}

fn note_variables(value: &Value, out: &mut Rendered) {
    match value {
        Value::Variable(name) => out.uses_variable(name),
        Value::List(items) => items.iter().for_each(|item| note_variables(item, out)),
        Value::Object(fields) => fields.iter().for_each(|(_, field)| note_variables(field, out)),
        _ => {}
    }
}

pub(super) fn push(out: &mut Rendered, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.text.write_fmt(arguments).ok();
}
