//! Products that were looked up a moment ago in the same context, and looking them up again beside the request.

use super::Run;
use super::batch::{self, Batch, Read, batches, live};
use crate::domain::ids::ProductKey;
use crate::gateway::plan::SelectionId;
use crate::gateway::products::key::{Context, Sent, nameless};
use crate::gateway::products::{Found, Products, Times};
use crate::gateway::splice;
use crate::platform::Lookup;
use crate::platform::upstream::Repeat;
use crate::telemetry::found::CacheAsked;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;

/// Products by the selection that asks for them.
pub(super) type Wanted = Vec<(SelectionId, ProductKey)>;

/// How the products of some selections are kept.
#[derive(Clone)]
pub(super) struct Keeping {
    /// What goes out with their look-ups.
    pub(super) sent: Arc<Sent>,
    contexts: Vec<(SelectionId, Context)>,
    products: Products,
    times: Times,
}

impl Keeping {
    fn context(&self, selection: SelectionId) -> Option<Context> {
        self.contexts.iter().find(|(id, _)| *id == selection).map(|(_, context)| *context)
    }

    /// Keeps what an answer holds; nothing of one that reports errors. `asked`: when it was asked for.
    pub(super) fn keep(&self, read: &Read, body: &Bytes, asked: Instant) {
        for (selection, key, live) in read.products.iter().filter(|_| read.clean) {
            let Some(context) = self.context(*selection) else { continue };
            // Copied, so that a product does not hold the whole answer.
            let product = live.as_ref().and_then(|live| body.get(live.place.clone()));
            self.products.keep(context, key, product.map(Bytes::copy_from_slice), asked);
        }
    }
}

impl Run {
    /// How these products are kept; `None`: not at all, because the request or one of the selections concerns one shopper
    /// or products are not kept.
    pub(super) fn keeping(&mut self, wanted: &Wanted) -> Option<Keeping> {
        let products = self.means.products.clone();
        let times = products.times();
        if wanted.is_empty() || !times.keeps() || self.viewer.context.confirmed {
            return None;
        }
        let platform = Arc::clone(&self.means.platform);
        let (upstream, headers) = (&self.means.upstream, &self.headers);
        let sent = self.sent.get_or_insert_with(|| {
            let headers = upstream.leaving(nameless(headers, &*platform)?);
            Some(Arc::new(Sent { address: upstream.endpoint().clone(), headers }))
        });
        let sent = sent.clone()?;
        let mut contexts: Vec<(SelectionId, Context)> = Vec::new();
        for (selection, _) in wanted {
            if contexts.iter().all(|(known, _)| known != selection) {
                let alone = self.plan.alone(*selection)?;
                let variables = self.variables.subset(&alone.variables);
                contexts.push((*selection, sent.context(&alone.document, &variables, &*platform)?));
            }
        }
        Some(Keeping { sent, contexts, products, times })
    }

    /// Takes in what is kept, and has what is stale looked up again. Returns what has to be asked for.
    pub(super) fn take_kept(&mut self, keeping: &Keeping, wanted: Wanted) -> Wanted {
        let (now, mut missing, mut renew) = (Instant::now(), Wanted::new(), Wanted::new());
        for (selection, key) in wanted {
            let found = match keeping.context(selection) {
                Some(context) => keeping.products.find(context, &key, keeping.times, now),
                None => Found::Nothing,
            };
            if let Found::Stale { renew: true, .. } = &found {
                renew.push((selection, key.clone()));
            }
            let hit = match found {
                Found::Nothing => false,
                Found::Fresh(None) => {
                    self.loaded.insert(selection, key.as_str().into(), None);
                    true
                }
                Found::Fresh(Some(product)) | Found::Stale { product, .. } => self.show(selection, &key, &product),
            };
            CacheAsked::Product { hit }.emit();
            if !hit {
                missing.push((selection, key));
            }
        }
        if !renew.is_empty() {
            self.renew(keeping, renew);
        }
        missing
    }

    /// Takes a kept product in. False: it cannot be read, which nothing that was kept should be.
    fn show(&mut self, selection: SelectionId, key: &ProductKey, product: &Bytes) -> bool {
        let trie = self.plan.selections.get(selection).map(|selection| &selection.trie);
        let element = trie.and_then(|trie| splice::element(product, trie).ok());
        let Some(live) = element.and_then(|element| live(product, element, key)) else { return false };
        let fragment = self.add(live.fragment);
        self.loaded.insert(selection, key.as_str().into(), Some(fragment));
        true
    }

    /// Looks products up again, beside the request.
    fn renew(&self, keeping: &Keeping, wanted: Wanted) {
        let Lookup::Nodes { max } = self.means.platform.lookup();
        for batch in batches(wanted, max) {
            let renewing = Renewing { keeping: keeping.clone(), batch };
            let Some(room) = keeping.products.room() else { continue };
            let (body, plan) = (self.look_up_body(&renewing.batch), Arc::clone(&self.plan));
            let upstream = self.means.upstream.asking_for("renew");
            tokio::spawn(async move {
                let asked = Instant::now();
                let answer = upstream.ask(renewing.keeping.sent.headers.clone(), body, Repeat::Never).await;
                let answer = answer.ok().filter(|answer| answer.status.is_success());
                if let Some(answer) = answer
                    && let Ok(read) = batch::read(&plan, &renewing.batch, &answer.body)
                {
                    renewing.keeping.keep(&read, &answer.body, asked);
                }
                drop((renewing, room));
            });
        }
    }
}

/// Products that are looked up again. What does not come of it is the next request's to try.
struct Renewing {
    keeping: Keeping,
    batch: Batch,
}

impl Drop for Renewing {
    fn drop(&mut self) {
        for (selection, keys) in &self.batch {
            let Some(context) = self.keeping.context(*selection) else { continue };
            keys.iter().for_each(|key| self.keeping.products.left(context, key));
        }
    }
}
