//! The roots of the query: what the gateway knows of the shopper, and the entities of one wave of sites.

use super::ahead::{Records, fetch};
use super::ask::{SlateArguments, SlateAsk, Subject};
use super::entities::{Entity, representation};
use super::recommendations::PersonalizedRecommendations;
use super::record::PersonalizedDecisionRecord;
use super::shopper::PersonalizedShopper;
use super::viewer::Viewer;
use async_graphql::{Any, Context, ErrorExtensions, ID, Object, Result, SimpleObject};
use std::sync::Arc;

pub(super) struct Query;

#[Object]
impl Query {
    /// What the gateway knows and decides for the shopper behind this request.
    async fn personalized(&self, ctx: &Context<'_>) -> Option<Result<Personalized>> {
        let viewer = match Viewer::of(ctx) {
            Ok(viewer) => Arc::clone(viewer),
            Err(error) => return Some(Err(error)),
        };
        let records = fetch(ctx, &viewer).await;
        Some(Ok(Personalized { viewer, records }))
    }

    /// The entities of the representations, in their order.
    #[graphql(name = "_entities")]
    async fn entities(&self, representations: Vec<Any>) -> Vec<Option<Entity>> {
        representations.iter().map(|any| representation(&any.0)).collect()
    }

    /// The schema of the subgraph, for routers.
    #[graphql(name = "_service")]
    async fn service(&self, ctx: &Context<'_>) -> Service {
        Service { sdl: ctx.data_opt::<Sdl>().map(|sdl| sdl.0.to_string()) }
    }
}

/// The SDL that `_service` answers with, in the request's data.
pub(super) struct Sdl(pub(super) Arc<str>);

/// What a federation router asks a subgraph about itself.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// The schema in SDL.
    sdl: Option<String>,
}

/// What the gateway knows and decides for one shopper.
pub(super) struct Personalized {
    viewer: Arc<Viewer>,
    records: Records,
}

/// What the gateway knows and decides for the shopper behind this request.
#[Object]
impl Personalized {
    /// The same for every answer to one shopper, for client caches; `anonymous` without consent to PREFERENCES.
    async fn id(&self) -> ID {
        ID(self.viewer.known().map_or_else(|| "anonymous".to_owned(), ToString::to_string))
    }

    /// The shopper as the gateway knows them. Null without consent to PREFERENCES.
    async fn shopper(&self) -> Option<PersonalizedShopper> {
        let key = self.viewer.known()?.clone();
        Some(PersonalizedShopper { key, viewer: Arc::clone(&self.viewer) })
    }

    /// A slate for a placement that the shop has configured. Built in: home, product, cart, search-empty,
    /// recently-viewed, buy-again, trending, post-purchase. Slates of one operation do not repeat a product: document
    /// order decides who shows it.
    async fn recommendations(
        &self,
        #[graphql(desc = "The name of the placement.")] placement: String,
        #[graphql(default = 8, desc = "How many, 1 to 50.")] first: i32,
        #[graphql(desc = "Ids of products to start from: the product of the page, the lines of the cart.")]
        seeds: Option<Vec<ID>>,
        #[graphql(desc = "Ids of products not wanted: those the page shows already.")] exclude: Option<Vec<ID>>,
    ) -> Option<Result<PersonalizedRecommendations>> {
        let ids = |ids: Option<Vec<ID>>| ids.unwrap_or_default().into_iter().map(|id| id.0).collect();
        let arguments = SlateArguments {
            intent: None,
            placement: Some(placement),
            first: first.into(),
            seeds: ids(seeds),
            exclude: ids(exclude),
        };
        let ask = match SlateAsk::new(Subject::Shopper, arguments) {
            Ok(ask) => ask,
            Err(error) => return Some(Err(error.extend())),
        };
        Some(self.viewer.slate(&ask).await.map(PersonalizedRecommendations))
    }

    /// How one of this shopper's own decisions was made; null for an id that is not theirs. Scores and rules of others:
    /// admin API only.
    async fn decision(
        &self,
        #[graphql(desc = "The id of the decision, as its slate carried it.")] id: ID,
    ) -> Option<Result<PersonalizedDecisionRecord>> {
        self.records.get(&id.0)?.clone().transpose()
    }
}
