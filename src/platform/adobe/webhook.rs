//! Adobe Commerce's webhooks: proof and shapes, by Adobe's documentation of 2026-11.
//!
//! Two senders, each with keys of its own.
//!
//! **Adobe I/O Events** signs the raw body with RSA and SHA-256 by two keys at once (`x-adobe-digital-signature-1`, `-2`);
//! one that fits is enough. The same keys sign for every customer of Adobe: a delivery is for this shop only where its body
//! names the project's client. The public keys are those of the settings; the paths that a request names are not followed.
//! The body is a CloudEvent, or a list of them, whose `data.value` is what Commerce's event holds. A new address is
//! tried with a `challenge`, which is to be answered.
//!
//! **Commerce's own webhooks** sign the base64 of the body (`x-adobe-commerce-webhook-signature`). They name no event, so
//! what is in the body decides, and nothing is erased by them. They wait for an answer that says `"op": "success"`.

mod shapes;
mod standing;

use crate::platform::kept_consent::Attribute;
use crate::platform::news::{Delivery, Unproven, Unreadable, Webhooks};
use crate::platform::public_keys::{KeyError, PublicKeys};
use crate::platform::secret::Secret;
use crate::platform::{loose, signed};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{of_event, of_webhook};
use xxhash_rust::xxh3::xxh3_128;

/// Of Commerce's own webhooks.
const OWN: &str = "x-adobe-commerce-webhook-signature";
/// Of I/O Events.
const SIGNATURES: [&str; 2] = ["x-adobe-digital-signature-1", "x-adobe-digital-signature-2"];
/// The longest challenge answered, in characters; Adobe's have 36.
const CHALLENGE: usize = 128;
/// The most events of one delivery.
const BATCH: usize = 2_000;

/// `[ingest.webhooks.adobe]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Public keys of Adobe I/O Events, PEM, all valid: at most 4. Default: none, and then I/O Events are not taken.
    pub event_keys: Vec<Secret>,
    /// The client id of the project in Adobe's Developer Console whose events these are. I/O Events need it.
    pub client: Option<String>,
    /// Public keys of the shop's own webhooks (Stores, Configuration, Adobe Services, Webhooks), PEM, all valid: at most 4.
    /// Default: none, and then they are not taken.
    pub webhook_keys: Vec<Secret>,
}

impl Config {
    /// Whether any sender is configured.
    pub fn is_set(&self) -> bool {
        !self.event_keys.is_empty() || !self.webhook_keys.is_empty()
    }
}

/// Why Adobe's webhooks cannot be taken. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum AdobeError {
    /// A key cannot be used.
    #[error("{list}: {source}")]
    Key {
        /// `event_keys` or `webhook_keys`.
        list: &'static str,
        /// Why.
        source: KeyError,
    },
    /// I/O Events without a client.
    #[error(
        "event_keys is set and client is not: Adobe signs the events of all its customers with one key, so name the client \
         id of your project"
    )]
    NoClient,
}

/// The webhooks of one shop.
#[derive(Debug)]
pub struct AdobeWebhooks {
    events: PublicKeys,
    client: Option<String>,
    own: PublicKeys,
    consent: Option<Attribute>,
}

impl AdobeWebhooks {
    /// Reads the keys. `consent`: the attribute in which the shop keeps its customers' consent. Errors: [`AdobeError`].
    pub fn open(config: &Config, consent: Option<&Attribute>) -> Result<Self, AdobeError> {
        let open = |list, keys: &[Secret]| PublicKeys::open(keys).map_err(|source| AdobeError::Key { list, source });
        let (events, own) = (open("event_keys", &config.event_keys)?, open("webhook_keys", &config.webhook_keys)?);
        if !events.is_empty() && config.client.is_none() {
            return Err(AdobeError::NoClient);
        }
        Ok(Self { events, client: config.client.clone(), own, consent: consent.cloned() })
    }

    /// Whether an event is for this shop.
    fn is_ours(&self, event: &Value) -> bool {
        let named = loose::first_text(event, &["recipient_client_id", "recipientclientid"]);
        named.is_some() && named == self.client.as_deref()
    }
}

#[async_trait]
impl Webhooks for AdobeWebhooks {
    fn prove(&self, headers: &HeaderMap, body: &[u8], _: Timestamp) -> Result<(), Unproven> {
        if headers.contains_key(OWN) {
            let signature = signed::header(headers, OWN).and_then(signed::from_base64).ok_or(Unproven::Missing(OWN))?;
            let signed = self.own.verify(STANDARD.encode(body).as_bytes(), &signature);
            return if signed { Ok(()) } else { Err(Unproven::Wrong) };
        }
        let mut signatures = SIGNATURES.iter().filter_map(|name| signed::header(headers, name)).peekable();
        if signatures.peek().is_none() {
            return Err(Unproven::Missing(SIGNATURES[0]));
        }
        let fits = signatures.filter_map(signed::from_base64).any(|signature| self.events.verify(body, &signature));
        if fits { Ok(()) } else { Err(Unproven::Wrong) }
    }

    fn read(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Delivery, Unreadable> {
        let told: Value = serde_json::from_slice(body).map_err(|_| Unreadable::NoObject)?;
        if headers.contains_key(OWN) {
            let told = Some(told).filter(Value::is_object).ok_or(Unreadable::NoObject)?;
            let (topic, news) = of_webhook(&told, now);
            return Ok(Delivery { ids: Vec::new(), topic, news });
        }
        let events = match &told {
            Value::Object(_) => std::slice::from_ref(&told),
            Value::Array(events) => events.get(..BATCH).unwrap_or(events),
            _ => return Err(Unreadable::NoObject),
        };
        let mut delivery = Delivery { ids: Vec::new(), topic: "other", news: Vec::new() };
        for event in events.iter().filter(|event| self.is_ours(event)) {
            let (topic, news) = of_event(event, now, self.consent.as_ref());
            delivery.topic = if events.len() == 1 { topic } else { "batch" };
            delivery.news.extend(news);
        }
        delivery.ids = match events {
            [event] => loose::first_id(event, &["event_id", "eventid", "id"]).map(|id| format!("adobe:{id}")),
            // Of a list that came before nothing is new; one of its events may come in another list.
            _ => Some(format!("adobe:batch:{:032x}", xxh3_128(body))),
        }
        .into_iter()
        .collect();
        Ok(delivery)
    }

    fn challenge(&self, query: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let (_, challenge) = pairs.find(|(name, _)| name == "challenge")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let fits = !challenge.is_empty() && challenge.len() <= CHALLENGE && challenge.bytes().all(plain);
        (fits && !self.events.is_empty()).then(|| challenge.into_owned())
    }

    fn verdict(&self, headers: &HeaderMap) -> Option<&'static str> {
        headers.contains_key(OWN).then_some("success")
    }
}

#[cfg(test)]
mod tests;
