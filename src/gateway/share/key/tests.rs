//! The property that sharing rests on: shopper × consent × market × token × cookies × headers.

use super::*;
use crate::gateway::accept::Media;
use crate::gateway::forward;
use crate::platform::shopify::Shopify;
use http::HeaderValue;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A request of a shopper somewhere, by number, so that two are often alike.
#[derive(Clone, Debug)]
struct Sent {
    get: bool,
    market: u8,
    headers: Vec<(&'static str, &'static str)>,
    query: Option<&'static str>,
    multipart: bool,
}

const HEADERS: &[(&str, &[&str])] = &[
    ("cookie", &["_shopify_y=ada", "_shopify_y=bob", "theme=dark"]),
    ("authorization", &["Bearer ada"]),
    ("outfitter-session", &["ada", "bob"]),
    ("outfitter-consent", &["all", "none"]),
    ("shopify-storefront-y", &["ada", "bob", "00000000-0000-0000-5000-000000000000"]),
    ("shopify-storefront-s", &["visit-1"]),
    ("x-shopify-storefront-access-token", &["public-1", "public-2"]),
    ("shopify-storefront-private-token", &["private"]),
    ("shopify-storefront-buyer-ip", &["192.0.2.1", "192.0.2.2"]),
    ("accept-language", &["de", "en"]),
    ("accept-encoding", &["gzip", "br"]),
    ("user-agent", &["one", "two"]),
    ("x-sdk-variant", &["a", "b"]),
    ("x-shopify-api-features", &["beta"]),
    ("custom-storefront-request-group-id", &["1", "2"]),
    ("x-request-id", &["1", "2"]),
    ("traceparent", &["1", "2"]),
    ("x-unknown", &["1"]),
];

fn sent() -> impl Strategy<Value = Sent> {
    let header = |(name, values): &(&'static str, &'static [&'static str])| {
        let name = *name;
        // Most shoppers send few of them: otherwise no two requests would ever be alike.
        proptest::option::weighted(0.06, proptest::sample::select(*values)).prop_map(move |value| Some((name, value?)))
    };
    let headers = HEADERS.iter().map(header).collect::<Vec<_>>();
    let query = proptest::option::weighted(0.2, proptest::sample::select(&["cb=1", "cb=2"][..]));
    (any::<bool>(), 0..2_u8, headers, query, any::<bool>()).prop_map(|(get, market, headers, query, multipart)| Sent {
        get,
        market,
        headers: headers.into_iter().flatten().collect(),
        query,
        multipart,
    })
}

impl Sent {
    fn key(&self, without: Option<Part>) -> Option<Key> {
        let platform = Shopify::open(&Default::default()).unwrap();
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let came: HeaderMap = self.headers.iter().map(header).collect();
        let sent = forward::headers(&platform, &came, [127, 0, 0, 1].into());
        let country = ["DE", "US"][usize::from(self.market)];
        let body = Bytes::from(format!("{{\"query\":\"{{ shop }}\",\"variables\":{{\"country\":\"{country}\"}}}}"));
        let method = if self.get { Method::GET } else { Method::POST };
        let accept = Accept { media: Media::Json, multipart: self.multipart };
        let asked = Asked { method: &method, query: self.query, body: &body, sent: &sent, came: &came, accept };
        let hasher = ahash::RandomState::with_seed(1);
        // What requests are given, so that the property is one of that; without a part only for these tests.
        let whole = Key::of(&asked, &platform, &hasher)?;
        Some(if without.is_none() { whole } else { Key::without(without, &asked, &platform, &hasher) })
    }

    /// All that could tell a shopper or a context from another.
    fn told(&self) -> impl PartialEq + std::fmt::Debug {
        let passes =
            |name: &str| !["x-request-id", "traceparent", "shopify-storefront-buyer-ip", "x-unknown"].contains(&name);
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| passes(name)).copied().collect();
        (self.get, self.market, headers, self.query, self.multipart)
    }

    fn has_identity(&self) -> bool {
        let identity = |(name, value): &(&str, &str)| {
            ["cookie", "authorization", "outfitter-session", "outfitter-consent", "shopify-storefront-s"].contains(name)
                || (*name == "shopify-storefront-y" && !value.starts_with("00000000-"))
        };
        self.headers.iter().any(identity)
    }
}

/// Runs the property on keys without a part, always with the same numbers.
fn holds(without: Option<Part>) -> Result<(), String> {
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let property = |(one, other): (Sent, Sent)| {
        let (first, second) = (one.key(without), other.key(without));
        prop_assert!(first.is_none() || !one.has_identity(), "somebody shares: {one:?}");
        if first.is_some() && first == second {
            prop_assert_eq!(one.told(), other.told());
        }
        Ok(())
    };
    runner.run(&(sent(), sent()), property).map_err(|error| error.to_string())
}

#[test]
fn two_requests_share_only_where_nothing_tells_their_shoppers_or_contexts_apart() {
    holds(None).unwrap();
}

#[test]
fn every_part_of_the_key_is_needed() {
    for part in [Part::Method, Part::Query, Part::Headers, Part::Body, Part::Accept] {
        assert!(holds(Some(part)).is_err(), "nothing shows that a key without {part:?} mixes answers up");
    }
}

#[test]
fn the_same_request_of_two_anonymous_shoppers_is_shared() {
    let sent = |address| Sent {
        get: false,
        market: 0,
        headers: vec![("accept-language", "de"), ("x-request-id", address), ("shopify-storefront-buyer-ip", address)],
        query: None,
        multipart: false,
    };
    assert!(sent("1").key(None).is_some());
    assert_eq!(sent("1").key(None), sent("2").key(None));
}

#[test]
fn what_concerns_one_shopper_is_known_by_its_words() {
    for text in
        ["query K($id: ID!) { cart(id: $id) { id } }", "{ customer { id } }", r#"{"id":"gid://shopify/Cart/1"}"#]
    {
        assert!(is_personal(text.as_bytes()), "{text}");
    }
    assert!(is_personal(br#"{"customerAccessToken":"t"}"#));
    assert!(is_personal(br#"{"id":"gid://shopify/\u0043art/1"}"#), "an escape could hide any word");
    assert!(is_personal(b"query Q @inContext(buyer: $b) { shop { name } }"));
    for text in ["query P($handle: String!) { product(handle: $handle) { title } }", r#"{"handle":"tee","c":"CA"}"#, ""]
    {
        assert!(!is_personal(text.as_bytes()), "{text}");
    }
}
