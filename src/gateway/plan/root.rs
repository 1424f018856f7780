//! The root: which steps answer an operation. A query takes one document for the platform, or none where every root
//! field is answered here; a mutation is cut around our own mutations, so that serial order holds.

use super::collect::{Groups, Occurrence};
use super::upstream::push;
use super::{Branch, Fetch, Guards, LocalField, PlanError, Planner, Rendered, Site, SiteId, SiteKind, Step, Trie};
use apollo_compiler::ExecutableDocument;
use std::sync::Arc;

impl<'a> Planner<'a> {
    pub(super) fn steps(&mut self) -> Result<Vec<Step>, PlanError> {
        let operation = self.operation;
        let mut groups = Groups::default();
        let set = &operation.selection_set;
        self.collect(&set.selections, &set.ty, Guards::new(), &mut groups)?;
        let local = |occurrences: &Vec<Occurrence<'a>>| {
            occurrences
                .first()
                .is_some_and(|first| first.field.name == "__typename" || self.is_local_root(first.parent, first.field))
        };
        let cut = operation.is_mutation() && groups.values().any(local);
        if !cut && !groups.values().all(local) {
            let trie = self.trie(&groups, 0)?;
            let mut body = Rendered::default();
            self.render_set(&set.selections, &set.ty, true, &mut body);
            return Ok(vec![Step::Upstream(self.fetch(&body, trie))]);
        }
        let mut runs: Vec<(bool, Groups<'a>)> = Vec::new();
        for (name, occurrences) in groups {
            let is_local = local(&occurrences);
            match runs.last_mut() {
                Some((kind, run)) if *kind == is_local => drop(run.insert(name, occurrences)),
                _ => runs.push((is_local, Groups::from_iter([(name, occurrences)]))),
            }
        }
        runs.into_iter().map(|(is_local, run)| if is_local { self.local(&run) } else { self.segment(&run) }).collect()
    }

    fn local(&mut self, run: &Groups<'a>) -> Result<Step, PlanError> {
        let trie = self.trie(run, 0)?;
        let fields = run.iter().map(|(name, occurrences)| LocalField {
            key: name.as_str().into(),
            site: match trie.get(name) {
                Some(Branch::Site(site)) => Some(*site),
                _ => None,
            },
            occurrences: occurrences.iter().map(|occurrence| (occurrence.order, occurrence.guards())).collect(),
        });
        Ok(Step::Local(fields.collect()))
    }

    /// Some root fields of a mutation, flattened, as a document of their own.
    fn segment(&mut self, run: &Groups<'a>) -> Result<Step, PlanError> {
        let trie = self.trie(run, 0)?;
        let mut body = Rendered::default();
        body.text.push('{');
        for occurrence in run.values().flatten() {
            for guard in &occurrence.around {
                push(&mut body, format_args!("...{}{{", guard.text()));
                guard.on.iter().for_each(|name| body.uses_variable(name));
            }
            self.render_field(occurrence.field, occurrence.parent, true, &mut body);
            occurrence.around.iter().for_each(|_| body.text.push('}'));
        }
        body.text.push('}');
        Ok(Step::Upstream(self.fetch(&body, trie)))
    }

    fn fetch(&self, body: &Rendered, trie: Trie) -> Fetch {
        let fragments = self.render_fragments(body, true);
        let (document, variables) = self.document(body, &fragments);
        let mut head = format!("{{\"query\":{}", serde_json::Value::from(document.as_str()));
        if let Some(name) = &self.operation.name {
            head.push_str(&format!(",\"operationName\":\"{name}\""));
        }
        Fetch { document, head, variables, trie }
    }

    /// `__schema` or `__type` as a document of its own.
    pub(super) fn introspection(&mut self, occurrences: &[Occurrence<'a>]) -> Result<SiteId, PlanError> {
        let Some(first) = occurrences.first() else {
            return Err(PlanError::Unplannable("an introspection field without a field".to_owned()));
        };
        let mut body = Rendered::default();
        body.text.push('{');
        for occurrence in occurrences {
            for guard in &occurrence.around {
                push(&mut body, format_args!("...{}{{", guard.text()));
                guard.on.iter().for_each(|name| body.uses_variable(name));
            }
            self.introspection_field(occurrence, &mut body);
            occurrence.around.iter().for_each(|_| body.text.push('}'));
        }
        body.text.push('}');
        let fragments = self.render_fragments(&body, false);
        let parts = std::iter::once(&body).chain(fragments.iter().map(|(_, part)| part));
        let used: Vec<_> = parts.flat_map(|part| &part.variables).collect();
        let mut text = String::from("query");
        super::upstream::define(&self.variables, &used, "", &mut text);
        text.push_str(&body.text);
        fragments.iter().for_each(|(_, fragment)| text.push_str(&fragment.text));
        let document = ExecutableDocument::parse_and_validate(&self.composed.schema, &text, "introspection.graphql")
            .map_err(|invalid| PlanError::Unplannable(format!("{}\n{text}", invalid.errors)))?;
        self.sites.push(Site {
            key: first.field.response_key().as_str().into(),
            kind: SiteKind::Introspection(Arc::new(document)),
            guards: occurrences.iter().map(Occurrence::guards).collect(),
            asks: Vec::new(),
            trie: Trie::default(),
            plain: None,
        });
        Ok(self.sites.len() - 1)
    }

    fn introspection_field(&self, occurrence: &Occurrence<'a>, out: &mut Rendered) {
        let field = occurrence.field;
        if let Some(alias) = &field.alias {
            push(out, format_args!("{alias}:"));
        }
        push(out, format_args!("{}", field.name));
        super::upstream::render_arguments(&field.arguments, out);
        super::upstream::render_directives(&field.directives, false, out);
        self.render_set(&field.selection_set.selections, &field.selection_set.ty, false, out);
    }
}
