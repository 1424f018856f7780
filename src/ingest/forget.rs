//! Forgetting: everything of the caller's session and of the customer whom the platform confirmed.

use super::erase::{Eraser, Sure};
use super::error::{Failure, Refusal};
use super::identity::Caller;
use super::withdrawn::Withdrawn;
use crate::domain::consent::Consent;
use jiff::Timestamp;

/// Erases everything stored under the caller's keys. True where there was something. Requests of the same shopper that
/// are still under way store nothing any more. Errors: no session and no customer; a store that does not answer.
pub(super) async fn forget(
    eraser: &Eraser,
    withdrawn: &Withdrawn,
    caller: &Caller,
    sure: &mut Sure,
) -> Result<bool, Failure> {
    if caller.shopper.is_none() {
        return Err(Refusal::NoSession.into());
    }
    let mut found = false;
    for key in caller.keys() {
        withdrawn.note(key, Consent::ALL);
        found |= sure.of(eraser.everything(key, Timestamp::MAX).await)?;
    }
    Ok(found)
}
