//! The shopper behind one operation, with what their fields are resolved from. Lives in the request's data.

use super::ask::SlateAsk;
use super::book::{Settled, SlateBook};
use super::decider::Decider;
use super::error::internal;
use super::sink::EventSink;
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::Purpose;
use crate::domain::ids::{ProductKey, ShopperKey};
use crate::engine::{Context, Slated, settle};
use crate::store::DecisionStore;
use async_graphql::ErrorExtensions;
use std::collections::HashSet;
use std::sync::Arc;

/// One shopper's view of one operation.
pub struct Viewer {
    /// Who asks, what they allow, in which market and when.
    pub context: Context,
    /// Decides.
    pub engine: Arc<dyn Decider>,
    /// Takes events, consent and erasure.
    pub events: Arc<dyn EventSink>,
    /// The decision log.
    pub decisions: Arc<dyn DecisionStore>,
    /// What was settled before.
    pub book: SlateBook,
}

impl Viewer {
    /// The viewer of the request being executed. Errors: there is none, which is a fault of the caller.
    pub(super) fn of<'a>(ctx: &async_graphql::Context<'a>) -> async_graphql::Result<&'a Arc<Viewer>> {
        ctx.data::<Arc<Viewer>>().map_err(|_| internal())
    }

    /// The shopper, where session and profile may be read.
    pub(super) fn known(&self) -> Option<&ShopperKey> {
        self.context.shopper.as_ref().filter(|_| self.context.consent.allows(Purpose::Preferences))
    }

    /// How well the product fits the shopper, 0 to 1; `None` where nothing personal may be read.
    pub fn affinity(&self, product: &ProductKey) -> Option<f64> {
        self.book.affinity(|| self.engine.affinity(&self.context))(product)
    }

    /// The slate of an ask: the one settled before, or else one decided now. Errors: an unknown placement.
    pub(super) async fn slate(&self, ask: &SlateAsk) -> async_graphql::Result<Arc<Settled>> {
        if let Some(settled) = self.book.get(ask) {
            return Ok(settled);
        }
        ask.request(&*self.engine).map_err(|error| error.extend())?;
        self.settle(std::slice::from_ref(ask)).await;
        self.book.get(ask).ok_or_else(internal)
    }

    /// Decides what has not been settled, from the catalogue alone: the platform is not asked for stock. In their
    /// order, none repeating a product of an earlier one. Asks of unknown placements are left to their resolvers.
    pub(super) async fn settle(&self, asks: &[SlateAsk]) {
        let mut open = Vec::new();
        let mut taken = HashSet::new();
        for ask in asks {
            match self.book.get(ask) {
                Some(settled) => taken.extend(settled.items.iter().map(|item| item.product.clone())),
                None => open.extend(ask.request(&*self.engine).ok().map(|request| (ask, request))),
            }
        }
        if open.is_empty() {
            return;
        }
        let requests: Vec<_> = open.iter().map(|(_, request)| request.clone()).collect();
        let decided = self.engine.slates(&self.context, &requests).await;
        for ((ask, _), Slated { slate: candidates, inputs, made }) in open.into_iter().zip(decided) {
            let slate = settle(&candidates, &HashSet::new(), &taken);
            let dropped = candidates.items.iter().map(|item| &item.product).filter(|key| taken.contains(*key));
            let dropped: Vec<ProductKey> = dropped.cloned().collect();
            taken.extend(slate.items.iter().map(|item| item.product.clone()));
            self.book.put(ask.clone(), Settled { decision: slate.decision.clone(), items: slate.items.clone() });
            if let Some(shopper) = &self.context.shopper {
                let (shopper, market) = (shopper.clone(), self.context.market.clone());
                let erased = Vec::new();
                self.log(DecisionRecord { shopper, market, slate, inputs, candidates, dropped, made, erased }).await;
            }
        }
    }

    /// Keeps a decision, where the shopper allows it. A log that cannot take it does not hold the slate back.
    async fn log(&self, record: DecisionRecord) {
        if !self.context.consent.allows(Purpose::Analytics) {
            return;
        }
        if let Err(error) = self.decisions.put(record).await {
            tracing::warn!(%error, "a decision was not logged");
        }
    }
}
