//! BigCommerce's webhooks: proof and shapes, by its documentation.
//!
//! Proof: Standard Webhooks. `webhook-signature` holds, separated by spaces, `v1,` and the base64 of HMAC-SHA-256 of
//! `{webhook-id}.{webhook-timestamp}.{body}` with the app's client secret; a secret that begins with `whsec_` is base64.
//! A delivery older than five minutes is not taken: it may have been heard by somebody else.
//!
//! The bodies name an object by its id and say no more of it: a product that is gone is taken out of the catalogue, of
//! anything else that changed the shop is to be asked; for orders and carts its management API ([`super::api`]).

use super::api::{Api, ApiError};
use crate::domain::ids::{CollectionKey, CustomerId, ProductKey};
use crate::platform::loose;
use crate::platform::news::{Change, Delivery, News, NoAnswer, Unproven, Unreadable, Wanted, Webhooks};
use crate::platform::secret::Secret;
use crate::platform::signed::{self, SignerError, Signers};
use async_trait::async_trait;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far the sender's clock and ours may be apart, and how long a delivery may be under way.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// `[ingest.webhooks.bigcommerce]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Client secrets of the app, all valid: during a rotation the new and the old. Default: none, and then BigCommerce's
    /// webhooks are not taken.
    pub secrets: Vec<Secret>,
    /// The shop's management API, `https://api.bigcommerce.com/stores/` and the shop's hash, which is asked for orders and carts.
    /// Default: none, and nothing is learned of these.
    pub api: Option<String>,
    /// The token of an API account that may read orders and carts, and nothing else. Default: none.
    pub token: Option<Secret>,
}

/// The webhooks of one app.
#[derive(Debug)]
pub struct BigcommerceWebhooks {
    signers: Signers,
    api: Option<Api>,
}

/// The webhooks cannot be taken. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum BigcommerceError {
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SignerError),
    /// The API.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl BigcommerceWebhooks {
    /// Reads the secrets. Errors: one that cannot be read.
    pub fn open(config: &Config) -> Result<Self, BigcommerceError> {
        let key = |text: &str| match text.strip_prefix("whsec_").and_then(signed::from_base64) {
            Some(bytes) => bytes,
            None => text.as_bytes().to_vec(),
        };
        let api = Api::open(config.api.as_deref(), config.token.as_ref())?;
        Ok(Self { signers: Signers::open(&config.secrets, key)?, api })
    }
}

