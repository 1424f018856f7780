//! A customer of the GraphQL Admin API as the body of the webhook `customers/update`, and read as one.

use super::super::webhook;
use crate::platform::kept_consent::Attribute;
use crate::platform::news::News;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How a customer stands with the shop. `consent`: the metafield in which the shop keeps it; a customer who has none there
/// says nothing, as in webhooks.
pub(super) fn read(mut node: Map<String, Value>, consent: Option<&Attribute>) -> Vec<News> {
    let mut told = Map::new();
    let mut take = |from: &str, to: &str| {
        if let Some(value) = node.remove(from) {
            told.insert(to.to_owned(), value);
        }
    };
    take("id", "admin_graphql_api_id");
    take("updatedAt", "updated_at");
    take("tags", "tags");
    let metafield = node.get("metafield").zip(consent).and_then(|(metafield, wanted)| kept(metafield, wanted));
    if let Some(metafield) = metafield {
        told.insert("metafields".to_owned(), json!([metafield]));
    }
    for (from, to) in
        [("defaultEmailAddress", "email_marketing_consent"), ("defaultPhoneNumber", "sms_marketing_consent")]
    {
        if let Some(address) = node.get(from).filter(|address| address.is_object()) {
            let said =
                json!({ "state": address["marketingState"], "consent_updated_at": address["marketingUpdatedAt"] });
            told.insert(to.to_owned(), said);
        }
    }
    webhook::record(&Value::Object(told), Timestamp::now(), consent)
}

/// The metafield, where it is the one that is wanted. The platform writes out the namespace of an app that a `$` stands for.
fn kept(metafield: &Value, wanted: &Attribute) -> Option<Value> {
    let (namespace, key) = wanted.metafield();
    let is_it = metafield["key"] == *key && (metafield["namespace"] == *namespace || namespace.starts_with('$'));
    is_it.then(|| json!({ "namespace": namespace, "key": key, "value": metafield["value"] }))
}
