//! Identifiers, each a type of its own, parsed once at the edge.
//!
//! Keys of platform objects are the platform's batch key as a string (Shopify: the global id). `ShopperKey` is a keyed
//! hash: no raw session or customer id goes below the edge.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it stands.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_id!(
    /// A product, by the key of the platform's batch look-up.
    ProductKey
);
string_id!(
    /// A variant of a product.
    VariantKey
);
string_id!(
    /// A collection or category.
    CollectionKey
);
string_id!(
    /// An order.
    OrderKey
);
string_id!(
    /// An event's own id, chosen by the client: the same id twice counts once.
    EventId
);
string_id!(
    /// A decision, echoed by clients in events.
    DecisionId
);
string_id!(
    /// A shopper as stored: the keyed hash of a session or of a confirmed customer, in hexadecimal.
    ShopperKey
);

/// The client's own session id: a credential, so it has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// The longest id taken, in characters.
    pub const MAX: usize = 128;

    /// Takes 1 to 128 printable ASCII characters; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= Self::MAX && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        fits.then(|| Self(text.into()))
    }

    /// The raw id. Only the keyed hash of it may be stored or logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// The platform's id of a customer, as confirmed by the platform: personal, so it is handled like a credential.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CustomerId(Arc<str>);

impl CustomerId {
    /// Wraps the id as the platform wrote it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The raw id. Only the keyed hash of it may be stored or logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_printable_and_short_and_never_shown() {
        assert!(SessionId::parse("abc-123").is_some());
        assert!(SessionId::parse("").is_none());
        assert!(SessionId::parse(&"x".repeat(129)).is_none());
        assert!(SessionId::parse("a\nb").is_none());
        let shown = SessionId::parse("secret").map(|id| format!("{id:?}"));
        assert_eq!(shown.as_deref(), Some("SessionId(…)"));
    }
}
