//! The walk of events: consent → rate → validation → store → statistics → training log.

use super::accept::Ingest;
use super::apply;
use super::batch::Batch;
use super::consent;
use super::identity::Caller;
use super::limit::Pace;
use super::validate::Rules;
use crate::domain::consent::Purpose;
use crate::domain::event::EventType;
use crate::store::StoreError;
use jiff::Timestamp;
use std::time::Instant;

impl Ingest {
    /// The walk of events: consent → rate → validation → store → statistics → training log.
    /// Errors: the store did not take what was allowed and valid, and nothing of it was learned; or it did, and might lose
    /// it ([`StoreError::NotDurable`]). Then it was learned, as it will be a duplicate when it comes again, and whoever sent
    /// it is to send it again. All that was allowed and valid is still in.
    pub(super) async fn walk(
        &self,
        caller: &Caller,
        batch: &mut Batch,
        pace: Pace,
        sure: apply::Sure,
    ) -> Result<(), StoreError> {
        let allowed = self.withdrawn.left(caller);
        let Some(who) = consent::admit(batch, caller, allowed) else { return Ok(()) };
        if pace == Pace::Limited {
            self.limit.admit(batch, who, Instant::now());
        }
        let index = self.catalogue.current();
        let rules = Rules { catalogue: &index, now: Timestamp::now(), max_age: self.config.events.max_age };
        batch.sift(|event| rules.check(event));
        let mut lost = None;
        if allowed.allows(Purpose::Preferences) {
            let whole = (sure == apply::Sure::Acknowledged).then(|| batch.clone());
            let asked = self.unanswered.ask(who, batch);
            if !apply::store(&*self.eraser.shoppers, who, batch, sure, &asked).await? {
                lost = whole;
            }
            asked.answered();
            // A withdrawal that came in between found nothing of these yet.
            if !self.allows(caller, Purpose::Preferences) {
                apply::undo(&*self.eraser.shoppers, who, batch).await;
                lost = None;
            }
        } else {
            self.seen.sift(who, batch);
        }
        if self.allows(caller, Purpose::Analytics) {
            let mut events = batch.events();
            // What was taken back teaches nothing.
            events.retain(|event| event.kind != EventType::OrderCancelled);
            self.eraser.learner.learn(who, &events);
            self.recorder.append(who, &caller.market, &events);
            self.eraser.decisions.outcomes(who, &events);
        }
        match lost {
            Some(whole) => {
                *batch = whole;
                Err(StoreError::NotDurable)
            }
            None => Ok(()),
        }
    }
}
