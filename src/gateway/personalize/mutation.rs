//! The roots of the mutation: events, consent, erasure.

use super::event::{
    PersonalizedEventInput, PersonalizedRejectedEvent, PersonalizedRejection, PersonalizedTrackPayload,
};
use super::shopper::{PersonalizedConsent, PersonalizedPurpose};
use super::viewer::Viewer;
use crate::domain::consent::Purpose;
use crate::domain::event::MAX_EVENTS;
use async_graphql::{Context, ErrorExtensions, ID, InputObject, Object, Result, SimpleObject};

pub(super) struct Mutation;

#[Object]
impl Mutation {
    /// Record what the shopper did. Accepted events are in the shopper's next request.
    async fn personalized_track(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the shopper did, at most 100 at once.")] events: Vec<PersonalizedEventInput>,
    ) -> Option<Result<PersonalizedTrackPayload>> {
        Some(track(ctx, events).await)
    }

    /// Set or withdraw consent, purpose by purpose. Withdrawal deletes what that purpose had stored.
    async fn personalized_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The purposes to change; those left out stay as they are.")] consent: PersonalizedConsentInput,
    ) -> Option<Result<PersonalizedConsentPayload>> {
        Some(change(ctx, &consent).await)
    }

    /// Erase everything stored about this shopper. The caller must hold the session or a platform-confirmed customer
    /// token.
    async fn personalized_forget(&self, ctx: &Context<'_>) -> Option<Result<PersonalizedForgetPayload>> {
        Some(forget(ctx).await)
    }
}

async fn track(ctx: &Context<'_>, events: Vec<PersonalizedEventInput>) -> Result<PersonalizedTrackPayload> {
    let viewer = Viewer::of(ctx)?;
    // One slot an event: rejections are told in the order in which the events came.
    let mut outcomes: Vec<(ID, Option<(PersonalizedRejection, String)>)> = Vec::with_capacity(events.len());
    let mut decoded = Vec::with_capacity(events.len());
    for (index, input) in events.into_iter().enumerate() {
        let id = input.id.clone();
        let refused = if index >= MAX_EVENTS {
            Some((
                PersonalizedRejection::RateLimited,
                format!("one call takes {MAX_EVENTS} events; send this one again"),
            ))
        } else {
            let event = input.decode(viewer.context.now);
            event.map(|event| decoded.push(event)).err().map(|message| (PersonalizedRejection::Malformed, message))
        };
        outcomes.push((id, refused));
    }
    let mut answers = viewer.events.track(decoded).await.into_iter();
    for (_, refused) in outcomes.iter_mut().filter(|(_, refused)| refused.is_none()) {
        *refused = answers.next().and_then(std::result::Result::err).map(|(code, message)| (code.into(), message));
    }
    let told = outcomes.len();
    let rejected = outcomes.into_iter().filter_map(|(id, refused)| {
        let (code, message) = refused?;
        Some(PersonalizedRejectedEvent { id, code, message })
    });
    let rejected: Vec<_> = rejected.collect();
    Ok(PersonalizedTrackPayload { accepted: told - rejected.len(), rejected })
}

async fn change(ctx: &Context<'_>, consent: &PersonalizedConsentInput) -> Result<PersonalizedConsentPayload> {
    let changed = Viewer::of(ctx)?.events.consent(&consent.changes()).await;
    let (consent, erased) = changed.map_err(|error| error.extend())?;
    let erased_purposes = erased.into_iter().map(Into::into).collect();
    Ok(PersonalizedConsentPayload { consent: consent.into(), erased_purposes })
}

async fn forget(ctx: &Context<'_>) -> Result<PersonalizedForgetPayload> {
    let erased = Viewer::of(ctx)?.events.forget().await.map_err(|error| error.extend())?;
    Ok(PersonalizedForgetPayload { erased })
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, NOW};
    use serde_json::json;

    #[test]
    fn events_are_taken_or_refused_one_by_one() {
        let fixture = Fixture::new();
        let told = fixture.told.clone();
        let text = "mutation($events:[PersonalizedEventInput!]!){personalizedTrack(events:$events){
            accepted rejected{id code message}}}";
        let events = json!({"events": [
            {"id": "1", "type": "PRODUCT_VIEWED", "productId": "p"},
            {"id": "2", "type": "PRODUCT_VIEWED"},
            {"id": "3", "type": "CHECKOUT_COMPLETED", "productId": "p", "orderId": "o", "at": "2026-01-01T00:00:00+01:00",
                "lines": [{"productId": "p", "price": {"amount": "12.50", "currencyCode": "EUR"}}]},
            {"id": "4", "type": "RECOMMENDATION_CLICKED", "productId": "p", "position": 0},
        ]});
        let answer = fixture.run(text, events);
        let payload = &answer["data"]["personalizedTrack"];
        assert_eq!(payload["accepted"], 2, "{answer}");
        let refused: Vec<_> =
            payload["rejected"].as_array().unwrap().iter().map(|r| (r["id"].clone(), r["code"].clone())).collect();
        assert_eq!(refused, [(json!("2"), json!("UNKNOWN_PRODUCT")), (json!("4"), json!("MALFORMED"))]);
        let told = told.events.lock().unwrap();
        assert_eq!(told[0].at, NOW, "the gateway's clock");
        assert_eq!(told[1].at, "2025-12-31T23:00:00Z".parse().unwrap());
        assert_eq!((told[1].lines[0].quantity, told[1].lines[0].price.unwrap().minor), (1, 1250));
    }

    #[test]
    fn consent_changes_only_what_is_named() {
        let text = "mutation{personalizedConsent(consent:{marketing:false,analytics:true}){
            consent{analytics preferences marketing saleOfData} erasedPurposes}}";
        let answer = Fixture::new().run(text, json!({}));
        assert_eq!(
            answer["data"]["personalizedConsent"],
            json!({
                "consent": {"analytics": true, "preferences": true, "marketing": false, "saleOfData": true},
                "erasedPurposes": ["MARKETING"],
            })
        );
    }

    #[test]
    fn a_store_that_is_away_is_an_error_with_a_code() {
        let answer = Fixture::new().run("mutation{personalizedForget{erased}}", json!({}));
        assert_eq!(answer["data"], json!({"personalizedForget": null}));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSONALIZED_UNAVAILABLE");
    }
}
