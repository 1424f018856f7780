//! Sites: the personalized fields of one response name, the document that answers them, the slates that it asks for,
//! and what the client asked of the products in them.

use super::collect::{Groups, Occurrence};
use super::upstream::{define, push, render_arguments};
use super::{
    Ask, Branch, Guards, PersonalDocument, Plain, PlanError, Planner, Rendered, Selection, SelectionId, Site, SiteId,
    SiteKind, Trie,
};
use crate::gateway::compose::Entry;
use crate::gateway::personalize::ParsedDocument;
use apollo_compiler::Name;
use apollo_compiler::executable::{Field, Selection as Node_};
use std::sync::OnceLock;

/// Variables that bring the representations of entities.
const REPRESENTATIONS: &str = "$_gw_r:[_Any!]! ";

impl<'a> Planner<'a> {
    /// Where sites stand among fields of the platform, with every site below.
    /// `level`: how many sites are around; at the root 0.
    pub(super) fn trie(&mut self, groups: &Groups<'a>, level: usize) -> Result<Trie, PlanError> {
        let mut trie = Trie::default();
        for (name, occurrences) in groups {
            let Some(first) = occurrences.first() else { continue };
            let entry = self.composed.entry(first.parent, &first.field.name);
            if let Some(entry) = entry {
                if occurrences.iter().any(|other| self.composed.entry(other.parent, &other.field.name) != Some(entry)) {
                    return Err(PlanError::Unplannable(format!("`{name}` stands for two kinds of personalized field")));
                }
                let site = self.site(entry, occurrences, level)?;
                trie.insert(name.as_str(), Branch::Site(site));
                continue;
            }
            if self.is_local_root(first.parent, first.field) {
                let site = self.introspection(occurrences)?;
                trie.insert(name.as_str(), Branch::Site(site));
                continue;
            }
            let below = self.below(occurrences)?;
            let inner = self.trie(&below, level)?;
            if let Some(rank) = self.rank_of(first.parent, first.field) {
                self.rank_below(rank, &below, inner)?;
                trie.insert(name.as_str(), Branch::Rank(rank));
            } else if !inner.is_empty() {
                trie.insert(name.as_str(), Branch::Descend(inner));
            }
        }
        Ok(trie)
    }

