//! The property that keeping rests on: shopper × consent × market × currency × company × token × headers. A shop answers by
//! everything that it is told; what is kept for one request must be what it would have answered to the other.

use super::*;
use crate::gateway::forward;
use crate::platform::shopify::Shopify;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A look-up for a shopper somewhere, by number, so that two are often alike.
#[derive(Clone, Debug)]
struct Asked {
    /// Which selection, and with which operation directives.
    document: usize,
    market: usize,
    currency: usize,
    /// Which company a buyer is of; 0: nobody's.
    company: usize,
    address: usize,
    headers: Vec<(&'static str, &'static str)>,
}

const DOCUMENTS: [&str; 4] = [
    "query($_gw_i0:[ID!]! $country:CountryCode) @inContext(country:$country){_gw_s0:nodes(ids:$_gw_i0){...on Product{title}}}",
    "query($_gw_i0:[ID!]! $country:CountryCode) @inContext(country:$country){_gw_s0:nodes(ids:$_gw_i0){...on Product{vendor}}}",
    "query($_gw_i0:[ID!]! $buyer:BuyerInput) @inContext(buyer:$buyer){_gw_s0:nodes(ids:$_gw_i0){...on Product{title}}}",
    "query($_gw_i0:[ID!]! $c:VisitorConsent) @inContext(visitorConsent:$c){_gw_s0:nodes(ids:$_gw_i0){...on Product{title}}}",
];

const HEADERS: &[(&str, &[&str])] = &[
    ("cookie", &["_shopify_y=ada", "_shopify_y=bob", "outfitter_session=ada"]),
    ("authorization", &["Bearer ada"]),
    ("outfitter-session", &["ada", "bob"]),
    ("outfitter-consent", &["all", "none"]),
    ("shopify-storefront-y", &["ada", "bob"]),
    ("shopify-storefront-s", &["visit-1", "visit-2"]),
    ("x-shopify-uniquetoken", &["ada", "bob"]),
    ("x-shopify-storefront-access-token", &["public-1", "public-2"]),
    ("shopify-storefront-private-token", &["private"]),
    ("shopify-storefront-buyer-ip", &["192.0.2.1", "192.0.2.2"]),
    ("shopify-storefront-id", &["1", "2"]),
    ("accept-language", &["de", "en"]),
    ("user-agent", &["one", "two"]),
    ("x-sdk-variant", &["a", "b"]),
    ("x-shopify-api-features", &["beta"]),
    ("custom-storefront-request-group-id", &["1", "2"]),
    ("x-request-id", &["1", "2"]),
    ("traceparent", &["1", "2"]),
    ("x-unknown", &["1"]),
];

fn asked() -> impl Strategy<Value = Asked> {
    let header = |(name, values): &(&'static str, &'static [&'static str])| {
        let name = *name;
        // Most shoppers send few of them: otherwise no two requests would ever be alike.
        proptest::option::weighted(0.06, proptest::sample::select(*values)).prop_map(move |value| Some((name, value?)))
    };
    let headers = HEADERS.iter().map(header).collect::<Vec<_>>();
    (0..DOCUMENTS.len(), 0..2_usize, 0..2_usize, 0..3_usize, 0..2_usize, headers).prop_map(
        |(document, market, currency, company, address, headers)| Asked {
            document,
            market,
            currency,
            company: company / 2,
            address,
            headers: headers.into_iter().flatten().collect(),
        },
    )
}

impl Asked {
    fn variables(&self) -> String {
        let country = ["DE", "US"][self.market];
        let currency = ["EUR", "USD"][self.currency];
        let company = ["", r#","b":{"companyLocationId":"1","customerAccessToken":"t"}"#][self.company];
        format!(r#""country":"{country}","currency":"{currency}"{company}"#)
    }

    fn sent(&self) -> Option<Sent> {
        let platform = Shopify::open(&Default::default()).unwrap();
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let came: HeaderMap = self.headers.iter().map(header).collect();
        let headers = nameless(&forward::headers(&platform, &came, [127, 0, 0, 1].into()), &platform)?;
        let address = ["http://one.test/graphql", "http://two.test/graphql"][self.address];
        Some(Sent { address: address.parse().unwrap(), headers })
    }

    fn context(&self, without: Option<Part>) -> Option<Context> {
        let (sent, platform) = (self.sent()?, Shopify::open(&Default::default()).unwrap());
        let (text, variables) = (DOCUMENTS[self.document], self.variables());
        // What requests are given, so that the property is one of that; without a part only for these tests.
        let whole = sent.context(&Document::new(text), &variables, &platform)?;
        let blind = || sent.without(without, &Document::without(without, text), &variables, &platform);
        Some(if without.is_none() { whole } else { blind() })
    }

    /// What the shop answers, which is everything that it is told but what by its word never counts.
    fn answer(&self) -> impl PartialEq + std::fmt::Debug {
        let sent = self.sent().unwrap();
        let counts = |name: &str| !["x-request-id", "traceparent", "shopify-storefront-buyer-ip"].contains(&name);
        let header =
            |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
        let mut headers: Vec<_> = sent.headers.iter().map(header).filter(|(name, _)| counts(name)).collect();
        headers.sort();
        (DOCUMENTS[self.document], self.variables(), sent.address, headers)
    }

    /// Whether the request says who asks in a way that cannot be left out of a look-up.
    fn has_identity(&self) -> bool {
        let identity = |(name, value): &(&str, &str)| *name == "cookie" && !value.starts_with("outfitter_session=");
        self.headers.iter().any(identity) || self.document >= 2 || self.company > 0
    }

    /// Whether anything that is sent for kept products names the visitor.
    fn names_the_visitor(&self) -> bool {
        let named = ["ada", "bob", "visit-1", "visit-2"];
        self.sent().is_some_and(|sent| sent.headers.values().any(|value| named.contains(&value.to_str().unwrap())))
    }
}

/// Runs the property on keys without a part, always with the same numbers.
fn holds(without: Option<Part>) -> Result<(), String> {
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let property = |(one, other): (Asked, Asked)| {
        let (first, second) = (one.context(without), other.context(without));
        prop_assert!(first.is_none() || !one.has_identity(), "somebody's products are kept: {one:?}");
        prop_assert!(!one.names_the_visitor(), "the shop is told who asks: {one:?}");
        if first.is_some() && first == second {
            prop_assert_eq!(one.answer(), other.answer());
        }
        Ok(())
    };
    runner.run(&(asked(), asked()), property).map_err(|error| error.to_string())
}

#[test]
fn two_requests_show_the_same_products_only_where_the_shop_would_answer_both_the_same() {
    holds(None).unwrap();
}

#[test]
fn every_part_of_the_key_is_needed() {
    for part in [Part::Document, Part::Address, Part::Headers, Part::Variables] {
        assert!(holds(Some(part)).is_err(), "nothing shows that a key without {part:?} mixes shoppers up");
    }
}

#[test]
fn two_visitors_in_one_market_show_the_same_products() {
    let asked = |who: &'static str, ip: &'static str| Asked {
        document: 0,
        market: 0,
        currency: 0,
        company: 0,
        address: 0,
        headers: vec![
            ("outfitter-session", who),
            ("shopify-storefront-y", who),
            ("user-agent", who),
            ("x-request-id", ip),
            ("shopify-storefront-buyer-ip", ip),
            ("accept-language", "de"),
        ],
    };
    let (ada, bob) = (asked("ada", "192.0.2.1").context(None), asked("bob", "192.0.2.2").context(None));
    assert!(ada.is_some());
    assert_eq!(ada, bob);
}
