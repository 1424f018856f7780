//! The data loader: products of a whole wave, those that were looked up a moment ago from where they are kept, the others
//! in as few requests as the platform's batches allow. Each product is asked for once an operation and selection, always in
//! the operation's own context.

use super::Run;
use super::batch::{self, Batch, batches};
use super::keeping::{Keeping, Wanted};
use crate::domain::ids::ProductKey;
use crate::gateway::debug::Stage;
use crate::gateway::plan::SelectionId;
use crate::gateway::splice;
use crate::platform::Lookup;
use crate::platform::answer::Answer;
use crate::platform::upstream::{Repeat, UpstreamError};
use crate::telemetry::spans;
use futures::future::join_all;
use indexmap::IndexSet;
use serde_json::Value;
use std::ops::Range;
use std::time::Instant;

/// Why a look-up failed. Inside only: the slates that wanted it fall back.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookUpError {
    /// No answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Not a GraphQL answer.
    #[error(transparent)]
    Malformed(#[from] splice::Malformed),
    /// An answer without the products.
    #[error("the shop answered the look-up of products with status {0} and without them")]
    Refused(u16),
}

impl Run {
    /// Whether a product is known under a selection: `Some(false)` where the platform does not have it.
    pub(super) fn known(&self, selection: SelectionId, key: &ProductKey) -> Option<bool> {
        self.loaded.get(selection, key.as_str()).map(|found| found.is_some())
    }

    /// Asks for what is not known yet.
    /// Errors: where any batch failed; what other batches brought stays.
    pub(super) async fn look_up(&mut self, wanted: &IndexSet<(SelectionId, ProductKey)>) -> Result<(), LookUpError> {
        let unknown = wanted.iter().filter(|(selection, key)| self.known(*selection, key).is_none());
        let mut missing: Wanted = unknown.cloned().collect();
        let keeping = self.keeping(&missing);
        if let Some(keeping) = &keeping {
            missing = self.take_kept(keeping, missing);
        }
        if missing.is_empty() {
            return Ok(());
        }
        let Lookup::Nodes { max } = self.means.platform.lookup();
        let products = missing.len();
        let batches = batches(missing, max);
        self.requests += batches.len();
        let (asked, headers) =
            (Instant::now(), keeping.as_ref().map_or(&self.headers, |keeping| &keeping.sent.headers));
        let answers = join_all(batches.iter().map(|batch| {
            let body = self.look_up_body(batch);
            let sent = body.len();
            self.watch.asking("lookup", sent, self.means.upstream.ask(headers.clone(), body, Repeat::Once))
        }));
        let span = spans::look_up(batches.len(), products);
        let answers = self.watch.stage(Stage::LookUp, span, answers).await;
        let mut failed = None;
        for (batch, answer) in batches.iter().zip(answers) {
            let taken = match answer {
                Ok(answer) => self.take(batch, &answer, keeping.as_ref(), asked),
                Err(error) => Err(error.into()),
            };
            failed = failed.or(taken.err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Takes the products of an answer in.
    fn take(
        &mut self,
        batch: &Batch,
        answer: &Answer,
        keeping: Option<&Keeping>,
        asked: Instant,
    ) -> Result<(), LookUpError> {
        let read = batch::read(&self.plan, batch, &answer.body)?;
        if let Some(keeping) = keeping.filter(|_| answer.status.is_success()) {
            keeping.keep(&read, &answer.body, asked);
        }
        for (selection, key, live) in read.products {
            let fragment = live.map(|live| self.add(live.fragment));
            self.loaded.insert(selection, key.as_str().into(), fragment);
        }
        if read.complete { Ok(()) } else { Err(LookUpError::Refused(answer.status.as_u16())) }
    }
}

/// The products named in an entity's hidden members: every `id` in them. At most 250.
pub(super) fn needed_products(body: &[u8], hidden: &[(Box<str>, Range<usize>)]) -> Vec<ProductKey> {
    fn walk(value: &Value, out: &mut IndexSet<ProductKey>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, out)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(id) if name == "id" => {
                            if out.len() < 250 {
                                out.insert(ProductKey::new(id.as_str()));
                            }
                        }
                        value => walk(value, out),
                    }
                }
            }
            _ => {}
        }
    }
    let mut products = IndexSet::new();
    for (_, range) in hidden {
        if let Some(value) = body.get(range.clone()).and_then(|raw| serde_json::from_slice::<Value>(raw).ok()) {
            walk(&value, &mut products);
        }
    }
    products.into_iter().collect()
}
