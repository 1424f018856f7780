//! Shopify's webhooks: proof and shapes. Facts as of API version 2026-04, by Shopify's documentation.
//!
//! Proof: `X-Shopify-Hmac-Sha256`, base64 of HMAC-SHA-256 of the raw body with the app's client secret. The scheme signs no
//! topic, so what concerns the whole shop is taken by its body (`shop`), and no time: what comes again is known by `X-Shopify-Webhook-Id` (one delivery, its retries among them) and
//! `X-Shopify-Event-Id` (one event, also where two subscriptions tell it). Deliveries may be a day late and out of
//! order; each piece of news has a time of its own.
//!
//! The bodies are those of the REST Admin API: ids are numbers, with the global id beside or not; money is text.

mod shop;
mod standing;

use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType, Line, MAX_LINES};
use crate::domain::ids::{CollectionKey, CustomerId, EventId, OrderKey, ProductKey, SessionId, VariantKey};
use crate::domain::money::{Currency, Money};
use crate::platform::kept_consent::Attribute;
use crate::platform::loose;
use crate::platform::news::{Actor, Change, Delivery, News, ProductNews, Unproven, Unreadable, Webhooks};
use crate::platform::secret::Secret;
use crate::platform::signed::{self, SignerError, Signers};
use async_trait::async_trait;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const SIGNATURE: &str = "x-shopify-hmac-sha256";
/// The longest description kept, in characters; as the crawl keeps.
const TEXT: usize = 2_000;
/// The most tags and variants kept of a product.
const MOST: usize = 2_048;

/// `[ingest.webhooks.shopify]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Client secrets of the app that registers the webhooks, all valid: during a rotation the new and the old. Default:
    /// none, and then Shopify's webhooks are not taken.
    pub secrets: Vec<Secret>,
    /// The shop's own domain, `name.myshopify.com`: what the same app's other shops send is left aside. Default: none,
    /// every shop of the app is taken for this one, and none is erased as a whole (`shop/redact`).
    pub shop: Option<String>,
}

/// The webhooks of one app in one shop.
#[derive(Debug)]
pub struct ShopifyWebhooks {
    signers: Signers,
    shop: Option<String>,
    consent: Option<Attribute>,
}

impl ShopifyWebhooks {
    /// Reads the secrets. `consent`: the metafield in which the shop keeps its customers' consent. Errors: one that cannot
    /// be read.
    pub fn open(config: &Config, consent: Option<&Attribute>) -> Result<Self, SignerError> {
        let signers = Signers::open(&config.secrets, |text| text.as_bytes().to_vec())?;
        Ok(Self { signers, shop: config.shop.clone(), consent: consent.cloned() })
    }

    fn is_other_shop(&self, headers: &HeaderMap) -> bool {
        let sender = signed::header(headers, "x-shopify-shop-domain");
        self.shop.as_ref().is_some_and(|own| sender.is_some_and(|sender| !sender.eq_ignore_ascii_case(own)))
    }
}

#[async_trait]
impl Webhooks for ShopifyWebhooks {
    fn prove(&self, headers: &HeaderMap, body: &[u8], _: Timestamp) -> Result<(), Unproven> {
        let signature = signed::header(headers, SIGNATURE).and_then(signed::from_base64);
        let signature = signature.ok_or(Unproven::Missing("X-Shopify-Hmac-Sha256"))?;
        if self.signers.sign(&[body], &signature) { Ok(()) } else { Err(Unproven::Wrong) }
    }

