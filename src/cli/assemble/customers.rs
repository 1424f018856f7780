//! Whose a customer token is, asked of the shop of the settings in use.

use super::Shop;
use crate::ingest::identity::{AskPlatform, CustomerCheck, NoAnswer};
use crate::platform::{Confirmed, Wanted};
use crate::settings::Settings;
use crate::telemetry::customer_data::Credential;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::HeaderMap;
use std::sync::Arc;

/// What the settings want to be known of customers.
pub(in crate::cli) fn wanted(settings: &Settings) -> Wanted {
    Wanted { consent: settings.ingest.customer.consent.clone(), tags: tags(settings) }
}

/// The tags that tiers of the settings name, in lower case.
pub(super) fn tags(settings: &Settings) -> Vec<Box<str>> {
    settings.engine.tiers.iter().flat_map(|tier| &tier.tags).map(|tag| tag.to_lowercase().into()).collect()
}

/// Asks the shop of the settings in use whose a customer token is.
pub(super) struct Customers(pub(super) Arc<ArcSwap<Shop>>);

#[async_trait]
impl CustomerCheck for Customers {
    async fn confirm(&self, headers: &HeaderMap, token: &str) -> Result<Option<Confirmed>, NoAnswer> {
        let shop = self.0.load_full();
        let upstream = shop.upstream.asking_for("customer");
        let wanted = shop.wanted.clone();
        AskPlatform { platform: shop.platform.clone(), upstream, wanted }.confirm(headers, token).await
    }

    fn credential(&self, headers: &HeaderMap) -> Credential {
        self.0.load().platform.credential(headers)
    }
}
