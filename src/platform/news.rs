//! What platforms tell by webhook, in the words of the domain: who did what, and what became of a product.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::{CollectionKey, CustomerId, ProductKey, SessionId, VariantKey};
use crate::domain::money::Currency;
use crate::domain::standing::Told;
use async_trait::async_trait;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Webhooks of one platform: how they are proven and what they say.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Whether the platform sent these very bytes. Nothing of them is parsed, and comparing takes the same time wherever
    /// two signatures differ. Errors: [`Unproven`].
    fn prove(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Unproven>;

    /// What a proven delivery says. Errors: it is not what the platform sends.
    fn read(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Delivery, Unreadable>;

    /// The answer to a GET by which the platform tries the address, of its query; `None` where it does no such thing.
    fn challenge(&self, _query: &str) -> Option<String> {
        None
    }

    /// Asks the platform for what a delivery named by its id alone. What comes back asks for nothing more; nothing where it is
    /// gone. Errors: [`NoAnswer`]; it is to be asked again.
    async fn fetch(&self, _wanted: &Wanted) -> Result<Vec<News>, NoAnswer> {
        Ok(Vec::new())
    }

    /// What the platform wants to read in the answer's member `op`, where it wants one.
    fn verdict(&self, _headers: &HeaderMap) -> Option<&'static str> {
        None
    }
}

/// What a delivery named, and the platform is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// An order by its id.
    Order(String),
    /// A cart by its id, as it was at that moment.
    Cart(String, Timestamp),
}

/// The platform does not tell what it was asked for, now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the platform does not tell what its delivery names: {0}")]
pub struct NoAnswer(pub String);

/// Why a delivery is not believed. Says nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A header of the proof is missing or not of its form.
    #[error("the header {0} is missing or not of its form")]
    Missing(&'static str),
    /// Signed with none of the secrets, or another body.
    #[error("the signature is none of this body under the configured secrets; check that the platform signs with them")]
    Wrong,
    /// Signed too long ago, or ahead of the clock.
    #[error("the delivery was signed more than 5 minutes from now; check the gateway's clock")]
    Stale,
}

/// A proven body that cannot be read, or not as what it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No JSON object.
    #[error("the body is not a JSON object; register the webhook with the format JSON")]
    NoObject,
    /// The topic concerns the whole shop, and the body is another webhook's.
    #[error(
        "the body is not one of {0}: topics are not signed, and a whole shop is touched only for a body of its own"
    )]
    OtherTopic(&'static str),
    /// A whole shop is to be erased, and the settings do not say which is theirs.
    #[error(
        "the shop is not erased, because the gateway is not told which shop is its own; write the shop's domain, \
         name.myshopify.com, to ingest.webhooks.shopify.shop and send it again"
    )]
    ShopUnnamed,
}

/// One delivery.
#[derive(Debug)]
pub struct Delivery {
    /// By each of these it is known when it comes again.
    pub ids: Vec<String>,
    /// The topic, where it is one that is used; else `other`.
    pub topic: &'static str,
    /// What it says; empty where it is of no use here.
    pub news: Vec<News>,
}

/// Who did something, as far as the platform says.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// The customer.
    pub customer: Option<CustomerId>,
    /// The session, where the storefront wrote it onto the cart.
    pub session: Option<SessionId>,
    /// Consent, where the storefront wrote it onto the cart.
    pub consent: Option<Consent>,
}

/// One piece of news.
#[derive(Debug)]
pub enum News {
    /// Somebody did something.
    Did(Actor, Box<Event>),
    /// A customer took a purpose back, at that moment by the platform's clock.
    Withdrawn(CustomerId, Purpose, Timestamp),
    /// How a customer stands with the shop.
    Standing(CustomerId, Told),
    /// Everything of a customer is to be erased.
    Redact(CustomerId),
    /// A customer asked what is stored.
    DataRequest(CustomerId),
    /// Everything of every shopper is to be erased.
    RedactShop,
    /// The shop has taken its credentials back.
    Uninstalled,
    /// Something became of the catalogue.
    Catalogue(Change),
    /// The platform of that name is to be asked for more.
    Ask(&'static str, Wanted),
}

/// What became of the catalogue. Replicas tell it to each other as it is written here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A product as it is now.
    Product(Box<ProductNews>),
    /// A product is gone, or not for sale any more.
    Gone(ProductKey, Timestamp),
    /// The stock of an inventory item changed in one place. True: some can be sold there; that there is none says nothing of
    /// other places.
    Stock(String, bool, Timestamp),
    /// Something of a product changed, and nothing is said of what: the shop is to be asked.
    Touched(ProductKey),
    /// A collection is gone.
    CollectionGone(CollectionKey),
    /// Something changed of which the delivery does not say enough: the shop is to be asked.
    Stale,
    /// Nobody knows what changed: nothing that is kept of any product is to be trusted.
    Everything,
}

/// A product as a webhook has it; what is `None` was not said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProductNews {
    /// Which.
    pub key: ProductKey,
    /// When it became so, by the platform's clock: of two pieces of news the later counts.
    pub at: Timestamp,
    /// The URL handle.
    pub handle: Option<Box<str>>,
    /// The title.
    pub title: Option<Box<str>>,
    /// The description as plain text.
    pub text: Option<Box<str>>,
    /// Type or main category.
    pub category: Option<Box<str>>,
    /// The brand.
    pub vendor: Option<Box<str>>,
    /// Tags.
    pub tags: Option<Vec<Box<str>>>,
    /// The lowest price as the platform wrote it.
    pub price: Option<String>,
    /// Its currency; `None`: that of the shop.
    pub currency: Option<Currency>,
    /// Whether any variant can be sold.
    pub available: Option<bool>,
    /// Its variants; `None` where they were not said.
    pub variants: Option<Vec<VariantKey>>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Inventory items of its variants.
    pub items: Vec<String>,
}

impl ProductNews {
    /// News of a product of which nothing is said yet.
    pub fn of(key: ProductKey, at: Timestamp) -> Self {
        Self {
            key,
            at,
            handle: None,
            title: None,
            text: None,
            category: None,
            vendor: None,
            tags: None,
            price: None,
            currency: None,
            available: None,
            variants: None,
            created: None,
            items: Vec::new(),
        }
    }
}
