//! What a BigCommerce shop's management API says of orders and carts, which its webhooks name by their ids alone
//! (BigCommerce, "Orders V2" and "Carts V3" of the REST Management API).

use crate::domain::event::{Event, EventType, Line, MAX_LINES};
use crate::domain::ids::{CustomerId, EventId, OrderKey, ProductKey, VariantKey};
use crate::domain::money::Currency;
use crate::platform::loose;
use crate::platform::news::{Actor, News, NoAnswer, Wanted};
use crate::platform::secret::{Secret, SecretError};
use crate::platform::upstream::{self, Upstream, UpstreamConfigError};
use bytesize::ByteSize;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take: a delivery waits for two.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read; an order's products are 250 at most.
const LONGEST: ByteSize = ByteSize::mib(4);
/// Orders that are none yet: the shopper has not paid.
const INCOMPLETE: i64 = 0;
/// Orders that count no more: cancelled, declined.
const CANCELLED: [i64; 2] = [5, 6];

/// The API cannot be asked. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Half of it is set.
    #[error("`api` and `token` belong together: set both, or neither")]
    Half,
    /// The token cannot be read.
    #[error("token: {0}")]
    Token(#[from] SecretError),
    /// It is no header's value.
    #[error("token: it has characters that no token of an API account has; check what it is read from")]
    Header,
    /// The address is none.
    #[error("api: {0}; it is https://api.bigcommerce.com/stores/ and the shop's hash")]
    Address(#[from] UpstreamConfigError),
}

/// The API of one shop.
#[derive(Debug)]
pub(super) struct Api {
    shop: Upstream,
}

impl Api {
    /// By its address and token; `None` where neither is set. Errors: [`ApiError`].
    pub(super) fn open(address: Option<&str>, token: Option<&Secret>) -> Result<Option<Self>, ApiError> {
        let (address, token) = match (address, token) {
            (Some(address), Some(token)) => (address, token.reveal()?),
            (None, None) => return Ok(None),
            _ => return Err(ApiError::Half),
        };
        let mut token = HeaderValue::from_str(token.expose()).map_err(|_| ApiError::Header)?;
        token.set_sensitive(true);
        let fixed = HeaderMap::from_iter([(http::HeaderName::from_static("x-auth-token"), token)]);
        let config = upstream::Config {
            url: Some(address.to_owned()),
            timeout: TIMEOUT,
            max_answer: LONGEST,
            ..upstream::Config::default()
        };
        Ok(Some(Self { shop: Upstream::new(config, fixed)?.asking_for("order") }))
    }

    /// What became of it; nothing where it is gone, nobody's, or not for this token. Errors: there is no answer now.
    pub(super) async fn fetch(&self, wanted: &Wanted) -> Result<Vec<News>, NoAnswer> {
        let news = match wanted {
            Wanted::Order(id) => {
                let Some(told) = self.get(&format!("/v2/orders/{id}")).await? else { return Ok(Vec::new()) };
                let products = self.get(&format!("/v2/orders/{id}/products?limit=250")).await?;
                order(&told, &products.unwrap_or_default(), Timestamp::now())
            }
            Wanted::Cart(id, at) => {
                let told = self.get(&format!("/v3/carts/{id}")).await?;
                told.and_then(|told| cart(told.get("data")?, id, *at))
            }
        };
        Ok(news.into_iter().collect())
    }

    async fn get(&self, path: &str) -> Result<Option<Value>, NoAnswer> {
        let answer = self.shop.get(path).await.map_err(|error| NoAnswer(error.to_string()))?;
        match answer.status {
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status if status.is_success() => {
                serde_json::from_slice(&answer.body).map(Some).map_err(|_| NoAnswer("its answer is no JSON".to_owned()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                tracing::error!(
                    status = answer.status.as_u16(),
                    "BigCommerce does not let the token read orders or carts: what its webhooks name is not learned; check \
                     ingest.webhooks.bigcommerce.token and its scopes"
                );
                Ok(None)
            }
            status => Err(NoAnswer(format!("HTTP status {}", status.as_u16()))),
        }
    }
}

/// An order with its products, whatever became of it: it counts once, at the time at which it was placed.
fn order(told: &Value, products: &Value, now: Timestamp) -> Option<News> {
    let id = loose::first_id(told, &["id"])?;
    let status = told.get("status_id").and_then(Value::as_i64).unwrap_or(INCOMPLETE);
    let at = |name: &str| told.get(name).and_then(loose::moment);
    let is_deleted = told.get("is_deleted").and_then(Value::as_bool) == Some(true);
    let (kind, word, at) = match status {
        INCOMPLETE => return None,
        status if is_deleted || CANCELLED.contains(&status) => {
            (EventType::OrderCancelled, "cancelled", at("date_modified"))
        }
        _ => (EventType::CheckoutCompleted, "order", at("date_created")),
    };
    let currency = loose::currency(told, &["currency_code", "default_currency_code"]);
    let mut event = Event::bare(EventId::new(format!("{word}:{id}")), kind, at.unwrap_or(now).min(now));
    event.lines = lines(products.as_array().into_iter().flatten(), "price_inc_tax", currency);
    let total = currency.and_then(|currency| loose::money(told.get("total_inc_tax")?, currency));
    event.value = total.filter(|value| value.minor >= 0);
    event.order = Some(OrderKey::new(id));
    did(told, event)
}

/// A cart as it is now: each state of it is seen once.
fn cart(told: &Value, id: &str, at: Timestamp) -> Option<News> {
    let at = told.get("updated_time").and_then(loose::moment).unwrap_or(at).min(at);
    // The id is a credential of the cart: only a hash of it is an event's id.
    let state = format!("{id} {}", at.as_millisecond());
    let name = format!("cart:{:032x}", xxhash_rust::xxh3::xxh3_128(state.as_bytes()));
    let mut event = Event::bare(EventId::new(name), EventType::CartViewed, at);
    let currency = told.get("currency").and_then(|currency| loose::currency(currency, &["code"]));
    let kinds = ["physical_items", "digital_items"];
    let items = kinds.iter().filter_map(|kind| told.get("line_items")?.get(kind)?.as_array()).flatten();
    event.lines = lines(items, "sale_price", currency);
    did(told, event)
}

/// Of a customer; a guest is nobody who is known.
fn did(told: &Value, event: Event) -> Option<News> {
    let customer = loose::first_id(told, &["customer_id"]).filter(|id| id != "0")?;
    let actor = Actor { customer: Some(CustomerId::new(customer)), ..Actor::default() };
    (!event.lines.is_empty()).then(|| News::Did(actor, Box::new(event)))
}

fn lines<'a>(items: impl Iterator<Item = &'a Value>, price: &str, currency: Option<Currency>) -> Vec<Line> {
    let line = |item: &Value| {
        // What a merchant typed in is no product.
        let id = |name: &str| loose::first_id(item, &[name]).filter(|id| id != "0");
        Some(Line {
            product: ProductKey::new(id("product_id")?),
            variant: id("variant_id").map(VariantKey::new),
            quantity: loose::quantity(item.get("quantity")),
            price: currency
                .and_then(|currency| loose::money(item.get(price)?, currency))
                .filter(|price| price.minor >= 0),
        })
    };
    items.filter_map(line).take(MAX_LINES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(news: Option<News>) -> (String, Event) {
        match news {
            Some(News::Did(actor, event)) => (actor.customer.unwrap().expose().to_owned(), *event),
            other => panic!("{other:?}"),
        }
    }

    fn told(status: i64) -> Value {
        json!({ "id": 250, "customer_id": 7, "status_id": status, "date_created": "Tue, 14 Nov 2023 19:26:23 +0000",
            "date_modified": "Wed, 15 Nov 2023 08:00:00 +0000", "currency_code": "USD", "total_inc_tax": "79.0000" })
    }

    #[test]
    fn an_order_counts_at_its_own_time_with_its_products_until_it_is_cancelled() {
        let (now, at) = (Timestamp::now(), |text: &str| text.parse::<Timestamp>().unwrap());
        let products = json!([{ "product_id": 205, "variant_id": 31, "quantity": 2, "price_inc_tax": "25.0000" },
            { "product_id": 0, "quantity": 1, "name": "typed in" }, { "product_id": 206, "quantity": "1", "price_inc_tax": -1 }]);
        let (who, placed) = event(order(&told(11), &products, now));
        assert_eq!((who.as_str(), placed.id.as_str(), placed.kind), ("7", "order:250", EventType::CheckoutCompleted));
        assert_eq!(placed.at, at("2023-11-14T19:26:23Z"));
        assert_eq!((placed.order.unwrap().as_str(), placed.value.unwrap().minor), ("250", 7_900));
        let lines: Vec<_> =
            placed.lines.iter().map(|line| (line.product.as_str(), line.quantity, line.price)).collect();
        assert_eq!((lines[0].0, lines[0].1, lines[0].2.unwrap().minor), ("205", 2, 2_500));
        assert_eq!((lines.len(), lines[1].0, lines[1].2), (2, "206", None));
        let (_, cancelled) = event(order(&told(5), &products, now));
        assert_eq!((cancelled.kind, cancelled.id.as_str()), (EventType::OrderCancelled, "cancelled:250"));
        assert_eq!(cancelled.at, at("2023-11-15T08:00:00Z"));
        // Not paid yet, of nobody, of nothing.
        assert!(order(&told(0), &products, now).is_none() && order(&told(11), &json!([]), now).is_none());
        let mut guest = told(11);
        guest["customer_id"] = json!(0);
        assert!(order(&guest, &products, now).is_none() && order(&Value::Null, &Value::Null, now).is_none());
    }

    #[test]
    fn a_cart_is_seen_once_in_each_state_and_its_id_stays_its_own() {
        let at = Timestamp::from_second(1_767_323_045).unwrap();
        let told = json!({ "customer_id": 7, "currency": { "code": "EUR" }, "line_items": {
            "physical_items": [{ "product_id": 205, "variant_id": 31, "quantity": 1, "sale_price": 9.5 }],
            "digital_items": [{ "product_id": 207, "quantity": 1 }], "gift_certificates": [{}] } });
        let (_, first) = event(cart(&told, "bc218c65-7a32", at));
        assert_eq!((first.kind, first.at, first.lines.len()), (EventType::CartViewed, at, 2));
        assert_eq!(first.lines[0].price.unwrap().minor, 950);
        assert!(!first.id.as_str().contains("bc218c65"));
        assert_eq!(event(cart(&told, "bc218c65-7a32", at)).1.id, first.id);
        assert_ne!(event(cart(&told, "bc218c65-7a32", Timestamp::from_second(1_767_323_046).unwrap())).1.id, first.id);
    }
}
