//! What Shopify's tokens and addresses tell before anything is asked, and the access scopes that the gateway needs.
//!
//! Least privilege: the catalogue needs two scopes, carts and customers one each, customers' tags one where a tier asks for
//! them, and nothing else is asked for. Source: Shopify's documentation of the Storefront API's access scopes and of its
//! versions, each supported for a year.

use super::headers;
use crate::platform::Wanted;
use crate::platform::examine::{Finding, Need, Scope};
use http::HeaderMap;
use jiff::civil::Date;
use url::Url;

/// `extensions.code` where a scope is missing.
pub(super) const DENIED: [&str; 1] = ["ACCESS_DENIED"];

const CATALOGUE: Need = Need::Vital("the catalogue cannot be crawled, and there is nothing to recommend");

/// Scopes with a query each that shows them; none of the queries changes or fetches anything of a shopper.
const SCOPES: [Scope; 7] = [
    Scope {
        name: "unauthenticated_read_product_listings",
        need: CATALOGUE,
        probe: "{ products(first: 1) { nodes { id title availableForSale } } }",
    },
    Scope {
        name: "unauthenticated_read_product_tags",
        need: CATALOGUE,
        probe: "{ products(first: 1) { nodes { tags } } }",
    },
    Scope {
        name: "unauthenticated_read_customers",
        need: Need::Feature("customers are not confirmed: what they bought before is not known on another device"),
        probe: "{ customer(customerAccessToken: \"outfitter-doctor\") { id } }",
    },
    Scope {
        name: "unauthenticated_read_checkouts",
        need: Need::Feature("carts have no recommendations of their own"),
        probe: "{ cart(id: \"gid://shopify/Cart/outfitter-doctor\") { id } }",
    },
    Scope {
        name: "unauthenticated_read_product_inventory",
        need: Need::Storefront,
        probe: "{ products(first: 1) { nodes { totalInventory } } }",
    },
    Scope {
        name: "unauthenticated_read_content",
        need: Need::Storefront,
        probe: "{ pages(first: 1) { nodes { id } } }",
    },
    Scope {
        name: "unauthenticated_read_selling_plans",
        need: Need::Storefront,
        probe: "{ products(first: 1) { nodes { sellingPlanGroups(first: 1) { nodes { name } } } } }",
    },
];

/// The scopes, tried for what these settings want to know of customers.
pub(super) fn scopes(wanted: &Wanted) -> Vec<Scope> {
    let lost = "no customer is in a tier that asks for tags, until a webhook tells of them";
    let need = if wanted.tags.is_empty() { Need::Storefront } else { Need::Feature(lost) };
    let tags = Scope {
        name: "unauthenticated_read_customer_tags",
        need,
        probe: "{ customer(customerAccessToken: \"outfitter-doctor\") { tags } }",
    };
    SCOPES.into_iter().chain([tags]).collect()
}