    fn read(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Delivery, Unreadable> {
        let told: Value = serde_json::from_slice(body).ok().filter(Value::is_object).ok_or(Unreadable::NoObject)?;
        let name = signed::header(headers, "x-shopify-topic").unwrap_or_default();
        let triggered = signed::header(headers, "x-shopify-triggered-at").and_then(loose::moment_of);
        let id = |header: &str, of: &str| signed::header(headers, header).map(|id| format!("shopify:{of}:{id}"));
        // Several topics can tell one event, each something else.
        let ids = id("x-shopify-webhook-id", "").into_iter().chain(id("x-shopify-event-id", name)).collect();
        let Some(topic) = TOPICS.iter().find(|topic| topic.name == name).filter(|_| !self.is_other_shop(headers))
        else {
            return Ok(Delivery { ids, topic: "other", news: Vec::new() });
        };
        if !self.is_of_this_shop(topic.name, &told)? {
            return Ok(Delivery { ids, topic: topic.name, news: Vec::new() });
        }
        let mut news = (topic.read)(&told, triggered.unwrap_or(now));
        news.extend(standing::read(topic.name, &told, triggered.unwrap_or(now), self.consent.as_ref()));
        Ok(Delivery { ids, topic: topic.name, news })
    }
}

/// A topic and how its body is read, given the moment at which it was triggered.
struct Topic {
    name: &'static str,
    read: fn(&Value, Timestamp) -> Vec<News>,
}

const TOPICS: [Topic; 30] = [
    Topic { name: "orders/create", read: order },
    Topic { name: "orders/updated", read: order },
    Topic { name: "orders/edited", read: nothing },
    Topic { name: "orders/paid", read: order },
    Topic { name: "orders/fulfilled", read: order },
    Topic { name: "orders/partially_fulfilled", read: order },
    Topic { name: "orders/cancelled", read: order },
    Topic { name: "carts/create", read: cart },
    Topic { name: "carts/update", read: cart },
    Topic { name: "checkouts/create", read: checkout },
    Topic { name: "checkouts/update", read: checkout },
    Topic { name: "checkouts/delete", read: nothing },
    Topic { name: "customers/create", read: customer },
    Topic { name: "customers/update", read: customer },
    Topic { name: "customers_marketing_consent/update", read: customer },
    Topic { name: "customers_email_marketing_consent/update", read: customer },
    Topic { name: standing::TAGS_ADDED, read: nothing },
    Topic { name: standing::TAGS_REMOVED, read: nothing },
    Topic { name: "customers/delete", read: redact },
    Topic { name: "customers/redact", read: redact },
    Topic { name: "customers/data_request", read: data_request },
    Topic { name: shop::REDACT, read: |_, _| vec![News::RedactShop] },
    Topic { name: "products/create", read: product },
    Topic { name: "products/update", read: product },
    Topic { name: "products/delete", read: product_gone },
    Topic { name: "inventory_levels/update", read: inventory },
    Topic { name: "collections/create", read: stale },
    Topic { name: "collections/update", read: stale },
    Topic { name: "collections/delete", read: collection_gone },
    Topic { name: shop::UNINSTALLED, read: |_, _| vec![News::Uninstalled] },
];

fn nothing(_: &Value, _: Timestamp) -> Vec<News> {
    Vec::new()
}

/// The global id of an object: as the platform wrote it, or made of its number.
pub(super) fn global(kind: &str, id: &str) -> String {
    if id.starts_with("gid://") { id.to_owned() } else { format!("gid://shopify/{kind}/{id}") }
}

fn gid(kind: &str, object: &Value, names: &[&str]) -> Option<String> {
    loose::first_id(object, names).map(|id| global(kind, &id))
}

/// Who: the customer of the body, and what the storefront wrote onto the cart as attributes.
fn actor(told: &Value) -> Actor {
    let customer = told.get("customer").and_then(|customer| gid("Customer", customer, &["admin_graphql_api_id", "id"]));
    let mut actor = Actor { customer: customer.map(CustomerId::new), ..Actor::default() };
    let attributes = ["note_attributes", "attributes"].iter().filter_map(|name| told.get(*name)?.as_array());
    for attribute in attributes.flatten().take(100) {
        let Some(value) = loose::first_text(attribute, &["value"]) else { continue };
        // A leading underscore hides an attribute from the buyer.
        let name = loose::first_text(attribute, &["name", "key"]).unwrap_or_default();
        match name.trim_start_matches('_').replace('-', "_").to_ascii_lowercase().as_str() {
            "outfitter_session" => actor.session = SessionId::parse(value),
            // Words that are no purposes are no consent.
            "outfitter_consent" => actor.consent = Some(Consent::parse(value).unwrap_or(Consent::NONE)),
            _ => {}
        }
    }
    actor
}

fn lines(told: &Value, currency: Option<Currency>) -> Vec<Line> {
    let line = |line: &Value| {
        let product = gid("Product", line, &["product_id"])?;
        let currency = currency.or_else(|| loose::currency(line, &["currency"]));
        Some(Line {
            product: ProductKey::new(product),
            variant: gid("ProductVariant", line, &["variant_id"]).map(VariantKey::new),
            quantity: loose::quantity(line.get("quantity")),
            price: currency
                .and_then(|currency| loose::money(line.get("price")?, currency))
                .filter(|price| price.minor >= 0),
        })
    };
    let all = told.get("line_items").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(line).take(MAX_LINES).collect()
}

/// An order, whatever became of it: it counts once, at the time at which it was placed. A cancelled one counts no more.
pub(super) fn order(told: &Value, triggered: Timestamp) -> Vec<News> {
    let Some(id) = gid("Order", told, &["admin_graphql_api_id", "id"]) else { return Vec::new() };
    // Tried out by the merchant.
    if told.get("test").and_then(Value::as_bool) == Some(true) {
        return Vec::new();
    }
    let at = |name: &str| told.get(name).and_then(loose::moment);
    let placed = at("processed_at").or_else(|| at("created_at")).unwrap_or(triggered);
    let (kind, word, at) = match at("cancelled_at") {
        Some(cancelled) => (EventType::OrderCancelled, "cancelled", cancelled),
        None => (EventType::CheckoutCompleted, "order", placed),
    };
    let mut event = Event::bare(EventId::new(format!("{word}:{id}")), kind, at.min(triggered));
    let currency = loose::currency(told, &["currency", "presentment_currency"]);
    event.lines = lines(told, currency);
    event.value = value(told, currency, &event.lines);
    event.order = Some(OrderKey::new(id));
    if event.lines.is_empty() { Vec::new() } else { vec![News::Did(actor(told), Box::new(event))] }
}

/// What an order cost as a whole, with discounts, shipping and taxes; where that is not said, what its lines cost.
fn value(told: &Value, currency: Option<Currency>, lines: &[Line]) -> Option<Money> {
    let total =
        ["current_total_price", "total_price"].iter().find_map(|name| loose::money(told.get(*name)?, currency?));
    let sum = || {
        let mut costs = lines.iter().map(|line| line.price?.times(line.quantity));
        let first = costs.next()??;
        costs.try_fold(first, |sum, cost| sum.plus(cost?))
    };
    total.or_else(sum).filter(|value| value.minor >= 0)
}

/// A check-out that began, or the order that came of it long before `orders/create` arrives.
pub(super) fn checkout(told: &Value, triggered: Timestamp) -> Vec<News> {
    let Some(token) = loose::first_id(told, &["token", "id"]) else { return Vec::new() };
    let at = told.get("created_at").and_then(loose::moment).unwrap_or(triggered).min(triggered);
    // The token is a credential of the check-out: only a hash of it is an event's id.
    let id = format!("checkout:{:032x}", xxhash_rust::xxh3::xxh3_128(token.as_bytes()));
    let mut event = Event::bare(EventId::new(id), EventType::CheckoutStarted, at);
    event.lines = lines(told, loose::currency(told, &["presentment_currency", "currency"]));
    vec![News::Did(actor(told), Box::new(event))]
}

/// A cart as it is now: each state of it is seen once.
fn cart(told: &Value, triggered: Timestamp) -> Vec<News> {
    let Some(token) = loose::first_id(told, &["token", "id"]) else { return Vec::new() };
    let at = told.get("updated_at").and_then(loose::moment).unwrap_or(triggered).min(triggered);
    let state = format!("{token} {}", at.as_millisecond());
    let id = format!("cart:{:032x}", xxhash_rust::xxh3::xxh3_128(state.as_bytes()));
    let mut event = Event::bare(EventId::new(id), EventType::CartViewed, at);
    event.lines = lines(told, loose::currency(told, &["currency", "presentment_currency"]));
    vec![News::Did(actor(told), Box::new(event))]
}

/// A customer who takes no mail any more takes marketing back. Subscribing to mail grants nothing: it was not asked for
/// offers in the shop, and other purposes are not in a customer's record.
///
/// Every change of a customer tells the state again, so it is told with the moment at which it came to be so: the shopper may
/// have said something since. Where the record does not have it, it is when the record was changed.
fn customer(told: &Value, triggered: Timestamp) -> Vec<News> {
    let changed = told.get("updated_at").and_then(loose::moment).unwrap_or(triggered);
    let left = |name: &str| {
        let consent = told.get(name)?;
        let state = loose::first_text(consent, &["state"])?.to_lowercase();
        let said = consent.get("consent_updated_at").and_then(loose::moment).unwrap_or(changed).min(triggered);
        ["unsubscribed", "redacted"].contains(&state.as_str()).then_some(said)
    };
    let said = left("email_marketing_consent").max(left("sms_marketing_consent"));
    let id = gid("Customer", told, &["admin_graphql_api_id", "customer_id", "id"]);
    let news = id.zip(said).map(|(id, said)| News::Withdrawn(CustomerId::new(id), Purpose::Marketing, said));
    news.into_iter().collect()
}

/// A customer's record whole, as `customers/update` tells it.
pub(super) fn record(told: &Value, triggered: Timestamp, consent: Option<&Attribute>) -> Vec<News> {
    let mut news = customer(told, triggered);
    news.extend(standing::read("customers/update", told, triggered, consent));
    news
}

/// The customer of a privacy webhook, or a deleted customer's own record.
fn subject(told: &Value) -> Option<CustomerId> {
    let within = told.get("customer").filter(|customer| customer.is_object()).unwrap_or(told);
    gid("Customer", within, &["admin_graphql_api_id", "id"]).map(CustomerId::new)
}

fn redact(told: &Value, _: Timestamp) -> Vec<News> {
    subject(told).map(News::Redact).into_iter().collect()
}

fn data_request(told: &Value, _: Timestamp) -> Vec<News> {
    subject(told).map(News::DataRequest).into_iter().collect()
}

fn product(told: &Value, triggered: Timestamp) -> Vec<News> {
    let Some(key) = gid("Product", told, &["admin_graphql_api_id", "id"]).map(ProductKey::new) else {
        return Vec::new();
    };
    let at = told.get("updated_at").and_then(loose::moment).unwrap_or(triggered);
    if loose::first_text(told, &["status"]).is_some_and(|status| !status.eq_ignore_ascii_case("active")) {
        return vec![News::Catalogue(Change::Gone(key, at))];
    }
    let text = |name: &str| told.get(name).and_then(Value::as_str);
    let mut news = ProductNews::of(key, at);
    news.handle = text("handle").map(Into::into);
    news.title = text("title").map(Into::into);
    news.text = text("body_html").map(|html| loose::words(html, TEXT).into());
    news.category = text("product_type").map(Into::into);
    news.vendor = text("vendor").map(Into::into);
    news.tags = told.get("tags").map(tags);
    news.created = told.get("created_at").and_then(loose::moment);
    if let Some(variants) = told.get("variants").and_then(Value::as_array) {
        let variants = &variants[..variants.len().min(MOST)];
        let key =
            |variant: &Value| gid("ProductVariant", variant, &["admin_graphql_api_id", "id"]).map(VariantKey::new);
        news.variants = Some(variants.iter().filter_map(key).collect());
        news.available = Some(variants.iter().any(can_be_sold));
        news.items = variants.iter().filter_map(|variant| loose::first_id(variant, &["inventory_item_id"])).collect();
        news.price = lowest(variants);
    }
    vec![News::Catalogue(Change::Product(Box::new(news)))]
}

/// Whether a variant is in stock, not counted, or sold beyond its stock.
fn can_be_sold(variant: &Value) -> bool {
    let text = |name: &str| variant.get(name).and_then(Value::as_str);
    let counted = variant.get("inventory_management").is_none_or(|by| !by.is_null());
    let stock = variant.get("inventory_quantity").and_then(Value::as_i64);
    !counted || text("inventory_policy") == Some("continue") || stock.is_none_or(|stock| stock > 0)
}

fn lowest(variants: &[Value]) -> Option<String> {
    let price =
        |variant: &Value| loose::first_id(variant, &["price"]).or_else(|| Some(variant.get("price")?.to_string()));
    let all = variants.iter().filter_map(price).filter_map(|text| Some((text.parse::<f64>().ok()?, text)));
    all.filter(|(number, _)| number.is_finite()).min_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, text)| text)
}

