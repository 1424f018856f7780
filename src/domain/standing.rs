//! How a customer stands with the shop, by the word of its platform: the consent that the shop keeps with the customer.
//!
//! It comes with the answer that confirms a customer and by webhook, in no order; the later moment counts.

use super::consent::Consent;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// What the platform says of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The consent that the shop keeps with the customer; `None`: none that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// When the platform said what is new in it.
    pub at: Timestamp,
}

/// One telling of it. `None`: that was not spoken of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The consent, or that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "spoken")]
    pub consent: Option<Option<Consent>>,
    /// When it was so.
    pub at: Timestamp,
}

/// Reads `null` as what was spoken of and is nothing: what was not spoken of is not written.
fn spoken<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Consent>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Told {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        self.consent.is_none()
    }
}

impl Standing {
    /// Whether nothing was ever said.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what is said, unless something later is known. Whether anything is other than before.
    pub fn hear(&mut self, told: &Told) -> bool {
        if told.at < self.at {
            return false;
        }
        let before = self.clone();
        if let Some(consent) = told.consent {
            self.consent = consent;
        }
        let new = *self != before;
        if new {
            self.at = told.at;
        }
        new
    }

    /// The later of two tellings of one customer.
    pub fn or_later(&mut self, other: &Self) {
        if self.at < other.at {
            self.clone_from(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_word_counts_and_what_is_not_spoken_of_stays() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |consent, second| Told { consent, at: at(second) };
        let mut standing = Standing::default();
        assert!(standing.is_nothing());
        assert!(standing.hear(&told(Some(Some(Consent::ALL)), 20)));
        assert!(!standing.hear(&told(Some(Some(Consent::NONE)), 10)), "an earlier word");
        assert!(!standing.hear(&told(None, 30)) && !standing.hear(&told(Some(Some(Consent::ALL)), 30)), "no news");
        assert_eq!((standing.consent, standing.at), (Some(Consent::ALL), at(20)));
        assert!(standing.hear(&told(Some(None), 40)));
        assert_eq!(standing.consent, None);
        for consent in [None, Some(None), Some(Some(Consent::ALL))] {
            let written = serde_json::to_string(&told(consent, 50)).unwrap();
            assert_eq!(serde_json::from_str::<Told>(&written).unwrap(), told(consent, 50), "{written}");
        }
    }
}
