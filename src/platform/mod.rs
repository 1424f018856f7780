//! The shop platforms. One folder each, with the same files in each, and one arm in the `match` of [`open`].
//!
//! Beside the folders stand what all of them share: the HTTP client ([`upstream`]), references to secrets, the reading
//! of catalogue pages and the introspection of a schema.

pub mod adobe;
pub mod answer;
pub mod bigcommerce;
pub mod breaker;
mod endpoint;
pub mod examine;
pub mod fault;
pub mod introspect;
pub mod kept_consent;
pub mod loose;
pub mod news;
pub mod pages;
pub mod public_keys;
pub mod retry;
mod sdl;
pub mod secret;
pub mod shopify;
pub mod signed;
mod streamed;
mod throttle;
pub mod trust;
pub mod upstream;
pub mod webhooks;

use crate::domain::consent::Consent;
use crate::domain::ids::{CustomerId, SessionId};
use crate::domain::market::Market;
use crate::domain::standing::Told;
use crate::telemetry::customer_data::Credential;
use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use kept_consent::Attribute;
use pages::CataloguePages;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use upstream::{Upstream, UpstreamError};

/// Which platform the shop runs on, and what the gateway needs to speak with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The platform. Default: shopify.
    pub name: Kind,
    /// A file with the shop's schema as SDL, where introspection is off. Default: none, the shop is asked.
    pub schema: Option<PathBuf>,
    /// How often the schema is read again, give or take a tenth, so that replicas do not ask all at once; `0s`: only
    /// when told to. Default: 1h.
    #[serde(with = "humantime_serde")]
    pub refresh: Duration,
    /// A file that keeps the shop's last good schema, so that a start during an outage of the shop serves everything.
    /// Default: none.
    pub schema_cache: Option<PathBuf>,
    /// How often every secret named in the settings is read again; `0s`: only when told to. Default: 1m.
    #[serde(with = "humantime_serde")]
    pub secrets_refresh: Duration,
    /// Settings of Shopify shops.
    pub shopify: shopify::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: Kind::default(),
            schema: None,
            refresh: Duration::from_secs(60 * 60),
            schema_cache: None,
            secrets_refresh: Duration::from_secs(60),
            shopify: shopify::Config::default(),
        }
    }
}

/// The platforms that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Shopify's Storefront API.
    #[default]
    Shopify,
}

/// Why a platform could not be opened. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A secret of the settings cannot be read.
    #[error("platform.{key}: {source}")]
    Secret {
        /// The setting.
        key: &'static str,
        /// Why.
        source: secret::SecretError,
    },
    /// A secret holds characters that no header can carry.
    #[error("platform.{0} holds characters that an HTTP header cannot carry; check that it is the token alone")]
    Token(&'static str),
}

/// Opens the platform of the settings: reads its secrets.
/// Errors: [`PlatformError`] where a secret cannot be read or used.
pub fn open(config: &Config) -> Result<Arc<dyn Platform>, PlatformError> {
    match config.name {
        Kind::Shopify => Ok(Arc::new(shopify::Shopify::open(&config.shopify)?)),
    }
}

/// What the gateway must know of a platform. Implementations hold no state of a request.
#[async_trait]
pub trait Platform: Send + Sync {
    /// `shopify`, …
    fn name(&self) -> &'static str;

    /// How canonical types stand in this platform's schema.
    fn entities(&self) -> &'static [Entity];

    /// The batch look-up of products.
    fn lookup(&self) -> Lookup;

