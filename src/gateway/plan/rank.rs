//! Fields whose products are put in order: which they are, and how they are written for the platform.

use super::collect::{Groups, Occurrence};
use super::upstream::{push, render_arguments, render_directives};
use super::{PlanError, Planner, Rank, RankId, RankShape, Rendered, SelectionId, Trie};
use crate::gateway::rerank::rule::{POOL, Rule};
use apollo_compiler::ast::{Argument, Type, Value};
use apollo_compiler::executable::Field;
use apollo_compiler::{Name, Node};
use std::collections::HashMap;

/// Arguments that say which page is meant.
const PAGING: [&str; 4] = ["first", "after", "last", "before"];

/// What a member of a connection is, by its response name.
#[derive(Debug)]
pub enum Member {
    /// The list of edges.
    Edges(HashMap<Box<str>, EdgeMember>),
    /// The list of nodes, as this selection asks for them.
    Nodes(SelectionId),
    /// The page's own information.
    PageInfo(HashMap<Box<str>, PageMember>),
}

/// What a member of an edge is.
#[derive(Debug)]
pub enum EdgeMember {
    /// The cursor.
    Cursor,
    /// The node, as this selection asks for it.
    Node(SelectionId),
}

/// A member of `pageInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageMember {
    /// `hasNextPage`.
    HasNext,
    /// `hasPreviousPage`.
    HasPrevious,
    /// `startCursor`.
    Start,
    /// `endCursor`.
    End,
}

impl<'a> Planner<'a> {
    /// Whether a field's products are put in order, and which of the plan's ranks it is.
    pub(super) fn rank_of(&self, parent: &Name, field: &Node<Field>) -> Option<RankId> {
        if !self.rerank || self.looking_up.get() > 0 {
            return None;
        }
        let shape = self.shape(field)?;
        let directive = field.directives.get("personalized");
        let inside = matches!(shape, RankShape::List) && parent.as_str() == "PredictiveSearchResult";
        let rules = self.rules_for(parent, field);
        if directive.is_none() && rules.is_empty() && !(inside && self.predictive) {
            return None;
        }
        // A fragment spread twice is the same field of the document twice.
        let identity = std::ptr::from_ref::<Field>(field).addr();
        let mut ranks = self.ranks.borrow_mut();
        if let Some(known) = ranks.iter().position(|rank| rank.identity == identity) {
            return Some(known);
        }
        let pool = directive.and_then(|directive| directive.specified_argument_by_name("pool")).cloned();
        ranks.push(Rank {
            identity,
            field: field.name.clone(),
            arguments: field.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
            pool,
            written: directive.is_some() || inside,
            rules,
            shape,
            members: HashMap::new(),
            trie: Trie::default(),
        });
        Some(ranks.len() - 1)
    }

    fn rules_for(&self, parent: &Name, field: &Field) -> Vec<Rule> {
        let root = self.operation.object_type();
        let path = if parent == root {
            field.name.to_string()
        } else {
            let owner = parent.as_str();
            format!("{}{}.{}", owner[..1].to_ascii_lowercase(), &owner[1..], field.name)
        };
        self.rules.iter().filter(|rule| rule.field == path).cloned().collect()
    }

    /// What kind of field holds products: a connection, or a plain list of them.
    fn shape(&self, field: &Field) -> Option<RankShape> {
        let schema = &self.composed.upstream;
        let product = self.composed.product().types.first()?;
        let ty = field.ty();
        if matches!(ty, Type::List(_) | Type::NonNullList(_)) {
            return (ty.inner_named_type() == product).then_some(RankShape::List);
        }
        let of =
            |ty: &Name, name: &str| schema.type_field(ty, name).ok().map(|field| field.ty.inner_named_type().clone());
        let edge = of(ty.inner_named_type(), "edges")?;
        let node = of(&edge, "node")?;
        let pages = PAGING.iter().all(|name| field.definition.arguments.iter().any(|a| a.name == *name));
        let holds = node == *product || schema.is_subtype(&node, product);
        (pages && holds).then_some(RankShape::Connection { node })
    }

