//! What Adobe's events and webhooks hold, read as news. Members stand as Commerce's models have them: numbers are often text,
//! moments are UTC without a zone, lists may be objects that number their members.

use super::standing;
use crate::domain::consent::Purpose;
use crate::domain::event::{Event, EventType, Line, MAX_LINES};
use crate::domain::ids::{CollectionKey, CustomerId, EventId, OrderKey, ProductKey, VariantKey};
use crate::domain::money::Currency;
use crate::platform::kept_consent::Attribute;
use crate::platform::loose;
use crate::platform::news::{Actor, Change, News, ProductNews};
use jiff::Timestamp;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

/// The longest description kept, in characters; as the crawl keeps.
const TEXT: usize = 2_000;

/// What an event of I/O Events says: its topic, where it is one that is used, and the news. `consent`: the attribute in which
/// the shop keeps its customers' consent.
pub(super) fn of_event(event: &Value, now: Timestamp, consent: Option<&Attribute>) -> (&'static str, Vec<News>) {
    let kind = loose::first_text(event, &["type"]).unwrap_or_default();
    // com.adobe.commerce.observer.sales_order_save_commit_after, with the provider between where there are several.
    let name = kind.rsplit_once("observer.").map_or("", |(_, name)| name);
    let at = event.get("time").and_then(loose::moment).unwrap_or(now).min(now);
    let data = event.get("data").unwrap_or(&Value::Null);
    let value = data.get("value").filter(|value| value.is_object()).unwrap_or(data);
    match TOPICS.iter().find(|topic| topic.names.contains(&name)) {
        Some(topic) if topic.name == "customer" => {
            (topic.name, standing::read(value, at, consent).into_iter().collect())
        }
        Some(topic) => (topic.name, (topic.read)(value, at)),
        None => ("other", Vec::new()),
    }
}

/// What a webhook of Commerce's own says, by what it holds.
pub(super) fn of_webhook(told: &Value, now: Timestamp) -> (&'static str, Vec<News>) {
    let data = told.get("data").filter(|data| data.is_object()).unwrap_or(told);
    let within = |name: &str| data.get(name).filter(|value| value.is_object());
    if let Some(value) = within("order") {
        return ("order", order(value, now));
    }
    if let Some(value) = within("product") {
        return ("product", product(value, now));
    }
    if let Some(value) = within("quote") {
        return ("cart", cart(value, now));
    }
    ("other", Vec::new())
}

/// A topic, the observer events that it has, and how their values are read, given the moment of the event.
pub(super) struct Topic {
    pub(super) name: &'static str,
    names: &'static [&'static str],
    pub(super) read: fn(&Value, Timestamp) -> Vec<News>,
}

pub(super) const TOPICS: [Topic; 10] = [
    Topic {
        name: "order",
        names: &[
            "sales_order_place_after",
            "sales_order_save_after",
            "sales_order_save_commit_after",
            "checkout_submit_all_after",
            "checkout_type_onepage_save_order_after",
            "order_cancel_after",
        ],
        read: order,
    },
    Topic {
        name: "cart",
        names: &[
            "sales_quote_save_after",
            "sales_quote_save_commit_after",
            "checkout_cart_product_add_after",
            "checkout_cart_save_after",
            "checkout_cart_update_items_after",
        ],
        read: cart,
    },
    Topic { name: "customer/delete", names: &["customer_delete_after", "customer_delete_commit_after"], read: redact },
    Topic {
        name: "customer",
        names: &["customer_save_after", "customer_save_commit_after", "customer_save_after_data_object"],
        read: |_, _| Vec::new(),
    },
    Topic {
        name: "subscriber",
        names: &["newsletter_subscriber_save_after", "newsletter_subscriber_save_commit_after"],
        read: subscriber,
    },
    Topic {
        name: "product",
        names: &["catalog_product_save_after", "catalog_product_save_commit_after"],
        read: product,
    },
    Topic {
        name: "product/delete",
        names: &["catalog_product_delete_after", "catalog_product_delete_commit_after"],
        read: product_gone,
    },
    Topic {
        name: "stock",
        names: &["cataloginventory_stock_item_save_after", "cataloginventory_stock_item_save_commit_after"],
        read: stock,
    },
    Topic {
        name: "category",
        names: &["catalog_category_save_after", "catalog_category_save_commit_after"],
        read: |_, _| vec![News::Catalogue(Change::Stale)],
    },
    Topic {
        name: "category/delete",
        names: &["catalog_category_delete_after", "catalog_category_delete_commit_after"],
        read: category_gone,
    },
];

