//! Whether what was written for the platform is valid there, and when that has to be looked at.

use super::{Plan, PlanError, Planner, SelectionId, Step};
use crate::gateway::compose::Composed;
use apollo_compiler::ExecutableDocument;

impl Planner<'_> {
    /// Whether the platform may find something wrong in what we made of a valid operation.
    ///
    /// Left to itself the rewriting keeps validity: the client's own fields stay as they were validated, and each
    /// placeholder is one field that its type has. What can go wrong is checked: one response name for two key fields of
    /// different shape, or for a key field and a field with a selection (two of those may stand beside each other on two
    /// types, but not once ours is a key); the hidden members of two entities; lists that are put in order, which are
    /// written anew; look-ups through abstract types; what a platform may not have declared for queries (a mutation's
    /// directives, `@defer`).
    /// Debug builds check every plan, so that each test of planning is one of this argument, too.
    pub(super) fn doubt(&self, deferred: bool) -> bool {
        self.doubtful.get() || deferred || !self.operation.is_query() || !self.ranks.borrow().is_empty()
    }

    /// Notes what stands under a response name: the key field of a placeholder, with or without hidden members beside it,
    /// or `{}` for a field of the client's that has a selection. Two different ones of one name are a doubt.
    pub(super) fn stands(&self, name: &str, key: &'static str, needs: &'static str) {
        let mut placeholders = self.placeholders.borrow_mut();
        for (name, key) in [(name, key), ("", needs)].into_iter().filter(|(_, key)| !key.is_empty()) {
            match placeholders.get(name) {
                Some(other) if *other == key => {}
                Some(_) => self.doubtful.set(true),
                None => drop(placeholders.insert(name.to_owned(), key)),
            }
        }
    }
}

impl Plan {
    /// Whether every document that we may send is valid for the platform: a plan that is not is never used.
    pub(super) fn check(&self, composed: &Composed) -> Result<(), PlanError> {
        let fetches = self.steps.iter().filter_map(|step| match step {
            Step::Upstream(fetch) => Some(fetch.document.clone()),
            Step::Local(_) => None,
        });
        let all: Vec<SelectionId> = (0..self.selections.len()).collect();
        let look_up = (!all.is_empty()).then(|| self.look_up(&all).0);
        for document in fetches.chain(look_up) {
            if let Err(invalid) = ExecutableDocument::parse_and_validate(&composed.upstream, &document, "plan.graphql")
            {
                return Err(PlanError::Unplannable(format!("{}\n{document}", invalid.errors)));
            }
        }
        Ok(())
    }
}
