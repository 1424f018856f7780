//! Asking Shopify the gateway's own questions: a page of the catalogue, whose token this is.

use super::convert;
use super::queries::{Catalogue, Customer, catalogue, customer};
use crate::domain::ids::CustomerId;
use crate::domain::standing::{Tags, Told};
use crate::platform::answer::Answer;
use crate::platform::kept_consent::{self, Attribute};
use crate::platform::pages::{CataloguePages, Page, PageError};
use crate::platform::upstream::{Repeat, Upstream, UpstreamError};
use crate::platform::{Confirmed, Wanted};
use crate::telemetry::customer_data::StandingUntold;
use async_trait::async_trait;
use graphql_client::{GraphQLQuery, Response};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Products a page: with their variants and collections well within the platform's limit of objects for one query.
const PAGE: i64 = 50;
/// The most characters of an upstream message that are repeated in an error.
const QUOTE: usize = 200;

/// Pages through the products of a Shopify shop.
pub(super) struct Pages {
    pub(super) upstream: Upstream,
}

#[async_trait]
impl CataloguePages for Pages {
    async fn page(&self, after: Option<&str>) -> Result<Page, PageError> {
        let variables = catalogue::Variables { first: PAGE, after: after.map(str::to_owned) };
        let body = body(&Catalogue::build_query(variables))?;
        // The crawl waits and asks again by itself, for longer than a request may.
        let answer = self.upstream.ask(HeaderMap::new(), body, Repeat::Never).await?;
        convert::page(read::<catalogue::ResponseData>(&answer)?.products)
    }
}

/// Whose token this is, by the platform's own answer, with what is wanted of the customer. `None`: nobody's, or expired.
/// Where what is wanted may not be read, the customer is asked for alone.
pub(super) async fn confirm(
    upstream: &Upstream,
    headers: HeaderMap,
    token: &str,
    wanted: &Wanted,
) -> Result<Option<Confirmed>, UpstreamError> {
    let unreadable = |error: PageError| UpstreamError::Read(without(token, error.to_string()));
    let body = customer_body(token, wanted).map_err(unreadable)?;
    let at = Timestamp::now();
    let answer = upstream.ask(headers.clone(), body, Repeat::Once).await?;
    match customer_of(&answer, wanted, at) {
        Err(PageError::Refused(message)) if *wanted != Wanted::default() => {
            StandingUntold { reason: &without(token, message) }.emit();
            let alone = Wanted::default();
            let answer = upstream.ask(headers, customer_body(token, &alone).map_err(unreadable)?, Repeat::Once).await?;
            customer_of(&answer, &alone, at).map_err(unreadable)
        }
        confirmed => confirmed.map_err(unreadable),
    }
}

/// An error's words, unless they repeat the token or its beginning: they are logged.
fn without(token: &str, words: String) -> String {
    let repeats = token.get(..8.min(token.len())).is_some_and(|beginning| words.contains(beginning));
    if repeats { "its words repeat the token and are left out".to_owned() } else { words }
}

fn customer_body(token: &str, wanted: &Wanted) -> Result<bytes::Bytes, PageError> {
    // What is not asked for has to be named all the same.
    let (namespace, key) = wanted.consent.as_ref().map_or(("custom", "none"), Attribute::metafield);
    body(&Customer::build_query(customer::Variables {
        token: token.to_owned(),
        tags: !wanted.tags.is_empty(),
        consent: wanted.consent.is_some(),
        namespace: namespace.to_owned(),
        key: key.to_owned(),
    }))
}

