//! The consent that a shop keeps with its customers, in an attribute of the platform's: where it is, and what it says.

use crate::domain::consent::{Consent, Purpose};
use crate::telemetry::ingest::KeptConsentUnread;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The longest value that is read; the words of all purposes have some 50 bytes.
const LONGEST: usize = 4 * 1024;
/// The longest name of an attribute.
const NAME: usize = 255;
/// The namespace in which shops of Shopify define metafields of their own.
const NAMESPACE: &str = "custom";

/// An attribute of customers: a metafield of Shopify's as `namespace.key`, an attribute of Adobe Commerce's by its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute(String);

impl Attribute {
    /// Reads a name. `None`: it is empty, too long, or has other characters than names have.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$:".contains(&byte);
        let whole = !text.is_empty() && text.len() <= NAME && text.bytes().all(fits);
        (whole && !text.starts_with('.') && !text.ends_with('.')).then(|| Self(text.to_owned()))
    }

    /// Namespace and key of the metafield.
    pub fn metafield(&self) -> (&str, &str) {
        self.0.rsplit_once('.').unwrap_or((NAMESPACE, &self.0))
    }

    /// The code of the attribute, where it has no namespace.
    pub fn code(&self) -> &str {
        &self.0
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` names no attribute of customers; write one such as custom.consent"
            ))
        })
    }
}

/// What the attribute's value says. `None`: nothing; what cannot be read is counted and logged, without the value.
pub fn read(platform: &'static str, value: &Value) -> Option<Consent> {
    let said = match value {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) if text.len() > LONGEST => None,
        // A platform's lists, objects and switches come as text.
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::String(inner)) => Consent::parse(&inner).ok(),
            Ok(value) => of(&value),
            Err(_) => Consent::parse(text).ok(),
        },
        value => of(value),
    };
    if said.is_none() {
        KeptConsentUnread { platform }.emit();
    }
    said
}

fn of(value: &Value) -> Option<Consent> {
    match value {
        Value::Bool(all) => Some(if *all { Consent::ALL } else { Consent::NONE }),
        Value::Array(words) => {
            words.iter().try_fold(Consent::NONE, |consent, word| Some(consent.or(Consent::parse(word.as_str()?).ok()?)))
        }
        Value::Object(members) => by_purpose(members),
        _ => None,
    }
}

/// An object of switches by purpose. Other members, such as who changed it when, say nothing; a purpose that is missing is
/// not allowed.
fn by_purpose(members: &Map<String, Value>) -> Option<Consent> {
    let mut said = None;
    for (name, value) in members {
        let plain: String = name.chars().filter(|c| c.is_ascii_alphabetic()).map(|c| c.to_ascii_lowercase()).collect();
        let named = |purpose: &Purpose| purpose.word().bytes().filter(|byte| *byte != b'-').eq(plain.bytes());
        if let Some(purpose) = Purpose::ALL.into_iter().find(named) {
            said = Some(said.unwrap_or(Consent::NONE).with(purpose, value.as_bool()?));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn consent_is_read_from_lists_texts_switches_and_objects_and_from_nothing_else() {
        let both = Consent::NONE.with(Purpose::Analytics, true).with(Purpose::SaleOfData, true);
        for (value, said) in [
            (json!("analytics, sale-of-data"), Some(both)),
            (json!(r#"["analytics","sale-of-data"]"#), Some(both)),
            (json!(["analytics", "sale-of-data"]), Some(both)),
            (json!(r#"{"analytics":true,"saleOfData":true,"marketing":false,"changed":"2026-03-01"}"#), Some(both)),
            (json!({ "ANALYTICS": true, "sale_of_data": true }), Some(both)),
            (json!(r#""analytics, sale-of-data""#), Some(both)),
            (json!("true"), Some(Consent::ALL)),
            (json!(false), Some(Consent::NONE)),
            (json!("none"), Some(Consent::NONE)),
            (json!("[]"), Some(Consent::NONE)),
            (json!("all"), Some(Consent::ALL)),
            (json!(null), None),
            (json!("  "), None),
            (json!("analytics, tracking"), None),
            (json!(["analytics", 1]), None),
            (json!({ "analytics": "yes", "marketing": true }), None),
            (json!({ "changed": true }), None),
            (json!(1), None),
            (json!("{"), None),
            (json!("all,".repeat(2_000)), None),
        ] {
            assert_eq!(read("shopify", &value), said, "{value}");
        }
    }

    #[test]
    fn an_attribute_is_a_metafield_with_its_namespace_or_a_code() {
        let read =
            |text: &str| toml::from_str::<std::collections::BTreeMap<String, Attribute>>(&format!("a = '{text}'"));
        assert_eq!(read("privacy.consent").unwrap()["a"].metafield(), ("privacy", "consent"));
        assert_eq!(read("consent").unwrap()["a"].metafield(), ("custom", "consent"));
        for wrong in ["", ".", "a.", "a b", "é"] {
            assert!(read(wrong).unwrap_err().to_string().contains("such as custom.consent"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(text in ".{0,200}") {
            let _ = read("shopify", &json!(text));
        }
    }
}