#[async_trait]
impl Webhooks for BigcommerceWebhooks {
    fn prove(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Unproven> {
        let header = |name: &'static str| signed::header(headers, name).ok_or(Unproven::Missing(name));
        let (id, sent) = (header("webhook-id")?, header("webhook-timestamp")?);
        let signatures = header("webhook-signature")?;
        let at = sent.parse::<i64>().ok().and_then(|second| Timestamp::from_second(second).ok());
        let at = at.ok_or(Unproven::Missing("webhook-timestamp"))?;
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", sent.as_bytes(), b".", body];
        let versioned = signatures.split_whitespace().take(8).filter_map(|signature| signature.strip_prefix("v1,"));
        let fits = versioned.filter_map(signed::from_base64).any(|signature| self.signers.sign(&parts, &signature));
        if !fits {
            return Err(Unproven::Wrong);
        }
        // After the signature, so that the clock tells nothing to who cannot sign.
        if now.duration_since(at).abs() > TOLERANCE { Err(Unproven::Stale) } else { Ok(()) }
    }

    fn read(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Delivery, Unreadable> {
        let told: Value = serde_json::from_slice(body).ok().filter(Value::is_object).ok_or(Unreadable::NoObject)?;
        let id = signed::header(headers, "webhook-id").map(|id| format!("bigcommerce::{id}"));
        // The body's own hash stays the same where one event is sent twice.
        let hash = loose::first_text(&told, &["hash"]).map(|hash| format!("bigcommerce:hash:{hash}"));
        let scope = loose::first_text(&told, &["scope"]).unwrap_or_default();
        let at = told.get("created_at").and_then(loose::moment).unwrap_or(now);
        let (topic, mut news) = news(scope, told.get("data").unwrap_or(&Value::Null), at.min(now));
        // Nobody is there to be asked.
        news = news.filter(|news| self.api.is_some() || !matches!(news, News::Ask(..)));
        Ok(Delivery { ids: id.into_iter().chain(hash).collect(), topic, news: news.into_iter().collect() })
    }

    async fn fetch(&self, wanted: &Wanted) -> Result<Vec<News>, NoAnswer> {
        match &self.api {
            Some(api) => api.fetch(wanted).await,
            None => Ok(Vec::new()),
        }
    }
}

fn news(scope: &str, data: &Value, at: Timestamp) -> (&'static str, Option<News>) {
    let id = loose::first_id(data, &["id", "product_id"]);
    let of_product = || loose::first_id(data.get("inventory").unwrap_or(data), &["product_id", "id"]);
    let touched = || of_product().map(|id| News::Catalogue(Change::Touched(ProductKey::new(id))));
    let order = || id.clone().filter(|id| names_one(id)).map(|id| News::Ask("bigcommerce", Wanted::Order(id)));
    match scope {
        "store/order/created" => ("store/order/created", order()),
        "store/order/updated" | "store/order/statusUpdated" | "store/order/archived" => {
            ("store/order/updated", order())
        }
        scope if scope.starts_with("store/cart/") && !scope.ends_with("/deleted") => {
            let id = loose::first_id(data, &["cartId", "id"]).filter(|id| names_one(id));
            ("store/cart/updated", id.map(|id| News::Ask("bigcommerce", Wanted::Cart(id, at))))
        }
        "store/product/deleted" => {
            let gone = id.map(|id| News::Catalogue(Change::Gone(ProductKey::new(id), at)));
            ("store/product/deleted", gone)
        }
        "store/category/deleted" => {
            let gone = id.map(|id| News::Catalogue(Change::CollectionGone(CollectionKey::new(id))));
            ("store/category/deleted", gone)
        }
        "store/customer/deleted" => ("store/customer/deleted", id.map(|id| News::Redact(CustomerId::new(id)))),
        "store/app/uninstalled" => ("store/app/uninstalled", Some(News::Uninstalled)),
        "store/product/created" => ("store/product/created", touched()),
        "store/product/updated" => ("store/product/updated", touched()),
        "store/product/inventory/updated" | "store/product/inventory/order/updated" => {
            ("store/product/inventory/updated", touched())
        }
        "store/category/created" | "store/category/updated" => {
            ("store/category/updated", Some(News::Catalogue(Change::Stale)))
        }
        _ => ("other", None),
    }
}

/// Whether it is an id and nothing that leads elsewhere within an address.
fn names_one(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::signed::Signers;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    const BODY: &[u8] = br#"{"scope":"store/product/deleted","store_id":"1001","data":{"type":"product","id":205},
        "hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1767323045,"producer":"stores/abc"}"#;

    fn webhooks() -> BigcommerceWebhooks {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "client secret").unwrap();
        let key = |text: &str| text.as_bytes().to_vec();
        BigcommerceWebhooks { signers: Signers::open(&[Secret::File(path)], key).unwrap(), api: None }
    }

    fn headers(at: i64, body: &[u8]) -> HeaderMap {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"client secret").unwrap();
        mac.update(format!("msg_1.{at}.").as_bytes());
        mac.update(body);
        let signature = format!("v1,AAAA v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn a_standard_webhook_is_proven_by_id_time_and_body_together() {
        let (webhooks, now) = (webhooks(), Timestamp::from_second(1_767_323_045).unwrap());
        let at = now.as_second();
        assert_eq!(webhooks.prove(&headers(at, BODY), BODY, now), Ok(()));
        assert_eq!(webhooks.prove(&headers(at, BODY), b"{}", now), Err(Unproven::Wrong));
        let mut another = headers(at, BODY);
        another.insert("webhook-id", "msg_2".parse().unwrap());
        assert_eq!(webhooks.prove(&another, BODY, now), Err(Unproven::Wrong));
        assert_eq!(webhooks.prove(&HeaderMap::new(), BODY, now), Err(Unproven::Missing("webhook-id")));
    }

    #[test]
    fn a_standard_webhook_that_is_heard_again_later_is_stale() {
        let (webhooks, now) = (webhooks(), Timestamp::from_second(1_767_323_045).unwrap());
        for apart in [-301, 301] {
            let late = headers(now.as_second() + apart, BODY);
            assert_eq!(webhooks.prove(&late, BODY, now), Err(Unproven::Stale), "{apart}");
        }
        assert_eq!(webhooks.prove(&headers(now.as_second() - 299, BODY), BODY, now), Ok(()));
    }

    #[test]
    fn a_deleted_product_is_gone_and_a_changed_one_is_to_be_asked_for() {
        let (webhooks, now) = (webhooks(), Timestamp::from_second(1_767_323_045).unwrap());
        let delivery = webhooks.read(&headers(0, BODY), BODY, now).unwrap();
        assert_eq!(delivery.ids.len(), 2);
        assert!(
            matches!(&delivery.news[..], [News::Catalogue(Change::Gone(key, at))] if key.as_str() == "205" && *at == now)
        );
        let updated = br#"{"scope":"store/product/updated","data":{"type":"product","id":205}}"#;
        let delivery = webhooks.read(&HeaderMap::new(), updated, now).unwrap();
        assert!(matches!(&delivery.news[..], [News::Catalogue(Change::Touched(key))] if key.as_str() == "205"));
        let other = webhooks.read(&HeaderMap::new(), br#"{"scope":"store/shipment/created"}"#, now).unwrap();
        assert_eq!((other.topic, other.news.len()), ("other", 0));
        assert!(webhooks.read(&HeaderMap::new(), b"[]", now).is_err());
    }

    #[test]
    fn orders_and_carts_are_asked_for_by_ids_that_lead_nowhere_else() {
        let now = Timestamp::now();
        let asked = |scope: &str, id: &str| {
            let told = news(scope, &serde_json::json!({ "type": "order", "id": id }), now);
            told.1.map(|news| format!("{news:?}")).unwrap_or_default()
        };
        assert_eq!(asked("store/order/created", "250"), r#"Ask("bigcommerce", Order("250"))"#);
        assert!(asked("store/cart/lineItem/created", "bc218c65-7a32").contains(r#"Cart("bc218c65-7a32""#));
        for id in ["", "../customers", "1?x", "1/2", "%2e%2e", &"1".repeat(65)] {
            assert_eq!(asked("store/order/statusUpdated", id), "", "{id}");
        }
        // Nobody is there to be asked.
        let told = br#"{"scope":"store/order/created","data":{"type":"order","id":250}}"#;
        let delivery = webhooks().read(&HeaderMap::new(), told, now).unwrap();
        assert_eq!((delivery.topic, delivery.news.len()), ("store/order/created", 0));
    }
}
