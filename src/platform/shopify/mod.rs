//! Shopify's Storefront API. Facts as of API version 2026-04.

mod client;
mod consent;
mod context;
mod convert;
pub mod exports;
mod headers;
pub mod history;
mod queries;
mod scopes;
mod signals;
pub mod webhook;

use super::answer::Answer;
use super::examine::{self, Access, Finding, Scope};
use super::pages::CataloguePages;
use super::secret::Secret;
use super::upstream::{Upstream, UpstreamError};
use super::{
    Confirmed, CustomerNames, Entity, Lookup, Noun, OperationContext, Platform, PlatformError, Signal, Wanted,
};
use crate::domain::consent::Consent;
use crate::domain::ids::SessionId;
use crate::telemetry::customer_data::Credential;
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// How the gateway signs in at a Shopify shop. Without a token of its own it forwards the client's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The public access token, where clients send none. Default: none.
    pub public_token: Option<Secret>,
    /// The private access token; then the buyer's address is sent along. Default: none.
    pub private_token: Option<Secret>,
    /// Take the buyer's address from the client's `Shopify-Storefront-Buyer-IP`. Only behind a server of your own that
    /// sets it, such as Hydrogen: anybody else could pass for any buyer. Default: false.
    pub trust_buyer_ip: bool,
}

/// The adapter.
#[derive(Debug)]
pub struct Shopify {
    credentials: HeaderMap,
    has_private_token: bool,
    trust_buyer_ip: bool,
}

/// A cart's lines lead from variants back to products; past a hundred lines more would not change what goes with them.
const CART_NEEDS: &str =
    "_gw_lines: lines(first: 100) { nodes { merchandise { ... on ProductVariant { product { id } } } } }";

/// Whether a recommended product can be bought in the market of the request.
const LIVE: &str = "_gw_live: availableForSale";

const ENTITIES: [Entity; 4] = [
    Entity { canonical: "Product", types: &["Product"], key: "id", needs: "", live: LIVE },
    Entity { canonical: "Cart", types: &["Cart"], key: "id", needs: CART_NEEDS, live: "" },
    Entity { canonical: "Collection", types: &["Collection"], key: "id", needs: "", live: "" },
    Entity { canonical: "ProductConnection", types: &["ProductConnection"], key: "__typename", needs: "", live: "" },
];

/// Fields that hold or change a customer's data: the customer, and who buys a cart.
const CUSTOMER: &[&str] = &[
    "buyerIdentity",
    "cartBuyerIdentityUpdate",
    "customer",
    "customerAccessTokenCreate",
    "customerAccessTokenCreateWithMultipass",
    "customerAccessTokenDelete",
    "customerAccessTokenRenew",
    "customerActivate",
    "customerActivateByUrl",
    "customerAddressCreate",
    "customerAddressDelete",
    "customerAddressUpdate",
    "customerCreate",
    "customerDefaultAddressUpdate",
    "customerRecover",
    "customerReset",
    "customerResetByUrl",
    "customerUpdate",
];

impl Shopify {
    /// Reads the tokens. Errors: [`PlatformError`] where one cannot be read or is no header value.
    pub fn open(config: &Config) -> Result<Self, PlatformError> {
        let mut credentials = HeaderMap::new();
        let tokens = [
            ("shopify.public_token", headers::PUBLIC_TOKEN, &config.public_token),
            ("shopify.private_token", headers::PRIVATE_TOKEN, &config.private_token),
        ];
        for (key, name, secret) in tokens {
            let Some(secret) = secret else { continue };
            let text = secret.reveal().map_err(|source| PlatformError::Secret { key, source })?;
            let mut value = HeaderValue::from_str(text.expose()).map_err(|_| PlatformError::Token(key))?;
            value.set_sensitive(true);
            credentials.insert(name, value);
        }
        let has_private_token = config.private_token.is_some();
        if has_private_token {
            // The platform takes one or the other.
            credentials.remove(headers::PUBLIC_TOKEN);
        }
        Ok(Self { credentials, has_private_token, trust_buyer_ip: config.trust_buyer_ip })
    }
}

