//! What the platform says of a customer: stored, and what it no longer allows is erased.

use super::accept::Ingest;
use super::erase::Sure;
use super::identity::Caller;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::standing::Told;
use crate::store::{ShopperState, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How long a request waits for it.
const WITHIN: Duration = Duration::from_millis(50);

impl Ingest {
    /// The tags of customers that count from now on, in lower case.
    pub fn name_tags(&self, named: Vec<Box<str>>) {
        self.tags.store(Arc::new(named));
    }

    /// Stores what the platform said of a caller's customer and is news. What it takes back counts for this request
    /// already; a store that fails is told by the next one, and one that is slow goes on beside this one.
    pub(super) async fn heed(self: &Arc<Self>, caller: &Caller) {
        let (Some(customer), Some(told)) = (&caller.customer, &caller.told) else { return };
        if caller.prefetch || caller.glimpse.is_away() {
            return;
        }
        let older = caller.older.iter().filter(|(_, own)| own == customer).map(|(old, _)| old.clone());
        let keys: Vec<ShopperKey> = std::iter::once(customer.clone()).chain(older).collect();
        let (ingest, told, consent) = (Arc::clone(self), told.clone(), caller.consent);
        let work = tokio::spawn(async move {
            if let Err(error) = ingest.hear(&keys, &told, Some(consent)).await {
                tracing::debug!(%error, "what the platform said of a customer could not be stored; the next request tries");
            }
        });
        // Either it is done, or the next request finds it done.
        drop(tokio::time::timeout(WITHIN, work).await);
    }

    /// Takes over what the platform says of whoever has these keys, the current one first, and erases what was agreed to
    /// before and is not any more. `consent` is in force for it; `None`: what is on file, or the shop's default. Tags are
    /// stored with consent to preferences alone, and of them those that settings name.
    /// Errors: the store did not take it, or might lose it; it is to be done again.
    pub(super) async fn hear(
        &self,
        keys: &[ShopperKey],
        told: &Told,
        consent: Option<Consent>,
    ) -> Result<(), StoreError> {
        let mut told = told.clone();
        told.keep_tags(&self.tags.load());
        let (store, mut sure) = (self.eraser.shoppers(), Sure::default());
        for (nth, key) in keys.iter().enumerate() {
            let before = store.read_patiently(key).await?;
            let mut after = before.clone();
            after.standing.hear(&Told { tags: None, ..told.clone() });
            let left = after.agreed().unwrap_or(self.identity.default_consent());
            if !consent.unwrap_or(left).allows(Purpose::Preferences) {
                told.tags = None;
            }
            after = before.clone();
            let is_news = after.standing.hear(&told);
            let nothing = before == ShopperState::default();
            // Under an older key nothing is begun. What a webhook says is stored again where it is known, too: the first time a
            // fail-over might have lost it.
            if !is_news && (consent.is_some() || nothing) || nth > 0 && nothing {
                continue;
            }
            // Where nothing was on file, the default may have let something be stored.
            let lost = before.agreed().unwrap_or(self.identity.default_consent()).without(left);
            if lost != Consent::NONE {
                self.withdrawn.note(key, lost);
            }
            sure.of(store.hear(key, &told).await.map(|()| true))?;
            for purpose in Purpose::ALL.into_iter().filter(|purpose| lost.allows(*purpose)) {
                sure.of(self.eraser.purpose(key, purpose).await)?;
            }
        }
        sure.end(())
    }
}
