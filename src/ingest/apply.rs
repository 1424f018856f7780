//! Applying: accepted events enter the shopper's session and profile. From here on they are in the next request: the
//! revisions grow, so decisions cached under the old ones are not found again.

use super::batch::{Batch, Rejection};
use super::deduplicate;
use super::unanswered::Asked;
use crate::domain::consent::Purpose;
use crate::domain::ids::ShopperKey;
use crate::store::{Appended, ShopperStore, StoreError, Stored};

/// What is done with events that a fail-over of the store just now would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// They are refused, to be sent again: an outcome is an acknowledgement.
    Acknowledged,
    /// They are taken: nobody is told.
    BestEffort,
}

/// Stores what is in the batch. Duplicates go out, unless they are of an earlier try that was not answered; where the store
/// does not answer, nothing does. The one place that decides what "stored" means: an answer of the store. Whether a fail-over
/// would keep it, where that is asked for.
pub(super) async fn store(
    store: &dyn ShopperStore,
    who: &ShopperKey,
    batch: &mut Batch,
    sure: Sure,
    asked: &Asked<'_>,
) -> Result<bool, StoreError> {
    let events = batch.events();
    if events.is_empty() {
        return Ok(true);
    }
    let stored = match sure {
        Sure::Acknowledged => store.append_durably(who, &events).await?,
        Sure::BestEffort => Stored { answers: store.append(who, &events).await?, is_durable: true },
    };
    let mut answers = stored.answers.into_iter().enumerate();
    batch.sift(|_| match answers.next() {
        Some((_, Appended::Accepted)) => Ok(()),
        Some((nth, Appended::Duplicate)) if asked.is_again(nth) => Ok(()),
        _ => Err((Rejection::Duplicate, deduplicate::MESSAGE.to_owned())),
    });
    Ok(stored.is_durable)
}

/// Takes the events back: preferences were withdrawn while they were on their way.
pub(super) async fn undo(store: &dyn ShopperStore, who: &ShopperKey, batch: &mut Batch) {
    if let Err(error) = store.erase_purpose(who, Purpose::Preferences).await {
        tracing::error!(%error, "events stored during a withdrawal could not be erased");
    }
    batch.refuse_all(Rejection::NoConsent, "consent to preferences was withdrawn; the event was not kept");
}