/// Tags: text with commas in REST, a list elsewhere.
fn tags(told: &Value) -> Vec<Box<str>> {
    let listed = told.as_array().into_iter().flatten().filter_map(Value::as_str);
    let written = told.as_str().into_iter().flat_map(|text| text.split(','));
    let trimmed = listed.chain(written).map(str::trim).filter(|tag| !tag.is_empty()).take(MOST);
    let mut tags: Vec<Box<str>> = trimmed.map(Into::into).collect();
    tags.sort_unstable();
    tags
}

fn product_gone(told: &Value, triggered: Timestamp) -> Vec<News> {
    let key = gid("Product", told, &["admin_graphql_api_id", "id"]).map(ProductKey::new);
    key.map(|key| News::Catalogue(Change::Gone(key, triggered))).into_iter().collect()
}

fn inventory(told: &Value, triggered: Timestamp) -> Vec<News> {
    let at = told.get("updated_at").and_then(loose::moment).unwrap_or(triggered);
    let some = told.get("available").and_then(Value::as_i64).is_some_and(|available| available > 0);
    let item = loose::first_id(told, &["inventory_item_id"]);
    item.map(|item| News::Catalogue(Change::Stock(item, some, at))).into_iter().collect()
}

/// Which products a collection holds is not in its news.
fn stale(_: &Value, _: Timestamp) -> Vec<News> {
    vec![News::Catalogue(Change::Stale)]
}

fn collection_gone(told: &Value, _: Timestamp) -> Vec<News> {
    let key = gid("Collection", told, &["admin_graphql_api_id", "id"]).map(CollectionKey::new);
    key.map(|key| News::Catalogue(Change::CollectionGone(key))).into_iter().collect()
}

#[cfg(test)]
mod tests;
