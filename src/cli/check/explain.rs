//! A plan in words: what is sent to the platform, where personalized fields stand, what is looked up, what is put in
//! order. Plans are the gateway's own; nothing is decided here.

use crate::gateway::plan::{Branch, Plan, Rank, RankShape, Site, SiteKind, Step, Trie};
use apollo_compiler::ast::{Document, OperationType};
use std::fmt::Write;

/// A plan, in lines.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for (at, step) in plan.steps.iter().enumerate() {
        match step {
            Step::Upstream(fetch) => {
                line(&mut text, 0, &format!("step {}: ask the platform", at + 1));
                document(&mut text, &fetch.document);
                places(&mut text, plan, &fetch.trie, "");
            }
            Step::Local(fields) => {
                let names: Vec<_> = fields.iter().map(|field| &*field.key).collect();
                line(&mut text, 0, &format!("step {}: answer {} here", at + 1, names.join(", ")));
                fields
                    .iter()
                    .filter_map(|field| plan.sites.get(field.site?))
                    .for_each(|found| site(&mut text, found, ""));
            }
        }
    }
    let at_root = |kind: &SiteKind| matches!(kind, SiteKind::Query(_));
    if plan.operation == OperationType::Query && plan.sites.iter().any(|site| at_root(&site.kind)) {
        line(&mut text, 0, "meanwhile: what needs no answer of the platform");
        plan.sites.iter().filter(|site| at_root(&site.kind)).for_each(|found| site(&mut text, found, ""));
    }
    if !plan.selections.is_empty() {
        line(&mut text, 0, "then: look the products of the slates up, all of a wave in one request");
        let all: Vec<_> = (0..plan.selections.len()).collect();
        document(&mut text, &plan.look_up(&all).0);
        for (at, selection) in plan.selections.iter().enumerate() {
            places(&mut text, plan, &selection.trie, &format!("_gw_s{at}"));
        }
    }
    plan.ranks.iter().for_each(|found| rank(&mut text, found));
    if plan.deferred {
        line(&mut text, 0, "the platform may answer in parts (@defer); each is passed on as it comes");
    }
    text
}

fn line(text: &mut String, depth: usize, content: &str) {
    writeln!(text, "{}{content}", "  ".repeat(depth)).ok();
}

/// A document, spread over lines as people write it.
fn document(text: &mut String, document: &str) {
    let pretty = Document::parse(document, "plan.graphql").map_or_else(|_| document.to_owned(), |ast| ast.to_string());
    pretty.trim_end().lines().for_each(|written| line(text, 2, written));
}

/// Sites and ordered fields of an answer, by the response names that lead to them.
fn places(text: &mut String, plan: &Plan, trie: &Trie, above: &str) {
    let mut open = vec![(above.to_owned(), trie)];
    let mut found = Vec::new();
    while let Some((above, trie)) = open.pop() {
        for (name, branch) in trie.named() {
            let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
            match branch {
                Branch::Descend(below) => open.push((path, below)),
                Branch::Site(id) => found.push((path, plan.sites.get(*id), None)),
                Branch::Rank(id) => {
                    let ranked = plan.ranks.get(*id);
                    open.extend(ranked.map(|ranked| (path.clone(), &ranked.trie)));
                    found.push((path, None, ranked));
                }
                Branch::Product(_) | Branch::Because(_) => {}
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    for (path, of_site, ranked) in found {
        if let Some(found) = of_site {
            site(text, found, &path);
        }
        if ranked.is_some() {
            line(text, 1, &format!("{path}: put in order for the shopper, see below"));
        }
    }
}

fn site(text: &mut String, site: &Site, path: &str) {
    let path = if path.is_empty() { &*site.key } else { path };
    let (what, asked) = match &site.kind {
        SiteKind::Query(document) => ("once a request".to_owned(), Some(document)),
        SiteKind::Mutation(document) => ("a mutation of ours".to_owned(), Some(document)),
        SiteKind::Entity(entity, document) => {
            (format!("each {}, known by its {}", entity.types.join(" or "), entity.key), Some(document))
        }
        SiteKind::Introspection(_) => ("the composed schema".to_owned(), None),
    };
    let slates: Vec<_> = site.asks.iter().map(|ask| ask.field.as_str()).collect();
    let slates = if slates.is_empty() { String::new() } else { format!("; slates: {}", slates.join(", ")) };
    line(text, 1, &format!("{path}: {what}{slates}"));
    if let Some(asked) = asked {
        document(text, &asked.text);
    }
}

fn rank(text: &mut String, rank: &Rank) {
    let why = if rank.written { "@personalized is written".to_owned() } else { "by a rule of [[rerank]]".to_owned() };
    let rules = rank.rules.iter().map(|rule| {
        let sort = rule.sort.as_deref().map(|sort| format!(" sorted by {sort}")).unwrap_or_default();
        let always = if rule.always { "always" } else { "where Outfitter-Session is sent" };
        format!("{}{sort}, {} at once, {always}", rule.field, rule.pool)
    });
    let shape = match &rank.shape {
        RankShape::List => "the whole list".to_owned(),
        RankShape::Connection { node } => format!("a connection of {node}, window by window"),
    };
    line(text, 0, &format!("may put {} in order: {shape}; {why}", rank.field));
    rules.for_each(|rule| line(text, 1, &format!("rule: {rule}")));
}
