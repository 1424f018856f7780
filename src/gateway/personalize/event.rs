//! Events as clients send them through GraphQL.

use super::scalar::PersonalizedDateTime;
use super::sink::Rejection;
use crate::domain::event::MAX_LINES;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{CollectionKey, DecisionId, EventId, OrderKey, ProductKey, VariantKey};
use crate::domain::money::{Currency, Money};
use async_graphql::{Enum, ID, InputObject, SimpleObject};
use jiff::Timestamp;

/// What the shopper did. The names of Shopify's standard events; GA4, Segment, Snowplow and Adobe names are accepted on
/// the HTTP beacon.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum PersonalizedEventType {
    /// A page was opened.
    PageViewed,
    /// A product was looked at: set productId.
    ProductViewed,
    /// A collection was looked at: set collectionId.
    CollectionViewed,
    /// A search was sent: set query.
    SearchSubmitted,
    /// A product was put into the cart: set productId or variantId.
    ProductAddedToCart,
    /// A product was taken out of the cart: set productId or variantId.
    ProductRemovedFromCart,
    /// The cart was looked at: set lines.
    CartViewed,
    /// Check-out was begun: set lines.
    CheckoutStarted,
    /// An order was placed: set orderId and lines.
    CheckoutCompleted,
    /// A recommended product came into view: set productId, decisionId and position.
    RecommendationViewed,
    /// A recommended product was followed: set productId, decisionId and position.
    RecommendationClicked,
}

impl From<PersonalizedEventType> for EventType {
    fn from(told: PersonalizedEventType) -> Self {
        match told {
            PersonalizedEventType::PageViewed => Self::PageViewed,
            PersonalizedEventType::ProductViewed => Self::ProductViewed,
            PersonalizedEventType::CollectionViewed => Self::CollectionViewed,
            PersonalizedEventType::SearchSubmitted => Self::SearchSubmitted,
            PersonalizedEventType::ProductAddedToCart => Self::ProductAddedToCart,
            PersonalizedEventType::ProductRemovedFromCart => Self::ProductRemovedFromCart,
            PersonalizedEventType::CartViewed => Self::CartViewed,
            PersonalizedEventType::CheckoutStarted => Self::CheckoutStarted,
            PersonalizedEventType::CheckoutCompleted => Self::CheckoutCompleted,
            PersonalizedEventType::RecommendationViewed => Self::RecommendationViewed,
            PersonalizedEventType::RecommendationClicked => Self::RecommendationClicked,
        }
    }
}

/// One thing that the shopper did.
#[derive(InputObject)]
pub(super) struct PersonalizedEventInput {
    /// The client's own id of the event: the same id twice counts once.
    pub(super) id: ID,
    /// What happened.
    #[graphql(name = "type")]
    kind: PersonalizedEventType,
    /// When it happened. The gateway's clock where it is missing; refused when over 5 minutes ahead.
    at: Option<PersonalizedDateTime>,
    /// The product that it happened to.
    product_id: Option<ID>,
    /// The variant that it happened to.
    variant_id: Option<ID>,
    /// The collection that was looked at.
    collection_id: Option<ID>,
    /// What was searched for.
    query: Option<String>,
    /// Lines of a cart or an order, at most 250.
    lines: Option<Vec<PersonalizedLineInput>>,
    /// Order id. Orders told by a client train the model but never feed value scores: those come by webhook.
    order_id: Option<ID>,
    /// The decision that showed the product.
    decision_id: Option<ID>,
    /// Position within the slate, from 1.
    position: Option<i32>,
}

/// One line of a cart or an order.
#[derive(InputObject)]
pub(super) struct PersonalizedLineInput {
    /// The product.
    product_id: ID,
    /// The variant.
    variant_id: Option<ID>,
    /// How many, at least 1.
    #[graphql(default = 1)]
    quantity: i32,
    /// The price of one.
    price: Option<PersonalizedMoneyInput>,
}

/// An amount of money.
#[derive(InputObject)]
pub(super) struct PersonalizedMoneyInput {
    /// The amount as a decimal, such as 12.50.
    amount: String,
    /// The currency, ISO 4217, such as EUR.
    currency_code: String,
}