/// Mistakes of token and address.
pub(super) fn examine(endpoint: &Url, credentials: &HeaderMap, today: Date) -> Vec<Finding> {
    let mut found = vec![address(endpoint), version(endpoint, today)];
    found.push(token(credentials));
    let near = matches!(endpoint.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if endpoint.scheme() == "http" && !near && !credentials.is_empty() {
        let next = "write https:// in upstream.url; for a private authority set upstream.ca";
        found.push(Finding::fail("token in the clear", "the token goes over plain HTTP", next));
    }
    found
}

fn address(endpoint: &Url) -> Finding {
    if endpoint.path().starts_with("/admin") {
        let next =
            "take the Storefront API: https://SHOP/api/VERSION/graphql.json; the Admin API must not face shoppers";
        return Finding::fail("kind of API", "upstream.url is the Admin API", next);
    }
    Finding::pass("kind of API", "not the Admin API")
}

/// A version is supported for twelve months from the first day of its month.
fn version(endpoint: &Url, today: Date) -> Finding {
    const WHAT: &str = "API version";
    let mut parts = endpoint.path_segments().into_iter().flatten();
    let written = parts.find(|part| *part == "api").and(parts.next()).unwrap_or_default();
    if written == "unstable" {
        return Finding::warn(
            WHAT,
            "unstable: it changes without notice",
            "write a version such as 2026-04 in upstream.url",
        );
    }
    let numbers = written.split_once('-').and_then(|(year, month)| Some((year.parse().ok()?, month.parse().ok()?)));
    let Some(begin) = numbers.and_then(|(year, month)| Date::new(year, month, 1).ok()) else {
        return Finding::warn(WHAT, "upstream.url names none", "write one: /api/2026-04/graphql.json");
    };
    let months = i32::from(today.year() - begin.year()) * 12 + i32::from(today.month()) - i32::from(begin.month());
    match months {
        ..0 => Finding::warn(WHAT, format!("{written} is not released yet"), "take a released version"),
        12.. => {
            let found = format!("{written} is {months} months old; versions are supported for twelve");
            Finding::fail(WHAT, found, "write a newer version in upstream.url and pull the schema again")
        }
        11 => Finding::warn(WHAT, format!("{written} ends within a month"), "move to a newer version soon"),
        _ => Finding::pass(WHAT, format!("{written}, supported for {} more months", 12 - months)),
    }
}

/// What a token's form tells: public ones are 32 hexadecimal digits, private ones begin with `shpat_`, and other
/// prefixes are other kinds of secret.
fn token(credentials: &HeaderMap) -> Finding {
    const WHAT: &str = "kind of token";
    let text = |name| credentials.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let hexadecimal = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (text(headers::PUBLIC_TOKEN), text(headers::PRIVATE_TOKEN)) {
        (Some(token), _) if token.starts_with("shp") => Finding::fail(
            WHAT,
            "platform.shopify.public_token holds a secret token",
            "set a private Storefront token as platform.shopify.private_token, and the public one here; never an Admin token",
        ),
        (_, Some(token)) if hexadecimal(token) => Finding::fail(
            WHAT,
            "platform.shopify.private_token holds a public token",
            "set it as platform.shopify.public_token, or create a private one (it begins with shpat_)",
        ),
        (_, Some(token)) if !token.starts_with("shpat_") => Finding::warn(
            WHAT,
            "the private token does not begin with shpat_",
            "check that it is the private access token of the Storefront API, not an app's secret",
        ),
        (_, Some(_)) => Finding::pass(WHAT, "private"),
        (Some(token), _) if !hexadecimal(token) => {
            Finding::warn(WHAT, "the public token is not 32 hexadecimal digits", "check that it was copied whole")
        }
        (Some(_), _) => Finding::pass(WHAT, "public"),
        (None, None) => Finding::warn(
            WHAT,
            "none: the gateway asks without one, which Shopify serves in part",
            "set platform.shopify.public_token",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::examine::Verdict;
    use http::HeaderValue;
    use jiff::civil::date;

    fn verdict(url: &str, header: Option<(http::HeaderName, &str)>) -> Vec<(String, Verdict, String)> {
        let headers = header.map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).into_iter().collect();
        let found = examine(&Url::parse(url).unwrap(), &headers, date(2026, 11, 22));
        found.into_iter().map(|one| (one.what, one.verdict, one.next)).collect()
    }

    fn of(url: &str, header: Option<(http::HeaderName, &str)>, what: &str) -> (Verdict, String) {
        let found = verdict(url, header).into_iter().find(|(found, ..)| found == what).unwrap();
        (found.1, found.2)
    }

    #[test]
    fn versions_are_judged_by_the_day() {
        let judged = |version: &str| of(&format!("https://a.test/api/{version}/graphql.json"), None, "API version").0;
        assert_eq!(judged("2026-04"), Verdict::Pass);
        assert_eq!(judged("2025-12"), Verdict::Warn);
        assert_eq!(judged("2025-10"), Verdict::Fail);
        assert_eq!(judged("2027-01"), Verdict::Warn);
        assert_eq!(judged("unstable"), Verdict::Warn);
        assert_eq!(judged("9999-99"), Verdict::Warn);
    }

    #[test]
    fn tokens_in_the_wrong_place_and_the_admin_api_fail_with_the_way_out() {
        let shop = "https://a.test/api/2026-04/graphql.json";
        let hex = "0123456789abcdef0123456789abcdef";
        let token = |name: http::HeaderName, text: &str| of(shop, Some((name, text)), "kind of token");
        assert_eq!(token(headers::PUBLIC_TOKEN, hex).0, Verdict::Pass);
        assert_eq!(token(headers::PRIVATE_TOKEN, "shpat_1").0, Verdict::Pass);
        let (verdict, next) = token(headers::PUBLIC_TOKEN, "shpat_1");
        assert!(verdict == Verdict::Fail && next.contains("private_token"), "{next}");
        assert_eq!(token(headers::PRIVATE_TOKEN, hex).0, Verdict::Fail);
        let (verdict, next) = of("https://a.test/admin/api/2026-04/graphql.json", None, "kind of API");
        assert!(verdict == Verdict::Fail && next.contains("Storefront API"), "{next}");
        let plain =
            of("http://a.test/api/2026-04/graphql.json", Some((headers::PUBLIC_TOKEN, hex)), "token in the clear");
        assert_eq!(plain.0, Verdict::Fail);
    }

    #[test]
    fn every_probe_is_a_valid_query() {
        let sdl = include_str!("../../../schema/shopify.graphql");
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "shopify.graphql").unwrap();
        for scope in scopes(&Wanted::default()) {
            apollo_compiler::ExecutableDocument::parse_and_validate(&schema, scope.probe, "probe.graphql").unwrap();
        }
    }
}
