//! The roots of the mutation: events, consent, erasure.

use super::error::unavailable;
use super::event::{
    PersonalizedEventInput, PersonalizedRejectedEvent, PersonalizedRejection, PersonalizedTrackPayload,
};
use super::shopper::{PersonalizedConsent, PersonalizedPurpose};
use super::viewer::Viewer;
use crate::domain::consent::Purpose;
use crate::store::StoreError;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

/// The most events of one call.
const MAX_EVENTS: usize = 500;

pub(super) struct Mutation;

#[Object]
impl Mutation {
    /// Record what the shopper did. Accepted events are in the shopper's next request.
    async fn personalized_track(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the shopper did, at most 500 at once.")] events: Vec<PersonalizedEventInput>,
    ) -> Result<Option<PersonalizedTrackPayload>> {
        let viewer = Viewer::of(ctx)?;
        let mut rejected = Vec::new();
        let mut reject = |id: ID, code: PersonalizedRejection, message: String| {
            rejected.push(PersonalizedRejectedEvent { id, code, message });
        };
        let (mut ids, mut decoded) = (Vec::new(), Vec::new());
        for (index, input) in events.into_iter().enumerate() {
            let id = input.id.clone();
            if index >= MAX_EVENTS {
                let message = format!("one call takes {MAX_EVENTS} events; send this one again");
                reject(id, PersonalizedRejection::RateLimited, message);
                continue;
            }
            match input.decode(viewer.context.now) {
                Ok(event) => {
                    ids.push(id);
                    decoded.push(event);
                }
                Err(message) => reject(id, PersonalizedRejection::Malformed, message),
            }
        }
        let mut accepted = 0;
        for (id, outcome) in ids.into_iter().zip(viewer.events.track(&viewer.context, decoded).await) {
            match outcome {
                Ok(()) => accepted += 1,
                Err((code, message)) => reject(id, code.into(), message),
            }
        }
        Ok(Some(PersonalizedTrackPayload { accepted, rejected }))
    }

    /// Set or withdraw consent, purpose by purpose. Withdrawal deletes what that purpose had stored.
    async fn personalized_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The purposes to change; those left out stay as they are.")] consent: PersonalizedConsentInput,
    ) -> Result<Option<PersonalizedConsentPayload>> {
        let viewer = Viewer::of(ctx)?;
        let (consent, erased) =
            viewer.events.consent(&viewer.context, &consent.changes()).await.map_err(|error| offline(&error))?;
        let erased_purposes = erased.into_iter().map(Into::into).collect();
        Ok(Some(PersonalizedConsentPayload { consent: consent.into(), erased_purposes }))
    }

    /// Erase everything stored about this shopper. The caller must hold the session or a platform-confirmed customer
    /// token.
    async fn personalized_forget(&self, ctx: &Context<'_>) -> Result<Option<PersonalizedForgetPayload>> {
        let viewer = Viewer::of(ctx)?;
        let erased = viewer.events.forget(&viewer.context).await.map_err(|error| offline(&error))?;
        Ok(Some(PersonalizedForgetPayload { erased }))
    }
}

fn offline(error: &StoreError) -> async_graphql::Error {
    tracing::warn!(%error, "a change to what is stored of a shopper failed");
    unavailable("What is stored about the shopper")
}

/// Consent to set (true) or to withdraw (false); what is left out stays as it is.
#[derive(InputObject)]
pub(super) struct PersonalizedConsentInput {
    /// Log decisions and events for measurement and training.
    analytics: Option<bool>,
    /// Store and read session and profile to personalize.
    preferences: Option<bool>,
    /// Choose offers, content and messages for the shopper.
    marketing: Option<bool>,
    /// Pass data on to third parties.
    sale_of_data: Option<bool>,
}

impl PersonalizedConsentInput {
    fn changes(&self) -> Vec<(Purpose, bool)> {
        let given = [self.analytics, self.preferences, self.marketing, self.sale_of_data];
        Purpose::ALL.into_iter().zip(given).filter_map(|(purpose, given)| Some((purpose, given?))).collect()
    }
}

/// The consent now in force.
#[derive(SimpleObject)]
pub(super) struct PersonalizedConsentPayload {
    /// What the shopper allows from now on.
    consent: PersonalizedConsent,
    /// The purposes whose data was deleted by this call.
    erased_purposes: Vec<PersonalizedPurpose>,
}

/// What became of the erasure.
#[derive(SimpleObject)]
pub(super) struct PersonalizedForgetPayload {
    /// True where something was stored and is gone now; false where there was nothing.
    erased: bool,
}
