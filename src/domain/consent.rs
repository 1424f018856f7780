//! What a shopper has allowed, purpose by purpose. Shopify's four purposes; other platforms' consent maps onto them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A purpose for which data may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Decisions and events are logged for measurement and training.
    Analytics,
    /// Session and profile are stored and read.
    Preferences,
    /// Offers, content, segments and scores.
    Marketing,
    /// Export to third parties.
    SaleOfData,
}

impl Purpose {
    /// Every purpose, in the order of the schema.
    pub const ALL: [Purpose; 4] = [Purpose::Analytics, Purpose::Preferences, Purpose::Marketing, Purpose::SaleOfData];

    /// The word of the consent header: `sale-of-data`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Analytics => "analytics",
            Self::Preferences => "preferences",
            Self::Marketing => "marketing",
            Self::SaleOfData => "sale-of-data",
        }
    }
}

/// A set of purposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Consent(u8);

impl Consent {
    /// Nothing allowed: contextual personalization only, nothing stored.
    pub const NONE: Consent = Consent(0);
    /// Everything allowed.
    pub const ALL: Consent = Consent(0b1111);

    /// Whether the purpose is allowed.
    pub fn allows(self, purpose: Purpose) -> bool {
        self.0 & (1 << purpose as u8) != 0
    }

    /// The same consent with one purpose set or withdrawn.
    #[must_use]
    pub fn with(self, purpose: Purpose, allowed: bool) -> Self {
        let bit = 1 << purpose as u8;
        if allowed { Self(self.0 | bit) } else { Self(self.0 & !bit) }
    }

    /// What either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What this allows and the other does not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Reads `analytics, preferences, marketing, sale-of-data`, `all` or `none`.
    /// Errors: the first word that is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).try_fold(Self::NONE, |consent, word| match word
            .to_ascii_lowercase()
            .as_str()
        {
            "all" => Ok(Self::ALL),
            "none" => Ok(consent),
            "analytics" => Ok(consent.with(Purpose::Analytics, true)),
            "preferences" => Ok(consent.with(Purpose::Preferences, true)),
            "marketing" => Ok(consent.with(Purpose::Marketing, true)),
            "sale-of-data" => Ok(consent.with(Purpose::SaleOfData, true)),
            _ => Err(word.to_owned()),
        })
    }
}

/// In the words of the header.
impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        let mut separator = "";
        for purpose in Purpose::ALL.into_iter().filter(|purpose| self.allows(*purpose)) {
            write!(f, "{separator}{}", purpose.word())?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_reads_the_header_form_and_names_the_word_it_does_not_know() {
        let some = Consent::parse("analytics, preferences").unwrap();
        assert!(some.allows(Purpose::Analytics) && some.allows(Purpose::Preferences));
        assert!(!some.allows(Purpose::Marketing));
        assert_eq!(Consent::parse("all"), Ok(Consent::ALL));
        assert_eq!(Consent::parse("none"), Ok(Consent::NONE));
        assert_eq!(Consent::parse(&some.to_string()), Ok(some));
        assert_eq!(Consent::NONE.to_string(), "none");
        assert_eq!(Consent::parse("analytics, tracking"), Err("tracking".to_owned()));
    }
}
