//! `@inContext`: market, consent and buyer of an operation. Source: the directive in Shopify's published schema.

use crate::domain::consent::{Consent, Purpose};
use crate::domain::market::Market;
use crate::platform::OperationContext;
use serde_json::{Map, Value};

/// Reads the directive's arguments, variables filled in. `None`: another directive.
pub(super) fn read(directive: &str, arguments: &Map<String, Value>) -> Option<OperationContext> {
    if directive != "inContext" {
        return None;
    }
    let word = |name: &str| arguments.get(name).and_then(Value::as_str).map(|word| word.to_ascii_uppercase().into());
    let buyer = arguments.get("buyer").and_then(|buyer| buyer.get("customerAccessToken")).and_then(Value::as_str);
    let consent = arguments.get("visitorConsent").and_then(Value::as_object).map(|said| {
        let fields = ["analytics", "preferences", "marketing", "saleOfData"];
        Purpose::ALL.into_iter().zip(fields).fold(Consent::NONE, |consent, (purpose, field)| {
            consent.with(purpose, said.get(field).and_then(Value::as_bool).unwrap_or(false))
        })
    });
    Some(OperationContext {
        market: Market { country: word("country"), language: word("language") },
        consent,
        token: buyer.filter(|token| !token.is_empty()).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_context_tells_market_consent_and_buyer() {
        let arguments = json!({
            "country": "DE", "language": "DE", "buyer": {"customerAccessToken": "t"},
            "visitorConsent": {"analytics": true, "preferences": null}
        });
        let read = read("inContext", arguments.as_object().unwrap()).unwrap();
        assert_eq!(read.market.country.as_deref(), Some("DE"));
        assert_eq!(read.consent, Some(Consent::NONE.with(Purpose::Analytics, true)));
        assert_eq!(read.token.as_deref(), Some("t"));
        assert!(super::read("defer", arguments.as_object().unwrap()).is_none());
    }
}
