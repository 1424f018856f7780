//! The paths of what platforms and pages send: `/webhooks/{platform}` and `/events`, each behind a door of its own.

use super::app::App;
use super::doors::Door;
use super::{beacon, webhook};
use crate::ingest::{self, Ingest};
use axum::Router;
use axum::routing::post;
use std::sync::Arc;

/// The routes.
pub fn routes(app: &App, ingest: &Arc<Ingest>, config: &ingest::Config) -> Router {
    let webhooks = Door::new(app, ingest, config.webhooks.in_flight, config.webhooks.body.as_u64());
    let beacons = Door::new(app, ingest, config.beacons.in_flight, config.beacons.body.as_u64());
    let at = post(webhook::deliver).get(webhook::challenge);
    let webhooks = Router::new().route("/webhooks/{platform}", at).with_state(webhooks);
    let take = || post(beacon::take);
    webhooks.merge(Router::new().route("/events", take()).route("/events/{*collector}", take()).with_state(beacons))
}
