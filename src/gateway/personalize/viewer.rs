//! The shopper behind one operation, with what their fields are resolved from. Lives in the request's data.

use super::ask::SlateAsk;
use super::book::{Settled, SlateBook};
use super::decider::Decider;
use super::error::{AskError, internal};
use super::sink::EventSink;
use crate::domain::consent::Purpose;
use crate::engine::context::Context;
use crate::store::DecisionStore;
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

    /// Whether session and profile may be read.
    pub(super) fn personal(&self) -> bool {
        self.context.consent.allows(Purpose::Preferences)
    }

    /// The slate of an ask: the one settled before, or else one decided now from the catalogue alone, without asking
    /// the platform for stock. Errors: an unknown placement.
    pub async fn slate(&self, ask: &SlateAsk) -> Result<Arc<Settled>, AskError> {
        if let Some(settled) = self.book.get(ask) {
            return Ok(settled);
        }
        let request = ask.request(&*self.engine)?;
        let mut slates = self.engine.slates(&self.context, std::slice::from_ref(&request)).await;
        let slated = slates.pop().ok_or(AskError::Type { argument: "recommendations", expected: "decidable" })?;
        let slate = self.engine.settle(&slated.slate, &[]);
        Ok(self.book.put(ask.clone(), Settled { decision: slate.decision, items: slate.items }))
    }
}