    /// Paths at which the platform serves GraphQL, as axum routes (`/api/{version}/graphql.json`).
    fn paths(&self) -> &'static [&'static str];

    /// Request headers that are forwarded. Everything else stays here: unknown headers can draw a 403.
    fn forwards(&self, name: &HeaderName) -> bool;

    /// Response headers that are passed back to the storefront.
    fn returns(&self, name: &HeaderName) -> bool;

    /// What an operation directive with these arguments, variables filled in, says of the shopper; `None` for
    /// directives that say nothing.
    fn context(&self, directive: &str, arguments: &Map<String, Value>) -> Option<OperationContext>;

    /// The platform's own session id in these request headers or cookies, where the client sent no `Outfitter-Session`.
    fn session(&self, headers: &HeaderMap) -> Option<SessionId>;

    /// The platform's consent in these request headers or cookies.
    fn consent(&self, headers: &HeaderMap) -> Option<Consent>;

    /// The gateway's own credentials, put onto every request to the platform.
    fn credentials(&self) -> HeaderMap;

    /// Completes the forwarded headers of one request with the address of the buyer behind it, where the platform
    /// wants it (it throttles by that address).
    fn buyer(&self, headers: &mut HeaderMap, address: IpAddr);

    /// The names by which operations ask for a customer's data.
    fn customer_names(&self) -> CustomerNames {
        CustomerNames::default()
    }

    /// Under which of the shop's credentials a request with these headers reaches the platform.
    fn credential(&self, _headers: &HeaderMap) -> Credential {
        Credential::None
    }

    /// Whether a forwarded header never changes the content of an answer, although it differs from shopper to shopper:
    /// where the buyer sits, by which requests are counted.
    fn neutral(&self, _name: &HeaderName) -> bool {
        false
    }

    /// Whether a forwarded header only names who asks (the visitor, the visit, the browser) and by the platform's own
    /// account changes nothing of a product. Look-ups of products that are kept go out without it.
    fn identifies(&self, _name: &HeaderName) -> bool {
        false
    }

    /// Asks the platform whose customer token this is, and what is wanted to be known of them. `None`: nobody's, or
    /// expired. `headers` are the forwarded ones. A platform that does not tell what else is wanted confirms all the same.
    async fn confirm(
        &self,
        upstream: &Upstream,
        headers: HeaderMap,
        token: &str,
        wanted: &Wanted,
    ) -> Result<Option<Confirmed>, UpstreamError>;

    /// The pages of the shop's catalogue.
    fn pages(&self, upstream: Upstream) -> Box<dyn CataloguePages>;

    /// Mistakes of token and address that show before anything is asked; `endpoint` is the settings', `today` decides
    /// about versions that end.
    fn examine(&self, endpoint: &url::Url, today: jiff::civil::Date) -> Vec<examine::Finding>;

    /// The access scopes that tokens of this platform have, with what is lost without each where this is to be known of
    /// customers; none where the platform has no such thing.
    fn scopes(&self, _wanted: &Wanted) -> Vec<examine::Scope> {
        Vec::new()
    }

    /// What the answer to a scope's probe says of the token.
    fn access(&self, answer: &answer::Answer) -> examine::Access {
        examine::access(answer, &[])
    }

    /// The platform's own id of an object, of one that a client wrote in another form.
    fn global(&self, _: Noun, id: &str) -> String {
        id.to_owned()
    }

    /// What root fields say about the shopper, for learning from traffic. Fields not listed say nothing.
    fn signals(&self) -> &'static [Signal] {
        &[]
    }
}

/// What is to be known of a customer beside who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The consent that is kept with them, and where.
    pub consent: Option<Attribute>,
    /// Which tags count, in lower case; empty: tags are not asked for.
    pub tags: Vec<Box<str>>,
}

/// A customer by the platform's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Who.
    pub id: CustomerId,
    /// What was wanted, as far as the platform told it.
    pub told: Told,
}

/// Kinds of objects that clients name by ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A product.
    Product,
    /// A variant of one.
    Variant,
    /// A collection or category.
    Collection,
    /// An order.
    Order,
    /// A customer.
    Customer,
}

/// What a root field, seen in traffic, says about the shopper. Argument names are the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The root field, of the query or the mutation type: `product`, `cartLinesAdd`.
    pub field: &'static str,
    /// What it shows.
    pub shows: Shows,
}

/// What is shown, and by which arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A product's page. The arguments that hold its key and its handle; absent ones are skipped.
    Product {
        /// Arguments with the product's key.
        keys: &'static [&'static str],
        /// Arguments with the product's handle.
        handles: &'static [&'static str],
    },
    /// A collection's page.
    Collection {
        /// Arguments with the collection's key.
        keys: &'static [&'static str],
    },
    /// A search that the shopper sent off. Typing is not one.
    Search {
        /// The argument with the words.
        words: &'static str,
        /// Whether the argument may also be a filter (`tag:summer`), which no shopper typed.
        filters: bool,
    },
    /// Lines put into a cart.
    CartAdded {
        /// Where the lines stand in the arguments, outermost first: `["input", "lines"]`.
        lines: &'static [&'static str],
        /// The field of a line that holds the variant.
        variant: &'static str,
    },
    /// Lines of a cart changed: those with quantity 0 are taken out.
    CartChanged {
        /// Where the lines stand in the arguments, outermost first.
        lines: &'static [&'static str],
        /// The field of a line that holds the variant.
        variant: &'static str,
    },
}

/// The names by which operations ask for a customer's data, as the platform has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CustomerNames {
    /// Fields that hold or change a customer's data, at any depth.
    pub fields: &'static [&'static str],
    /// The argument of a field that takes a customer's token; empty: none.
    pub token: &'static str,
    /// The argument of an operation directive that may hold one; empty: none.
    pub context: &'static str,
}

/// What an operation says of its shopper.
#[derive(Clone, Default, PartialEq)]
pub struct OperationContext {
    /// The market.
    pub market: Market,
    /// Consent.
    pub consent: Option<Consent>,
    /// The customer's token: a credential.
    pub token: Option<String>,
}

/// One canonical type of the personalization schema on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The name in the personalization schema: `Product`, `Cart`, `Collection`, `ProductConnection`.
    pub canonical: &'static str,
    /// The platform's types that stand for it.
    pub types: &'static [&'static str],
    /// The field of those types that holds the key: `id`, `sku`, `entityId`. `__typename` where there is none.
    pub key: &'static str,
    /// What the engine needs of the entity beside its key, as the inside of a selection set in the platform's own
    /// terms, every response name beginning with `_gw_`; empty where the key is enough.
    pub needs: &'static str,
    /// For products: the field, as `_gw_live: …`, that is true where the product can be sold in the request's market.
    pub live: &'static str,
}

/// How products are looked up in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// `nodes(ids:)`: ordered, null for unknown.
    Nodes {
        /// The most ids of one request.
        max: usize,
    },
}