#[async_trait]
impl Platform for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn entities(&self) -> &'static [Entity] {
        &ENTITIES
    }

    fn lookup(&self) -> Lookup {
        Lookup::Nodes { max: 250 }
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/api/{version}/graphql.json", "/api/graphql.json"]
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        headers::forwards(name, self.has_private_token, self.trust_buyer_ip)
    }

    fn returns(&self, name: &HeaderName) -> bool {
        headers::returns(name)
    }

    fn context(&self, directive: &str, arguments: &Map<String, Value>) -> Option<OperationContext> {
        context::read(directive, arguments)
    }

    fn session(&self, headers: &HeaderMap) -> Option<SessionId> {
        headers::session(headers)
    }

    fn consent(&self, headers: &HeaderMap) -> Option<Consent> {
        headers::consent(headers)
    }

    fn credentials(&self) -> HeaderMap {
        self.credentials.clone()
    }

    fn buyer(&self, headers: &mut HeaderMap, address: IpAddr) {
        let told = self.trust_buyer_ip && headers.contains_key(headers::BUYER_IP);
        if self.has_private_token
            && !told
            && let Ok(value) = HeaderValue::from_str(&address.to_canonical().to_string())
        {
            headers.insert(headers::BUYER_IP, value);
        }
    }

    fn customer_names(&self) -> CustomerNames {
        CustomerNames { fields: CUSTOMER, token: "customerAccessToken", context: "buyer" }
    }

    fn credential(&self, headers: &HeaderMap) -> Credential {
        let held = |name| self.credentials.contains_key(&name) || headers.contains_key(&name);
        if held(headers::PRIVATE_TOKEN) {
            Credential::Private
        } else if held(headers::PUBLIC_TOKEN) {
            Credential::Public
        } else {
            Credential::None
        }
    }

    fn neutral(&self, name: &HeaderName) -> bool {
        *name == headers::BUYER_IP
    }

    fn identifies(&self, name: &HeaderName) -> bool {
        headers::identifies(name)
    }

    async fn confirm(
        &self,
        upstream: &Upstream,
        headers: HeaderMap,
        token: &str,
        wanted: &Wanted,
    ) -> Result<Option<Confirmed>, UpstreamError> {
        client::confirm(upstream, headers, token, wanted).await
    }

    fn pages(&self, upstream: Upstream) -> Box<dyn CataloguePages> {
        Box::new(client::Pages { upstream })
    }

    fn examine(&self, endpoint: &url::Url, today: jiff::civil::Date) -> Vec<Finding> {
        scopes::examine(endpoint, &self.credentials, today)
    }

    fn scopes(&self, wanted: &Wanted) -> Vec<Scope> {
        scopes::scopes(wanted)
    }

    fn access(&self, answer: &Answer) -> Access {
        examine::access(answer, &scopes::DENIED)
    }

    /// Clients also write the number alone, as Shopify's own pixels and feeds do.
    fn global(&self, noun: Noun, id: &str) -> String {
        let kind = match noun {
            Noun::Product => "Product",
            Noun::Variant => "ProductVariant",
            Noun::Collection => "Collection",
            Noun::Order => "Order",
            Noun::Customer => "Customer",
        };
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { webhook::global(kind, id) } else { id.to_owned() }
    }

    fn signals(&self) -> &'static [Signal] {
        signals::SIGNALS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_private_token(trust_buyer_ip: bool) -> Shopify {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "shpat_1").unwrap();
        let config = Config { private_token: Some(Secret::File(path)), trust_buyer_ip, ..Config::default() };
        Shopify::open(&config).unwrap()
    }

    #[test]
    fn the_buyers_address_goes_with_the_private_token_alone() {
        let address: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        let mut headers = HeaderMap::new();
        Shopify::open(&Config::default()).unwrap().buyer(&mut headers, address);
        assert!(headers.is_empty());
        with_private_token(false).buyer(&mut headers, address);
        assert_eq!(headers["shopify-storefront-buyer-ip"], "192.0.2.7");
        headers.insert("shopify-storefront-buyer-ip", HeaderValue::from_static("192.0.2.9"));
        with_private_token(true).buyer(&mut headers, address);
        assert_eq!(headers["shopify-storefront-buyer-ip"], "192.0.2.9");
    }

    #[test]
    fn tokens_become_sensitive_headers() {
        let credentials = with_private_token(false).credentials();
        assert_eq!(credentials["shopify-storefront-private-token"], "shpat_1");
        assert!(!format!("{credentials:?}").contains("shpat_1"));
    }

    #[test]
    fn what_the_gateway_adds_to_a_document_is_valid_in_the_schema() {
        let sdl = include_str!("../../../schema/shopify.graphql");
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "shopify.graphql").unwrap();
        let cart = format!("{{ cart(id: \"1\") {{ id {CART_NEEDS} }} }}");
        let product = format!("{{ product(id: \"1\") {{ id {LIVE} }} }}");
        for document in [cart, product] {
            apollo_compiler::ExecutableDocument::parse_and_validate(&schema, &document, "q.graphql").unwrap();
        }
    }
}
