//! How a customer stands with the shop, by the word of its platform: the consent that the shop keeps with the customer, and
//! the tags or groups that put customers into classes.
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
    /// The customer's tags, as far as settings name them: in lower case, in the order of the alphabet. Stored and read with
    /// consent to preferences alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Box<str>>,
    /// When the platform said what is new in it.
    pub at: Timestamp,
}

/// What is said of tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tags {
    /// These are all.
    All(Vec<Box<str>>),
    /// These came.
    Added(Vec<Box<str>>),
    /// These went.
    Removed(Vec<Box<str>>),
}

/// One telling of it. `None`: that was not spoken of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The consent, or that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "spoken")]
    pub consent: Option<Option<Consent>>,
    /// The tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
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
        self.consent.is_none() && self.tags.is_none()
    }

    /// Leaves of the tags those that are named, which are in lower case.
    pub fn keep_tags(&mut self, named: &[Box<str>]) {
        if let Some(Tags::All(tags) | Tags::Added(tags) | Tags::Removed(tags)) = &mut self.tags {
            tags.iter_mut().for_each(|tag| *tag = tag.to_lowercase().into());
            tags.retain(|tag| named.contains(tag));
        }
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
        match &told.tags {
            Some(Tags::All(tags)) => self.tags.clone_from(tags),
            Some(Tags::Added(tags)) => self.tags.extend(tags.iter().cloned()),
            Some(Tags::Removed(tags)) => self.tags.retain(|tag| !tags.contains(tag)),
            None => {}
        }
        self.tags.sort_unstable();
        self.tags.dedup();
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
    fn tags_are_told_whole_or_by_what_came_and_went_and_only_named_ones_are_kept() {
        let named = ["gold", "vip"].map(Box::<str>::from);
        let mut standing = Standing::default();
        let mut tell = |tags: fn(Vec<Box<str>>) -> Tags, texts: &[&str], second| {
            let texts = texts.iter().map(|text| Box::from(*text)).collect();
            let mut told =
                Told { tags: Some(tags(texts)), at: Timestamp::from_second(second).unwrap(), ..Told::default() };
            told.keep_tags(&named);
            standing.hear(&told);
            standing.tags.iter().map(|tag| tag.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(tell(Tags::All, &["VIP", "born-1990"], 10), ["vip"]);
        assert_eq!(tell(Tags::Added, &["Gold", "vip", "x"], 20), ["gold", "vip"]);
        assert_eq!(tell(Tags::Removed, &["Vip"], 30), ["gold"]);
        assert_eq!(tell(Tags::All, &["vip"], 25), ["gold"], "an earlier word");
        assert!(tell(Tags::All, &[], 40).is_empty());
    }

    #[test]
    fn the_later_word_counts_and_what_is_not_spoken_of_stays() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |consent, second| Told { consent, at: at(second), ..Told::default() };
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