/// The answer of `Customer`. The generated type would miss the tags where they were not asked for.
#[derive(Deserialize)]
struct Asked {
    customer: Option<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    tags: Option<Vec<String>>,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
struct Metafield {
    value: String,
}

/// The customer of an answer, as of the moment of the question.
fn customer_of(answer: &Answer, wanted: &Wanted, at: Timestamp) -> Result<Option<Confirmed>, PageError> {
    let data = read::<Asked>(answer)?;
    Ok(data.customer.map(|customer| {
        let kept = customer.metafield.and_then(|kept| kept_consent::read("shopify", &Value::String(kept.value)));
        let consent = wanted.consent.is_some().then_some(kept);
        let tags = customer.tags.filter(|_| !wanted.tags.is_empty());
        let tags = tags.map(|tags| Tags::All(tags.into_iter().map(Into::into).collect()));
        let mut told = Told { consent, tags, at };
        told.keep_tags(&wanted.tags);
        Confirmed { id: CustomerId::new(customer.id), told }
    }))
}

fn body<V: Serialize>(query: &graphql_client::QueryBody<V>) -> Result<bytes::Bytes, PageError> {
    let body = serde_json::to_vec(query).map_err(|error| PageError::Malformed(error.to_string()))?;
    Ok(body.into())
}

/// Reads the data of an answer, or says why there is none.
fn read<D: DeserializeOwned>(answer: &Answer) -> Result<D, PageError> {
    let status = answer.status;
    // 430 is Shopify's own, for clients that it holds to be abusive.
    if status == StatusCode::TOO_MANY_REQUESTS || status.as_u16() == 430 {
        return Err(PageError::Throttled(retry_after(&answer.headers)));
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Err(PageError::Status(status.as_u16()));
    }
    if !status.is_success() {
        return Err(PageError::Refused(format!("HTTP status {}", status.as_u16())));
    }
    let errors = errors(&answer.body);
    if errors.iter().any(|error| error.code.as_deref() == Some("THROTTLED")) {
        return Err(PageError::Throttled(retry_after(&answer.headers)));
    }
    if let Some(error) = errors.into_iter().next() {
        return Err(PageError::Refused(error.message.chars().take(QUOTE).collect()));
    }
    let parsed: Response<D> =
        serde_json::from_slice(&answer.body).map_err(|error| PageError::Malformed(error.to_string()))?;
    parsed.data.ok_or_else(|| PageError::Malformed("it has no data".into()))
}

struct GraphQlError {
    message: String,
    code: Option<String>,
}

/// The errors of an answer, read apart from its data: a throttled answer holds data of no shape. `errors` is a list by
/// the specification and at times a single object or text in reality.
fn errors(body: &[u8]) -> Vec<GraphQlError> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        #[serde(default)]
        errors: serde_json::Value,
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else { return Vec::new() };
    let list = match envelope.errors {
        serde_json::Value::Array(list) => list,
        serde_json::Value::Null => Vec::new(),
        one => vec![one],
    };
    let read = |error: serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let message = text(&error["message"]).or_else(|| text(&error)).unwrap_or_else(|| "without a message".into());
        GraphQlError { message, code: text(&error["extensions"]["code"]) }
    };
    list.into_iter().map(read).collect()
}