fn customer(told: &Value) -> Actor {
    Actor { customer: loose::first_id(told, &["customer_id"]).map(CustomerId::new), ..Actor::default() }
}

/// The members of a list, or of an object that numbers them.
fn each(told: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list = told.and_then(Value::as_array).into_iter().flatten();
    list.chain(told.and_then(Value::as_object).into_iter().flat_map(|object| object.values()))
}

/// Lines by SKU. What belongs to a line of a configurable product or a bundle is in that line.
fn lines(told: &Value, quantity: &str, currency: Option<Currency>) -> Vec<Line> {
    let line = |line: &Value| {
        let sku = loose::first_id(line, &["sku"])?;
        let price = currency.and_then(|currency| loose::money(line.get("price")?, currency));
        Some(Line {
            product: ProductKey::new(sku.as_str()),
            variant: Some(VariantKey::new(sku)),
            quantity: loose::quantity(line.get(quantity).or_else(|| line.get("qty"))),
            price: price.filter(|price| price.minor >= 0),
        })
    };
    let whole = |line: &&Value| line.get("parent_item_id").and_then(loose::id).is_none_or(|parent| parent == "0");
    each(told.get("items")).filter(whole).filter_map(line).take(MAX_LINES).collect()
}

/// An order, whatever became of it: it counts once, at the time at which it was placed. A cancelled one counts no more.
fn order(told: &Value, at: Timestamp) -> Vec<News> {
    let told = told.get("order").filter(|order| order.is_object()).unwrap_or(told);
    let Some(id) = loose::first_id(told, &["increment_id", "entity_id", "id"]) else { return Vec::new() };
    let moment = |name: &str| told.get(name).and_then(loose::moment);
    let (kind, word, when) = match loose::first_text(told, &["state", "status"]) {
        Some("canceled") => (EventType::OrderCancelled, "cancelled", moment("updated_at").unwrap_or(at)),
        _ => (EventType::CheckoutCompleted, "order", moment("created_at").unwrap_or(at)),
    };
    let mut event = Event::bare(EventId::new(format!("{word}:{id}")), kind, when.min(at));
    let currency = loose::currency(told, &["order_currency_code", "base_currency_code"]);
    event.lines = lines(told, "qty_ordered", currency);
    // With discounts, shipping and taxes.
    let total = currency.and_then(|currency| loose::money(told.get("grand_total")?, currency));
    event.value = total.filter(|value| value.minor >= 0);
    event.order = Some(OrderKey::new(id));
    if event.lines.is_empty() { Vec::new() } else { vec![News::Did(customer(told), Box::new(event))] }
}

/// A cart as it is now: each state of it is seen once.
fn cart(told: &Value, at: Timestamp) -> Vec<News> {
    let within = told.get("cart").unwrap_or(told);
    let told = within.get("quote").filter(|quote| quote.is_object()).unwrap_or(within);
    let Some(id) = loose::first_id(told, &["entity_id", "id"]) else { return Vec::new() };
    let when = told.get("updated_at").and_then(loose::moment).unwrap_or(at).min(at);
    let state = format!("{id} {}", when.as_millisecond());
    let id = format!("cart:{:032x}", xxh3_128(state.as_bytes()));
    let mut event = Event::bare(EventId::new(id), EventType::CartViewed, when);
    event.lines = lines(told, "qty", loose::currency(told, &["quote_currency_code", "base_currency_code"]));
    vec![News::Did(customer(told), Box::new(event))]
}

