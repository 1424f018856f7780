//! How a customer stands with the shop, as webhooks of customers tell it: the consent in a metafield, where the subscription
//! names its namespace (`metafield_namespaces`), and the tags, which since version 2025-01 have topics of their own.

use super::gid;
use crate::domain::ids::CustomerId;
use crate::domain::standing::{Tags, Told};
use crate::platform::kept_consent::{self, Attribute};
use crate::platform::loose;
use crate::platform::news::News;
use jiff::Timestamp;
use serde_json::Value;

/// Customers were given tags.
pub(super) const TAGS_ADDED: &str = "customer.tags_added";
/// Tags were taken from customers.
pub(super) const TAGS_REMOVED: &str = "customer.tags_removed";

/// The most metafields that are looked through.
const MOST: usize = 250;

/// What a customer's own record says. `None`: it is none, or says nothing of what is wanted.
pub(super) fn read(topic: &str, told: &Value, triggered: Timestamp, consent: Option<&Attribute>) -> Option<News> {
    let of_tags = |tags: fn(Vec<Box<str>>) -> Tags| told.get("tags").map(|listed| tags(super::tags(listed)));
    let tags = match topic {
        "customers/create" | "customers/update" => of_tags(Tags::All),
        TAGS_ADDED => of_tags(Tags::Added),
        TAGS_REMOVED => of_tags(Tags::Removed),
        _ => return None,
    };
    let customer = gid("Customer", told, &["admin_graphql_api_id", "customerId", "customer_id", "id"])?;
    let moments = ["updated_at", "occurredAt", "occurred_at"];
    let at = moments.iter().find_map(|name| told.get(*name).and_then(loose::moment)).unwrap_or(triggered);
    let consent = consent.and_then(|wanted| kept(told, wanted));
    let said = Told { consent, tags, at: at.min(triggered) };
    (!said.is_nothing()).then(|| News::Standing(CustomerId::new(customer), said))
}

/// The consent in the metafield that is wanted; outer `None`: the body does not have it. That it was deleted is told by the
/// answer that confirms the customer alone: bodies leave metafields out for other reasons, too.
fn kept(told: &Value, wanted: &Attribute) -> Option<Option<crate::domain::consent::Consent>> {
    let (namespace, key) = wanted.metafield();
    let is = |metafield: &Value, member: &str, text: &str| metafield.get(member).and_then(Value::as_str) == Some(text);
    let mut all = told.get("metafields")?.as_array()?.iter().take(MOST);
    let found = all.find(|metafield| is(metafield, "namespace", namespace) && is(metafield, "key", key))?;
    Some(kept_consent::read("shopify", found.get("value")?))
}