/// The longest id or query text taken, in bytes.
const MAX_TEXT: usize = 512;

impl PersonalizedEventInput {
    /// The event of the domain. Errors: what is malformed, in words for the client.
    pub(super) fn decode(self, now: Timestamp) -> Result<Event, String> {
        let lines = self.lines.unwrap_or_default();
        if lines.len() > MAX_LINES {
            return Err(format!("`lines` has {} lines; send at most {MAX_LINES}", lines.len()));
        }
        let position = match self.position {
            None => None,
            Some(position) => match u32::try_from(position) {
                Ok(position) if position >= 1 => Some(position),
                _ => return Err("`position` counts from 1".to_owned()),
            },
        };
        Ok(Event {
            id: EventId::new(text("id", self.id.0)?),
            kind: self.kind.into(),
            at: self.at.map_or(now, |at| at.0),
            product: id("productId", self.product_id)?.map(ProductKey::new),
            variant: id("variantId", self.variant_id)?.map(VariantKey::new),
            collection: id("collectionId", self.collection_id)?.map(CollectionKey::new),
            query: self.query.map(|query| text("query", query)).transpose()?.map(Into::into),
            lines: lines.into_iter().map(PersonalizedLineInput::decode).collect::<Result<_, _>>()?,
            order: id("orderId", self.order_id)?.map(OrderKey::new),
            value: None,
            decision: id("decisionId", self.decision_id)?.map(DecisionId::new),
            position,
        })
    }
}

impl PersonalizedLineInput {
    fn decode(self) -> Result<Line, String> {
        let quantity = u32::try_from(self.quantity).ok().filter(|quantity| *quantity >= 1);
        Ok(Line {
            product: ProductKey::new(text("lines.productId", self.product_id.0)?),
            variant: id("lines.variantId", self.variant_id)?.map(VariantKey::new),
            quantity: quantity.ok_or("`quantity` is at least 1")?,
            price: self.price.map(PersonalizedMoneyInput::decode).transpose()?,
        })
    }
}

impl PersonalizedMoneyInput {
    fn decode(self) -> Result<Money, String> {
        let currency = Currency::parse(&self.currency_code).ok_or("`currencyCode` is three letters, such as EUR")?;
        let money = Money::parse(&self.amount, currency);
        money.ok_or_else(|| "`amount` is a decimal with the currency's places, such as 12.50".to_owned())
    }
}

fn id(name: &str, id: Option<ID>) -> Result<Option<String>, String> {
    id.map(|id| text(name, id.0)).transpose()
}

fn text(name: &str, text: String) -> Result<String, String> {
    match text.len() {
        1..=MAX_TEXT => Ok(text),
        length => Err(format!("`{name}` has {length} bytes; send 1 to {MAX_TEXT}")),
    }
}

/// What became of the events.
#[derive(SimpleObject)]
pub(super) struct PersonalizedTrackPayload {
    /// How many were taken.
    pub(super) accepted: usize,
    /// Those that were not, each with why.
    pub(super) rejected: Vec<PersonalizedRejectedEvent>,
}

/// An event that was not taken.
#[derive(SimpleObject)]
pub(super) struct PersonalizedRejectedEvent {
    /// The client's id of the event.
    pub(super) id: ID,
    /// Why, for code.
    pub(super) code: PersonalizedRejection,
    /// Why, in words, and what to do about it.
    pub(super) message: String,
}

/// Why an event was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Rejection")]
pub(super) enum PersonalizedRejection {
    /// The shopper has allowed neither ANALYTICS nor PREFERENCES.
    NoConsent,
    /// An event with this id was taken before.
    Duplicate,
    /// The event cannot be read.
    Malformed,
    /// The shop has no such product.
    UnknownProduct,
    /// It is more than 5 minutes ahead of the gateway's clock.
    Future,
    /// It is too old to be taken.
    TooOld,
    /// Too many events of this shopper: send them later.
    RateLimited,
}
