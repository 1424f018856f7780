//! Webhooks of every platform: their settings, and one arm each in the `match` of [`open`].

use super::kept_consent::Attribute;
use super::news::Webhooks;
use super::signed::SignerError;
use super::{adobe, bigcommerce, shopify};
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// `[ingest.webhooks]`. Without a secret or a key a platform's webhooks are not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest body. Default: 4 MiB; orders of many lines have some hundred KiB.
    pub body: ByteSize,
    /// How long storing what a delivery says may take. Default: 3s; Shopify waits for 5.
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    /// Deliveries in work at once; one more is told to come again. Default: 64.
    pub in_flight: usize,
    /// Shopify.
    pub shopify: shopify::webhook::Config,
    /// BigCommerce.
    pub bigcommerce: bigcommerce::webhook::Config,
    /// Adobe Commerce.
    pub adobe: adobe::webhook::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body: ByteSize::mib(4),
            patience: Duration::from_secs(3),
            in_flight: 64,
            shopify: shopify::webhook::Config::default(),
            bigcommerce: bigcommerce::webhook::Config::default(),
            adobe: adobe::webhook::Config::default(),
        }
    }
}

/// A platform's webhooks cannot be taken. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its secrets cannot be used.
    #[error("{platform}: {source}")]
    Secret {
        /// `shopify`, …
        platform: &'static str,
        /// Why.
        source: SignerError,
    },
    /// BigCommerce's secrets, or its API.
    #[error("bigcommerce: {0}")]
    Bigcommerce(#[from] bigcommerce::webhook::BigcommerceError),
    /// Adobe's keys cannot be used.
    #[error("adobe: {0}")]
    Adobe(#[from] adobe::webhook::AdobeError),
}

/// Webhooks by platform, those that are configured.
pub type Opened = Vec<(&'static str, Arc<dyn Webhooks>)>;

/// Reads the secrets of every platform that has some. `consent`: where the shop keeps its customers' consent.
/// Errors: [`OpenError`].
pub fn open(config: &Config, consent: Option<&Attribute>) -> Result<Opened, OpenError> {
    let mut opened: Opened = Vec::new();
    let secret = |platform| move |source| OpenError::Secret { platform, source };
    if !config.shopify.secrets.is_empty() {
        let webhooks = shopify::webhook::ShopifyWebhooks::open(&config.shopify, consent).map_err(secret("shopify"))?;
        opened.push(("shopify", Arc::new(webhooks)));
    }
    if !config.bigcommerce.secrets.is_empty() {
        opened.push(("bigcommerce", Arc::new(bigcommerce::webhook::BigcommerceWebhooks::open(&config.bigcommerce)?)));
    }
    if config.adobe.is_set() {
        opened.push(("adobe", Arc::new(adobe::webhook::AdobeWebhooks::open(&config.adobe, consent)?)));
    }
    Ok(opened)
}
