//! How a customer stands with the shop, as Commerce's events of customers tell it: the consent in an attribute of theirs,
//! and their group, which counts as the tag `group:` with its number.

use crate::domain::consent::Consent;
use crate::domain::ids::CustomerId;
use crate::domain::standing::{Tags, Told};
use crate::platform::kept_consent::{self, Attribute};
use crate::platform::loose;
use crate::platform::news::News;
use jiff::Timestamp;
use serde_json::Value;

/// The most attributes that are looked through.
const MOST: usize = 250;

/// What a customer's own record says. `None`: it is none, or says nothing of what is wanted.
pub(super) fn read(told: &Value, at: Timestamp, consent: Option<&Attribute>) -> Option<News> {
    let told = told.get("customer").filter(|customer| customer.is_object()).unwrap_or(told);
    let customer = loose::first_id(told, &["entity_id", "id"])?;
    let at = told.get("updated_at").and_then(loose::moment).unwrap_or(at).min(at);
    let group = loose::first_id(told, &["group_id"]);
    let tags = group.map(|group| Tags::All(vec![format!("group:{group}").into()]));
    let said = Told { consent: consent.and_then(|wanted| kept(told, wanted)), tags, at };
    (!said.is_nothing()).then(|| News::Standing(CustomerId::new(customer), said))
}

/// The consent in the attribute that is wanted: among the custom attributes, or a member of its own. Outer `None`: neither.
fn kept(told: &Value, wanted: &Attribute) -> Option<Option<Consent>> {
    let is = |attribute: &&Value| attribute.get("attribute_code").and_then(Value::as_str) == Some(wanted.code());
    let custom = told.get("custom_attributes");
    let list = custom.and_then(Value::as_array).into_iter().flatten();
    let numbered = custom.and_then(Value::as_object).into_iter().flat_map(|object| object.values());
    let listed = list.chain(numbered).take(MOST).find(is).and_then(|attribute| attribute.get("value"));
    let value = listed.or_else(|| custom?.get(wanted.code())).or_else(|| told.get(wanted.code()))?;
    // Switches are numbers here.
    Some(match value.as_u64().or_else(|| value.as_str()?.parse().ok()) {
        Some(flag @ (0 | 1)) => kept_consent::read("adobe", &Value::Bool(flag == 1)),
        _ => kept_consent::read("adobe", value),
    })
}
