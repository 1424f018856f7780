//! What the platform's answer says of a claim: without one, claims stand as they are.

use serde_json::Value;

/// The largest answer that is looked into, in bytes; of a larger one hand in nothing.
pub const LARGEST: usize = 256 * 1024;

/// An answer that has been read, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof(Option<Value>);

impl Proof {
    /// Reads an answer. `None`: it proves that nothing happened, because it has errors or is no answer at all.
    pub fn read(answer: Option<&[u8]>) -> Option<Self> {
        let Some(answer) = answer.filter(|answer| answer.len() <= LARGEST) else { return Some(Self(None)) };
        let Ok(Value::Object(mut answer)) = serde_json::from_slice(answer) else { return None };
        let refused = answer.get("errors").is_some_and(|errors| !empty(errors));
        let data = answer.remove("data").filter(Value::is_object)?;
        (!refused).then_some(Self(Some(data)))
    }

    /// Whether the field under this response name came back, without errors of its own.
    pub fn stands(&self, response: &str) -> bool {
        let Some(data) = &self.0 else { return true };
        let Some(field) = data.get(response).filter(|field| !field.is_null()) else { return false };
        let refused = ["userErrors", "customerUserErrors"].into_iter().filter_map(|name| field.get(name));
        let no_cart = field.get("cart").is_some_and(Value::is_null);
        !no_cart && refused.into_iter().all(empty)
    }

    /// The `id` of the object under this response name, where the client asked for it.
    pub fn id(&self, response: &str) -> Option<String> {
        self.0.as_ref()?.get(response)?.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
    }
}

fn empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
