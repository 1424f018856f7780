//! Who is asking: [`Evidence`] is what a request brought, [`Caller`] what is known after it was weighed.

use super::cookie::SetCookie;
use super::glimpse::Glimpse;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;
use crate::domain::standing::Told;
use crate::store::ShopperState;
use http::HeaderMap;
use std::fmt;
use std::time::Instant;

/// What one request brought that says who is asking and what they allow.
#[derive(Clone, Default)]
pub struct Evidence {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The consent in the operation itself (`@inContext(visitorConsent: …)`), where it has one.
    pub in_context: Option<Consent>,
    /// The customer token of the operation or its headers. A credential; it counts only once the platform confirmed it.
    pub token: Option<String>,
    /// The market.
    pub market: Market,
    /// Whether the client reached the shop over HTTPS: the cookie is then `Secure`.
    pub https: bool,
    /// Whether the answer may carry the gateway's cookie: it has personalized fields, so no cache keeps it.
    pub may_set_cookie: bool,
    /// How long the store may take for what is on file.
    pub patience: Patience,
}

/// Who waits for what is read of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// A shopper, for a page: what is not read within a moment is done without.
    #[default]
    Page,
    /// Nobody but whoever sent an event: without the consent that is on file it would be refused.
    Event,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("market", &self.market)
            .field("token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

/// Where the consent in force comes from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsentSource {
    /// The header `Outfitter-Consent`.
    Header,
    /// The operation.
    Operation,
    /// The platform's headers or cookies.
    Platform,
    /// What the shopper set through the gateway.
    OnFile,
    /// What the shop keeps with its customer. Where something is on file, too, both have to allow.
    Customer,
    /// The shop's default.
    Default,
}

/// Where the session id comes from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionSource {
    /// The header `Outfitter-Session`.
    Header,
    /// The platform's headers or cookies.
    Platform,
    /// The gateway's own cookie.
    Cookie,
    /// Made for this request; goes out with [`Caller::set_cookie`].
    Made,
}

/// Who is asking. Holds keyed hashes only, but for the cookie to be set, whose `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key to read and write under: the customer's where confirmed, else the session's.
    pub shopper: Option<ShopperKey>,
    /// The session's key.
    pub session: Option<ShopperKey>,
    /// The key of the customer whom the platform confirmed for this request.
    pub customer: Option<ShopperKey>,
    /// Where the session id comes from; `None` without one.
    pub session_source: Option<SessionSource>,
    /// Consent in force.
    pub consent: Consent,
    /// Where it comes from.
    pub consent_source: ConsentSource,
    /// The market.
    pub market: Market,
    /// Whether a browser fetched ahead of the shopper: nothing is learned from it.
    pub prefetch: bool,
    /// The cookie to set on the answer.
    pub set_cookie: Option<SetCookie>,
    /// What the platform said of the customer when it confirmed them and is not stored yet.
    pub(crate) told: Option<Told>,
    /// Keys of the same session and customer under older secrets, each with the key that took its place.
    pub(crate) older: Vec<(ShopperKey, ShopperKey)>,
    /// When the evidence was weighed: a withdrawal after it counts more.
    pub(crate) weighed: Instant,
    /// Whether the client reached the shop over HTTPS.
    pub(crate) https: bool,
    /// What was read of the store on the way.
    pub(crate) glimpse: Glimpse,
}

impl Caller {
    /// A caller of whom nothing is known and who allows nothing.
    pub fn nobody(market: Market) -> Self {
        Self {
            shopper: None,
            session: None,
            customer: None,
            session_source: None,
            consent: Consent::NONE,
            consent_source: ConsentSource::Default,
            market,
            prefetch: false,
            set_cookie: None,
            told: None,
            older: Vec::new(),
            weighed: Instant::now(),
            https: false,
            glimpse: Glimpse::default(),
        }
    }

    /// Whether a purpose is allowed.
    pub fn allows(&self, purpose: Purpose) -> bool {
        self.consent.allows(purpose)
    }

    /// A state of the caller's with what the platform said when it confirmed the customer.
    pub(crate) fn heard(&self, mut state: ShopperState) -> ShopperState {
        if let Some(told) = &self.told {
            // Storing it may still be on its way.
            state.standing.hear(told);
        }
        state
    }

    /// Whether anything of this request may be learned.
    pub fn teaches(&self) -> bool {
        !self.prefetch
            && self.shopper.is_some()
            && (self.allows(Purpose::Preferences) || self.allows(Purpose::Analytics))
    }

    /// Every key under which something of this caller may be stored.
    pub fn keys(&self) -> impl Iterator<Item = &ShopperKey> {
        self.customer.iter().chain(&self.session).chain(self.older.iter().map(|(old, _)| old))
    }
}

/// Whether the headers say that a browser fetches ahead: a page that nobody may ever look at.
pub fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .into_iter()
        .flat_map(|name| headers.get_all(name))
        .any(|value| value.as_bytes().windows(8).any(|part| part.eq_ignore_ascii_case(b"prefetch")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_request_fetched_ahead_is_known_by_any_of_its_headers() {
        for (name, value, ahead) in [
            ("sec-purpose", "prefetch;prerender", true),
            ("purpose", "Prefetch", true),
            ("x-moz", "prefetch", true),
            ("purpose", "navigate", false),
            ("accept", "prefetch", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(is_prefetch(&headers), ahead, "{name}: {value}");
        }
    }

    #[test]
    fn evidence_never_shows_a_token_or_a_header() {
        let mut headers = HeaderMap::new();
        headers.insert("outfitter-session", HeaderValue::from_static("raw-session"));
        let evidence = Evidence { headers, token: Some("raw-token".into()), ..Evidence::default() };
        let shown = format!("{evidence:?}");
        assert!(!shown.contains("raw-"), "{shown}");
    }
}