    /// Writes a field whose products are put in order, and its window beside it.
    pub(super) fn render_rank(&self, rank: RankId, field: &Node<Field>, out: &mut Rendered) {
        let set = &field.selection_set;
        let shape = self.ranks.borrow().get(rank).map(|rank| rank.shape.clone());
        if let Some(alias) = &field.alias {
            push(out, format_args!("{alias}:"));
        }
        push(out, format_args!("{}", field.name));
        let Some(RankShape::Connection { node }) = shape else {
            render_arguments(&field.arguments, out);
            render_directives(&field.directives, true, out);
            push(out, format_args!("{{_gw_key:{} ...on {}", self.composed.product().key, set.ty));
            self.render_set(&set.selections, &set.ty, true, out);
            out.text.push_str("} ");
            return;
        };
        self.paged(rank, field, ["f", "l"], out);
        self.render_set(&set.selections, &set.ty, true, out);
        push(out, format_args!("_gw_w{rank}:{}", field.name));
        self.paged(rank, field, ["wf", "wl"], out);
        let product = self.composed.product();
        let ty = product.types.first().unwrap_or(&"");
        let key = if node == *ty {
            format!("_gw_key:{}", product.key)
        } else {
            // What is no product keeps its place, and is looked up like one where a page begins inside the window.
            let any =
                if self.composed.upstream.get_interface("Node").is_some() { "...on Node{_gw_any:id}" } else { "" };
            format!("{any}...on {ty}{{_gw_key:{}}}", product.key)
        };
        push(out, format_args!("{{edges{{cursor node{{{key}}}}}pageInfo{{hasNextPage hasPreviousPage}}}} "));
    }

    /// The field's arguments with paging by variables of ours, and its directives.
    fn paged(&self, rank: RankId, field: &Node<Field>, [first, last]: [&str; 2], out: &mut Rendered) {
        let rest: Vec<Node<Argument>> =
            field.arguments.iter().filter(|argument| !PAGING.contains(&argument.name.as_str())).cloned().collect();
        render_arguments(&rest, out);
        if rest.is_empty() {
            out.text.push('(');
        } else {
            out.text.pop();
        }
        push(
            out,
            format_args!("first:$_gw_{first}{rank} last:$_gw_{last}{rank} after:$_gw_a{rank} before:$_gw_b{rank})"),
        );
        render_directives(&field.directives, true, out);
    }

    /// The definitions of the paging variables of the ranks in a document, by their names in it.
    pub(super) fn rank_definitions(&self, body: &str) -> String {
        let ranks = self.ranks.borrow();
        let connections = ranks.iter().enumerate().filter(|(id, rank)| {
            matches!(rank.shape, RankShape::Connection { .. }) && body.contains(&format!("_gw_w{id}:"))
        });
        connections
            .map(|(id, _)| {
                ["f:Int", "l:Int", "wf:Int", "wl:Int", "a:String", "b:String"]
                    .map(|variable| {
                        let (name, ty) = variable.split_once(':').unwrap_or((variable, "Int"));
                        format!("$_gw_{name}{id}:{ty} ")
                    })
                    .concat()
            })
            .collect()
    }

    /// What the members of a connection are, with selections for the products that are looked up.
    pub(super) fn rank_below(&mut self, rank: RankId, below: &Groups<'a>, trie: Trie) -> Result<(), PlanError> {
        let mut members = HashMap::new();
        for (name, occurrences) in below {
            let Some(first) = occurrences.first() else { continue };
            let member = match first.field.name.as_str() {
                "edges" => {
                    let mut edge = HashMap::new();
                    for (name, occurrences) in self.below(occurrences)? {
                        match occurrences.first().map(|first| first.field.name.as_str()) {
                            Some("cursor") => {
                                edge.insert(name.as_str().into(), EdgeMember::Cursor);
                            }
                            Some("node") => {
                                let selection = self.node_selection(&occurrences)?;
                                edge.insert(name.as_str().into(), EdgeMember::Node(selection));
                            }
                            _ => {}
                        }
                    }
                    Member::Edges(edge)
                }
                "nodes" => Member::Nodes(self.node_selection(occurrences)?),
                "pageInfo" => {
                    let mut info = HashMap::new();
                    for (name, occurrences) in self.below(occurrences)? {
                        let member = match occurrences.first().map(|first| first.field.name.as_str()) {
                            Some("hasNextPage") => PageMember::HasNext,
                            Some("hasPreviousPage") => PageMember::HasPrevious,
                            Some("startCursor") => PageMember::Start,
                            Some("endCursor") => PageMember::End,
                            _ => continue,
                        };
                        info.insert(name.as_str().into(), member);
                    }
                    Member::PageInfo(info)
                }
                _ => continue,
            };
            members.insert(name.as_str().into(), member);
        }
        if let Some(rank) = self.ranks.borrow_mut().get_mut(rank) {
            rank.members = members;
            rank.trie = trie;
        }
        Ok(())
    }

    fn node_selection(&mut self, occurrences: &[Occurrence<'a>]) -> Result<SelectionId, PlanError> {
        let below = self.below(occurrences)?;
        self.selection(occurrences, &below, 0, true)
    }
}

/// How many products to order at once: the directive's argument, a rule's, or the default.
pub fn pool(
    written: Option<&Value>,
    rule: Option<&Rule>,
    value: impl Fn(&Value) -> Option<serde_json::Value>,
) -> usize {
    let asked = written.and_then(|ast| value(ast)?.as_u64()).and_then(|pool| usize::try_from(pool).ok());
    asked.or(rule.map(|rule| rule.pool)).unwrap_or(POOL)
}