/// `Retry-After` in seconds; a date or nonsense is none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, version: http::Version::HTTP_11, headers: HeaderMap::new(), body: body.to_owned().into() }
    }

    fn page(status: u16, body: &str) -> Result<Page, PageError> {
        convert::page(read::<catalogue::ResponseData>(&answer(status, body))?.products)
    }

    const PRODUCT: &str = r#"{"id":"gid://shopify/Product/1","handle":"hat","title":"Hat","description":"Warm.",
        "productType":"Hats","vendor":"Ida","tags":["wool","red"],"createdAt":"2026-01-02T03:04:05Z",
        "availableForSale":true,"priceRange":{"minVariantPrice":{"amount":"12.5","currencyCode":"EUR"}},
        "collections":{"nodes":[{"id":"gid://shopify/Collection/1"}]},
        "variants":{"nodes":[{"id":"gid://shopify/ProductVariant/1"}]}}"#;

    fn with(product: &str, info: &str) -> String {
        format!(r#"{{"data":{{"products":{{"pageInfo":{info},"nodes":[{product}]}}}}}}"#)
    }

    #[test]
    fn a_page_becomes_products_of_the_domain() {
        let body = with(PRODUCT, r#"{"hasNextPage":true,"endCursor":"c1"}"#);
        let page = page(200, &body).unwrap();
        assert_eq!(page.next.as_deref(), Some("c1"));
        let product = &page.products[0];
        assert_eq!(product.key.as_str(), "gid://shopify/Product/1");
        assert_eq!(product.price.map(|price| price.minor), Some(1250));
        assert_eq!(product.tags, ["red", "wool"].map(Box::<str>::from));
        assert_eq!(product.created.map(|at| at.as_second()), Some(1_767_323_045));
        assert_eq!(product.variants.len(), 1);
    }

    #[test]
    fn throttling_is_seen_under_status_200_and_429() {
        let body = r#"{"data":null,"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#;
        assert!(matches!(page(200, body), Err(PageError::Throttled(None))));
        assert!(matches!(page(429, ""), Err(PageError::Throttled(None))));
        assert!(matches!(page(430, "<html>"), Err(PageError::Throttled(None))));
    }

    #[test]
    fn a_refusal_says_what_the_shop_said_in_bounds() {
        let long = format!(r#"{{"errors":"{}"}}"#, "no ".repeat(500));
        let Err(PageError::Refused(said)) = page(200, &long) else { panic!("not refused") };
        assert_eq!(said.len(), QUOTE);
        assert!(matches!(page(401, "{}"), Err(PageError::Refused(_))));
        assert!(matches!(page(503, ""), Err(PageError::Status(503))));
    }

    #[test]
    fn answers_that_are_no_page_are_named_so() {
        let null = with("null", r#"{"hasNextPage":false,"endCursor":null}"#);
        let endless = with(PRODUCT, r#"{"hasNextPage":true,"endCursor":null}"#);
        for body in ["<html><body>Hello</body></html>", "", "[]", "{}", r#"{"data":null}"#, &null, &endless] {
            assert!(matches!(page(200, body), Err(PageError::Malformed(_))), "{body}");
        }
        let whole = with(PRODUCT, "{}");
        for end in 0..whole.len() {
            assert!(page(200, &whole[..end]).is_err());
        }
    }

    #[test]
    fn words_that_repeat_the_token_are_not_passed_on() {
        let said = |words: &str| without("0123456789abcdef", words.to_owned());
        assert_eq!(said("Access denied for tags field."), "Access denied for tags field.");
        for words in ["$token got \"0123456789abcdef\"", "$token got \"01234567"] {
            assert!(!said(words).contains("0123"), "{words}");
        }
    }

    #[test]
    fn the_answer_that_confirms_a_customer_tells_the_consent_that_was_asked_for() {
        let wanted = Wanted { consent: Attribute::parse("privacy.consent"), tags: vec!["vip".into()] };
        let at = Timestamp::UNIX_EPOCH;
        let read = |customer: &str, wanted: &Wanted| {
            customer_of(&answer(200, &format!(r#"{{"data":{{"customer":{customer}}}}}"#)), wanted, at)
        };
        let told = |customer: &str| read(customer, &wanted).unwrap().unwrap().told.consent;
        assert_eq!(
            told(r#"{"id":"c","metafield":{"value":"[\"analytics\"]"}}"#).unwrap().unwrap().to_string(),
            "analytics"
        );
        assert_eq!(told(r#"{"id":"c","metafield":null}"#), Some(None));
        let tags =
            read(r#"{"id":"c","tags":["born-1990","VIP"],"metafield":null}"#, &wanted).unwrap().unwrap().told.tags;
        assert_eq!(tags, Some(Tags::All(vec!["vip".into()])));
        assert_eq!(told(r#"{"id":"c","metafield":{"value":"perhaps"}}"#), Some(None));
        assert_eq!(read(r#"{"id":"c"}"#, &Wanted::default()).unwrap().unwrap().told.consent, None);
        assert_eq!(read("null", &wanted).unwrap(), None);
        let asked = String::from_utf8(customer_body("t", &wanted).unwrap().to_vec()).unwrap();
        assert!(asked.contains(r#""namespace":"privacy","key":"consent""#), "{asked}");
    }
}
