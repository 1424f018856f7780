//! The market a request shops in. Products are never batched, cached or judged available across markets.

use serde::{Deserialize, Serialize};

/// Country and language as the request wrote them (`@inContext`, headers or the path); `None` is the shop's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Market {
    /// ISO 3166-1 alpha-2 in capitals.
    pub country: Option<Box<str>>,
    /// ISO 639-1 in capitals, with the platform's variants (`PT_BR`).
    pub language: Option<Box<str>>,
}
