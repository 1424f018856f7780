//! Webhooks of the shop as a whole: whether a body is one, and of which shop.
//!
//! Shopify signs the body and not the topic: whoever holds one signed body can send it under any topic. So what is done to a
//! whole shop is done only for a body that no other webhook has, and that names the shop of the settings.

use super::ShopifyWebhooks;
use crate::platform::loose;
use crate::platform::news::Unreadable;
use serde_json::Value;

/// Everything of the shop is to be erased.
pub(super) const REDACT: &str = "shop/redact";
/// The app's credentials were taken back.
pub(super) const UNINSTALLED: &str = "app/uninstalled";

/// Members that say that a body is of something in a shop. With `shop_id` and `shop_domain` come `customers/redact` and
/// `customers/data_request`, too: they name a customer.
const OTHERS: [&str; 12] = [
    "customer",
    "customer_id",
    "customerId",
    "orders_requested",
    "orders_to_redact",
    "data_request",
    "line_items",
    "token",
    "variants",
    "inventory_item_id",
    "email_marketing_consent",
    "handle",
];
/// The same for a body that is not a shop's own record, which has these itself.
const RECORDS: [&str; 2] = ["id", "admin_graphql_api_id"];

impl ShopifyWebhooks {
    /// Whether a topic's body is what its topic says, and of this shop. True for topics that are not of a whole shop; false:
    /// it is another shop's, to be left aside. Errors: another webhook's body under this topic; a whole shop is to be erased
    /// and the settings do not say which is theirs.
    pub(super) fn is_of_this_shop(&self, topic: &'static str, told: &Value) -> Result<bool, Unreadable> {
        let has_any = |names: &[&str]| names.iter().any(|name| told.get(name).is_some());
        let (domain, fits) = match topic {
            REDACT => ("shop_domain", loose::first_id(told, &["shop_id"]).is_some() && !has_any(&RECORDS)),
            UNINSTALLED => ("myshopify_domain", loose::first_id(told, &["id"]).is_some()),
            _ => return Ok(true),
        };
        let named = loose::first_text(told, &[domain]).filter(|_| fits && !has_any(&OTHERS));
        let Some(named) = named else {
            tracing::warn!(topic, "a signed body came under the topic of another webhook and was refused");
            return Err(Unreadable::OtherTopic(topic));
        };
        match &self.shop {
            Some(own) => Ok(named.eq_ignore_ascii_case(own)),
            None if topic == REDACT => {
                tracing::error!(
                    "Shopify asks to erase everything of a shop (shop/redact), and it was refused: the settings do not say \
                     which shop is this one; write its domain, name.myshopify.com, to ingest.webhooks.shopify.shop, then \
                     Shopify's next try is taken"
                );
                Err(Unreadable::ShopUnnamed)
            }
            None => Ok(true),
        }
    }
}