fn redact(told: &Value, _: Timestamp) -> Vec<News> {
    let within = told.get("customer").filter(|customer| customer.is_object()).unwrap_or(told);
    let id = loose::first_id(within, &["entity_id", "id"]).map(CustomerId::new);
    id.map(News::Redact).into_iter().collect()
}

/// A customer who takes no mail any more takes marketing back; subscribing grants nothing.
fn subscriber(told: &Value, at: Timestamp) -> Vec<News> {
    /// As Commerce numbers it.
    const UNSUBSCRIBED: &str = "3";
    let left = loose::first_id(told, &["subscriber_status"]).is_some_and(|status| status == UNSUBSCRIBED);
    // A subscriber who is no customer has the number 0.
    let id = loose::first_id(told, &["customer_id"]).filter(|id| left && id != "0");
    let said = told.get("change_status_at").and_then(loose::moment).unwrap_or(at).min(at);
    id.map(|id| News::Withdrawn(CustomerId::new(id), Purpose::Marketing, said)).into_iter().collect()
}

fn flag(told: &Value, name: &str) -> Option<bool> {
    match told.get(name)? {
        Value::Bool(flag) => Some(*flag),
        other => loose::id(other).map(|text| text == "1" || text == "true"),
    }
}

fn product(told: &Value, at: Timestamp) -> Vec<News> {
    let told = told.get("product").filter(|product| product.is_object()).unwrap_or(told);
    let Some(key) = loose::first_id(told, &["sku"]).map(ProductKey::new) else { return Vec::new() };
    let number = |name: &str| told.get(name).and_then(loose::id);
    // 2: disabled.
    if number("status").is_some_and(|status| status == "2") {
        return vec![News::Catalogue(Change::Gone(key, at))];
    }
    // 1: not shown by itself; it is a variant of another.
    if number("visibility").is_some_and(|visibility| visibility == "1") {
        return vec![News::Catalogue(Change::Stale)];
    }
    let text = |name: &str| loose::first_text(told, &[name]);
    let mut news = ProductNews::of(key, told.get("updated_at").and_then(loose::moment).unwrap_or(at).min(at));
    news.handle = text("url_key").map(Into::into);
    news.title = text("name").map(Into::into);
    let description = text("description").or_else(|| text("short_description"));
    news.text = description.map(|html| loose::words(html, TEXT).into());
    news.created = told.get("created_at").and_then(loose::moment);
    let stock =
        ["stock_data", "quantity_and_stock_status"].iter().find_map(|name| flag(told.get(*name)?, "is_in_stock"));
    news.available = stock.or_else(|| flag(told, "is_salable"));
    // Commerce writes six places, of which a currency has fewer.
    news.price = number("price")
        .or_else(|| told.get("price").filter(|price| price.is_number()).map(Value::to_string))
        .map(|price| match price.contains('.') {
            true => price.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => price,
        });
    // Stock is told by the product's number.
    news.items = loose::first_id(told, &["entity_id", "id"]).into_iter().collect();
    vec![News::Catalogue(Change::Product(Box::new(news)))]
}

fn product_gone(told: &Value, at: Timestamp) -> Vec<News> {
    let key = loose::first_id(told, &["sku"]).map(ProductKey::new);
    key.map(|key| News::Catalogue(Change::Gone(key, at))).into_iter().collect()
}

fn stock(told: &Value, at: Timestamp) -> Vec<News> {
    let some = flag(told, "is_in_stock") == Some(true);
    let item = loose::first_id(told, &["product_id"]);
    item.map(|item| News::Catalogue(Change::Stock(item, some, at))).into_iter().collect()
}

fn category_gone(told: &Value, _: Timestamp) -> Vec<News> {
    let key = loose::first_id(told, &["entity_id", "category_id", "id"]).map(CollectionKey::new);
    key.map(|key| News::Catalogue(Change::CollectionGone(key))).into_iter().collect()
}
