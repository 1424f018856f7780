//! Which headers travel between a storefront and Shopify, and what they tell about the shopper.
//!
//! Both directions are allow-lists: an unknown header can draw a 403 from the platform, and what the platform says to
//! the gateway is not all meant for a browser. Source: Shopify's Storefront API documentation and the public source of
//! its client libraries.

use crate::domain::consent::Consent;
use crate::domain::ids::SessionId;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName};

/// Shopify's header of the public access token.
pub(super) const PUBLIC_TOKEN: HeaderName = HeaderName::from_static("x-shopify-storefront-access-token");
/// Shopify's header of the private access token, for servers alone.
pub(super) const PRIVATE_TOKEN: HeaderName = HeaderName::from_static("shopify-storefront-private-token");
/// The address of the buyer behind a server that uses the private token: throttling counts by it.
pub(super) const BUYER_IP: HeaderName = HeaderName::from_static("shopify-storefront-buyer-ip");

/// Request headers that travel on, beside the tokens and `X-SDK-*`. In order of the alphabet, for the binary search.
const FORWARD: [&str; 17] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "cookie",
    "custom-storefront-request-group-id",
    "shopify-storefront-extension-token",
    "shopify-storefront-id",
    "shopify-storefront-s",
    "shopify-storefront-y",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-request-id",
    "x-shopify-api-features",
    "x-shopify-uniquetoken",
    "x-shopify-visittoken",
];

/// Response headers that travel back. In order of the alphabet, for the binary search.
const BACK: [&str; 14] = [
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
    "server-timing",
    "set-cookie",
    "vary",
    "x-request-id",
    "x-shopify-api-deprecated-reason",
    "x-shopify-api-version",
    "x-shopify-api-version-warning",
];

/// Request headers that name the visitor, the visit, the page or the browser, for analytics and logs alone. In order of the
/// alphabet, for the binary search.
const IDENTIFY: [&str; 6] = [
    "custom-storefront-request-group-id",
    "shopify-storefront-s",
    "shopify-storefront-y",
    "user-agent",
    "x-shopify-uniquetoken",
    "x-shopify-visittoken",
];

/// Headers and cookies that name the visitor, the longest-lived first.
const VISITOR: [(&str, &str); 3] =
    [("shopify-storefront-y", ""), ("x-shopify-uniquetoken", ""), ("cookie", "_shopify_y")];
/// Headers and cookies that name the visit.
const VISIT: [(&str, &str); 3] = [("shopify-storefront-s", ""), ("x-shopify-visittoken", ""), ("cookie", "_shopify_s")];

/// Shopify's clients send ids that begin so for everyone who gave no consent: many shoppers, one id.
const NOBODY: &str = "00000000-";

/// Whether a request header travels on. `own_token`: the gateway holds a private token; then what would speak over it
/// stays here. `trust_buyer`: the address of the buyer is taken from the client.
pub(super) fn forwards(name: &HeaderName, own_token: bool, trust_buyer: bool) -> bool {
    if *name == BUYER_IP {
        return !own_token || trust_buyer;
    }
    if *name == PUBLIC_TOKEN || *name == PRIVATE_TOKEN {
        return !own_token;
    }
    FORWARD.binary_search(&name.as_str()).is_ok() || name.as_str().starts_with("x-sdk-")
}

/// Whether a response header travels back.
pub(super) fn returns(name: &HeaderName) -> bool {
    BACK.binary_search(&name.as_str()).is_ok()
}

/// Whether a request header only names who asks.
pub(super) fn identifies(name: &HeaderName) -> bool {
    IDENTIFY.binary_search(&name.as_str()).is_ok()
}

/// The visitor, or else the visit, by header or cookie.
pub(super) fn session(headers: &HeaderMap) -> Option<SessionId> {
    VISITOR.iter().chain(&VISIT).find_map(|(name, in_cookie)| {
        let text = match *in_cookie {
            "" => headers.get(*name)?.to_str().ok()?,
            in_cookie => cookie(headers, in_cookie)?,
        };
        SessionId::parse(text).filter(|id| !id.expose().starts_with(NOBODY))
    })
}

/// The consent in the `_tracking_consent` cookie; `None` where there is none or it cannot be read.
pub(super) fn consent(headers: &HeaderMap) -> Option<Consent> {
    super::consent::read(cookie(headers, "_tracking_consent")?)
}

/// A cookie's raw value. Of two of one name the first, which is the more specific path's.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        assert!(FORWARD.is_sorted());
        assert!(BACK.is_sorted());
        assert!(IDENTIFY.is_sorted());
    }

    #[test]
    fn every_header_of_the_official_clients_travels_and_others_stay() {
        for name in [
            "X-Shopify-Storefront-Access-Token",
            "Shopify-Storefront-Private-Token",
            "Shopify-Storefront-Buyer-IP",
            "X-Shopify-UniqueToken",
            "X-Shopify-VisitToken",
            "Shopify-Storefront-Y",
            "Shopify-Storefront-S",
            "Shopify-Storefront-Id",
            "Custom-Storefront-Request-Group-ID",
            "X-SDK-Variant",
            "X-SDK-Version",
            "cookie",
            "content-type",
        ] {
            assert!(forwards(&name.parse().unwrap(), false, false), "{name}");
        }
        for name in ["authorization", "outfitter-session", "outfitter-consent", "x-forwarded-for", "origin", "host"] {
            assert!(!forwards(&name.parse().unwrap(), false, false), "{name}");
        }
        for name in ["set-cookie", "server-timing", "x-request-id", "content-language"] {
            assert!(returns(&name.parse().unwrap()), "{name}");
        }
        assert!(!returns(&"x-internal".parse().unwrap()));
    }

    #[test]
    fn a_client_cannot_speak_over_the_gateways_private_token() {
        assert!(!forwards(&PUBLIC_TOKEN, true, false));
        assert!(!forwards(&PRIVATE_TOKEN, true, false));
        assert!(!forwards(&BUYER_IP, true, false));
        assert!(forwards(&BUYER_IP, true, true));
    }

    #[test]
    fn the_visitor_is_known_by_header_or_cookie_and_stands_before_the_visit() {
        let id = |pairs: &[(&'static str, &str)]| session(&with(pairs)).map(|id| id.expose().to_owned());
        assert_eq!(id(&[("shopify-storefront-s", "s1"), ("shopify-storefront-y", "y1")]).as_deref(), Some("y1"));
        assert_eq!(id(&[("x-shopify-visittoken", "s1")]).as_deref(), Some("s1"));
        assert_eq!(id(&[("cookie", "a=b; _shopify_s=s1; _shopify_y=y1")]).as_deref(), Some("y1"));
        assert_eq!(id(&[("cookie", "_shopify_ya=x")]), None);
        assert_eq!(id(&[]), None);
    }

    #[test]
    fn the_id_that_shopify_gives_to_everyone_without_consent_is_nobodys() {
        let shared = "00000000-0000-0000-5000-000000000000";
        assert!(session(&with(&[("shopify-storefront-y", shared)])).is_none());
        let own = session(&with(&[("shopify-storefront-y", shared), ("shopify-storefront-s", "s1")]));
        assert_eq!(own.map(|id| id.expose().to_owned()).as_deref(), Some("s1"));
    }
}