    pub(super) fn site(
        &mut self,
        entry: Entry,
        occurrences: &[Occurrence<'a>],
        level: usize,
    ) -> Result<SiteId, PlanError> {
        if level >= self.max_nesting {
            return Err(PlanError::TooNested(level + 1, self.max_nesting));
        }
        let Some(first) = occurrences.first() else {
            return Err(PlanError::Unplannable("a site without a field".to_owned()));
        };
        let document = self.personal_document(entry, occurrences)?;
        let below = self.below(occurrences)?;
        // The document is in place before what is below it takes its numbers: outer sites come first.
        let site = self.sites.len();
        self.sites.push(Site {
            key: first.field.response_key().as_str().into(),
            kind: match entry {
                Entry::Query => SiteKind::Query(document),
                Entry::Mutation => SiteKind::Mutation(document),
                Entry::Entity(entity) => SiteKind::Entity(entity, document),
            },
            guards: occurrences.iter().map(Occurrence::guards).collect(),
            asks: Vec::new(),
            trie: Trie::default(),
            plain: plain(entry, &below),
        });
        let trie = self.own_trie(&below, level)?;
        let asks = asks(&below, &trie);
        if let Some(placed) = self.sites.get_mut(site) {
            placed.trie = trie;
            placed.asks = asks;
        }
        Ok(site)
    }

    /// Where products stand among fields of the personalization schema.
    fn own_trie(&mut self, groups: &Groups<'a>, level: usize) -> Result<Trie, PlanError> {
        let mut trie = Trie::default();
        for (name, occurrences) in groups {
            let Some(first) = occurrences.first() else { continue };
            if first.field.selection_set.selections.is_empty() {
                continue;
            }
            let below = self.below(occurrences)?;
            if self.composed.is_own(first.field.selection_set.ty.as_str()) {
                let below = self.own_trie(&below, level)?;
                if !below.is_empty() {
                    trie.insert(name.as_str(), Branch::Descend(below));
                }
                continue;
            }
            let selection = self.selection(occurrences, &below, level + 1, false)?;
            let explains = first.field.name == "because";
            trie.insert(name.as_str(), if explains { Branch::Because(selection) } else { Branch::Product(selection) });
        }
        Ok(trie)
    }

    /// What the client asked of a product, as the inside of a look-up. `level`: how many sites are around it.
    /// `ranked`: it stands in a list of the platform's, so it stays even where it is sold out.
    pub(super) fn selection(
        &mut self,
        occurrences: &[Occurrence<'a>],
        below: &Groups<'a>,
        level: usize,
        ranked: bool,
    ) -> Result<SelectionId, PlanError> {
        let mut inside = Rendered::default();
        for occurrence in occurrences {
            let set = &occurrence.field.selection_set;
            // A look-up answers with any node; more than one guard takes more than one fragment around.
            let guards = occurrence.guards();
            for guard in &guards {
                push(&mut inside, format_args!("...{}{{", guard.text()));
                guard.on.iter().for_each(|name| inside.uses_variable(name));
            }
            // A union is no node, but what may be one of it is: its fragments stand in the look-up as they are.
            let abstract_type = self.composed.upstream.get_object(&set.ty).is_none();
            if abstract_type {
                self.doubtful.set(true);
            }
            push(
                &mut inside,
                format_args!("...{}", if abstract_type { String::new() } else { format!("on {}", set.ty) }),
            );
            self.render_set(&set.selections, &set.ty, false, &mut inside);
            guards.iter().for_each(|_| inside.text.push('}'));
        }
        let product = self.composed.product();
        for ty in product.types {
            let live = if ranked { "" } else { product.live };
            push(&mut inside, format_args!("...on {ty}{{_gw_key:{} {live}}}", product.key));
        }
        if ranked && self.composed.upstream.get_interface("Node").is_some() {
            inside.text.push_str("...on Node{_gw_any:id}");
        }
        let fragments = self.render_fragments(&inside, false);
        let selection = self.selections.len();
        self.selections.push(Selection { inside, fragments, trie: Trie::default(), alone: OnceLock::new() });
        self.looking_up.set(self.looking_up.get() + 1);
        let trie = self.trie(below, level);
        self.looking_up.set(self.looking_up.get() - 1);
        let trie = trie?;
        if let Some(placed) = self.selections.get_mut(selection) {
            placed.trie = trie;
        }
        Ok(selection)
    }

    fn personal_document(&self, entry: Entry, occurrences: &[Occurrence<'a>]) -> Result<PersonalDocument, PlanError> {
        let (kind, first, open, close) = match entry {
            Entry::Query => ("query", "", "{".to_owned(), "}"),
            Entry::Mutation => ("mutation", "", "{".to_owned(), "}"),
            Entry::Entity(entity) => {
                let open = format!("{{_entities(representations:$_gw_r){{...on {}{{", entity.canonical);
                ("query", REPRESENTATIONS, open, "}}}")
            }
        };
        let mut body = Rendered::default();
        body.text.push_str(&open);
        for occurrence in occurrences {
            for guard in &occurrence.around {
                push(&mut body, format_args!("...{}{{", guard.text()));
                guard.on.iter().for_each(|name| body.uses_variable(name));
            }
            self.own_field(occurrence.field, &mut body);
            occurrence.around.iter().for_each(|_| body.text.push('}'));
        }
        body.text.push_str(close);
        let mut tail = String::new();
        let mut names = body.fragments.clone();
        let mut at = 0;
        while let Some(name) = names.get(at).cloned() {
            at += 1;
            let Some(fragment) = self.document.fragments.get(&name) else { continue };
            let mut out = Rendered::default();
            push(&mut out, format_args!("fragment {name} on {}", fragment.type_condition()));
            self.own_set(&fragment.selection_set.selections, &mut out);
            names.extend(out.fragments.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
            out.variables.iter().for_each(|variable| body.uses_variable(variable));
            tail.push_str(&out.text);
        }
        let used: Vec<&Name> = body.variables.iter().collect();
        let mut text = kind.to_owned();
        let variables = define(&self.variables, &used, first, &mut text);
        text.push_str(&body.text);
        text.push_str(&tail);
        let parsed =
            ParsedDocument::parse(&text).map_err(|error| PlanError::Unplannable(format!("{error}: {text}")))?;
        Ok(PersonalDocument { text, parsed, variables })
    }

    fn own_field(&self, field: &Field, out: &mut Rendered) {
        if let Some(alias) = &field.alias {
            push(out, format_args!("{alias}:"));
        }
        push(out, format_args!("{}", field.name));
        render_arguments(&field.arguments, out);
        own_directives(&field.directives, out);
        if field.selection_set.selections.is_empty() {
            out.text.push(' ');
        } else if self.composed.is_own(field.selection_set.ty.as_str()) {
            self.own_set(&field.selection_set.selections, out);
        } else {
            out.text.push_str("{key} ");
        }
    }

    fn own_set(&self, selections: &[Node_], out: &mut Rendered) {
        // async-graphql 7.2 answers null for an object all of whose selections are skipped: one never is.
        out.text.push_str("{_gw_t:__typename ");
        for selection in selections {
            match selection {
                Node_::Field(field) => self.own_field(field, out),
                Node_::InlineFragment(inline) => {
                    out.text.push_str("...");
                    if let Some(condition) = &inline.type_condition {
                        push(out, format_args!("on {condition}"));
                    }
                    own_directives(&inline.directives, out);
                    self.own_set(&inline.selection_set.selections, out);
                }
                Node_::FragmentSpread(spread) => {
                    push(out, format_args!("...{}", spread.fragment_name));
                    own_directives(&spread.directives, out);
                    out.text.push(' ');
                    if !out.fragments.contains(&spread.fragment_name) {
                        out.fragments.push(spread.fragment_name.clone());
                    }
                }
            }
        }
        out.text.push_str("} ");
    }
}

/// Only `@skip` and `@include` mean anything to the personalization schema.
fn own_directives(directives: &apollo_compiler::ast::DirectiveList, out: &mut Rendered) {
    for directive in directives.iter().filter(|d| matches!(d.name.as_str(), "skip" | "include")) {
        super::upstream::render_directive(directive, out);
    }
}

/// The fields of a product's entry, where each is one value and none depends on a condition.
fn plain(entry: Entry, below: &Groups<'_>) -> Option<Vec<(Box<str>, Plain)>> {
    if !matches!(entry, Entry::Entity(entity) if entity.canonical == "Product") {
        return None;
    }
    let field = |(name, occurrences): (&String, &Vec<Occurrence<'_>>)| {
        let value = match occurrences.first()?.field.name.as_str() {
            "__typename" => Plain::Typename,
            "id" => Plain::Id,
            "affinity" => Plain::Affinity,
            _ => return None,
        };
        let always = occurrences.iter().all(|occurrence| occurrence.guards().is_empty());
        always.then(|| (name.as_str().into(), value))
    };
    below.iter().map(field).collect()
}

/// The fields that ask for products, with what is asked of those.
fn asks(below: &Groups<'_>, trie: &Trie) -> Vec<Ask> {
    let asks = below.iter().filter_map(|(name, occurrences)| {
        let first = occurrences.first().filter(|o| matches!(o.field.name.as_str(), "recommendations" | "decision"))?;
        let mut ask = Ask {
            field: first.field.name.clone(),
            arguments: first.field.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
            guards: occurrences.iter().map(Occurrence::guards).collect::<Vec<Guards>>(),
            products: Vec::new(),
            because: Vec::new(),
        };
        if let Some(branch) = trie.get(name) {
            products(branch, &mut ask);
        }
        Some(ask)
    });
    asks.collect()
}

fn products(branch: &Branch, ask: &mut Ask) {
    match branch {
        Branch::Product(selection) => ask.products.push(*selection),
        Branch::Because(selection) => ask.because.push(*selection),
        Branch::Descend(trie) => trie.branches().for_each(|branch| products(branch, ask)),
        Branch::Site(_) | Branch::Rank(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::classify::classify;
    use crate::gateway::compose::Composed;
    use crate::gateway::documents::Documents;
    use crate::gateway::limits::Limits;
    use crate::gateway::personalize;
    use crate::platform::Platform;
    use crate::platform::shopify::Shopify;
    use std::sync::Arc;

    #[test]
    fn a_site_is_written_without_execution_only_where_each_of_its_fields_is_one_value_on_no_condition() {
        let sdl = include_str!("../../../schema/shopify.graphql");
        let entities = Shopify::open(&Default::default()).unwrap().entities();
        let composed = Arc::new(Composed::new(sdl, &personalize::sdl(), entities).unwrap());
        let documents = Documents::new(Arc::clone(&composed), Limits::default(), Vec::new());
        let plain = |inside: &str| {
            let text = format!("query ($a: Boolean!) {{ product(id: \"1\") {{ title @skip(if: $a) {inside} }} }}");
            let document = classify(text.into(), &composed.entry_fields(), &[], &Limits::default()).unwrap();
            let plan = documents.plan(&document, None, false).unwrap();
            plan.sites[0].plain.clone()
        };
        let fields = plain("p: personalized { fit: affinity ... { id } } p: personalized { __typename id }").unwrap();
        let expected = [("fit", Plain::Affinity), ("id", Plain::Id), ("__typename", Plain::Typename)];
        assert_eq!(fields, expected.map(|(name, field)| (Box::from(name), field)));
        assert_eq!(plain("personalized @skip(if: false) { affinity }").map(|fields| fields.len()), Some(1));
        for executed in [
            "personalized { affinity @include(if: $a) }",
            "personalized @include(if: $a) { affinity }",
            "personalized { affinity ... @skip(if: $a) { id } }",
            "personalized { affinity recommendations { decision { id } } }",
        ] {
            assert_eq!(plain(executed), None, "{executed}");
        }
    }
}
