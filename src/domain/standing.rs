//! How a customer stands with the shop, by the word of its platform: the consent that the shop keeps with the customer, and
//! the tags or groups that put customers into classes.
//!
//! It comes with the answer that confirms a customer and by webhook, in no order; of each of the two the later word counts, so
//! that news of tags cannot hide a withdrawal that was said just before.

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
    #[serde(default)]
    pub consent_at: Timestamp,
    /// The customer's tags, as far as settings name them: in lower case, in the order of the alphabet. Stored and read with
    /// consent to preferences alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Box<str>>,
    /// When the platform said what is new in them.
    #[serde(default)]
    pub tags_at: Timestamp,
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
    ///
    /// What says nothing new leaves the moment as it is, so that customers who are confirmed again and again are not written
    /// each time. Of what came and went the moment is kept all the same: it is told once.
    pub fn hear(&mut self, told: &Told) -> bool {
        let before = self.clone();
        if let Some(consent) = told.consent.filter(|consent| told.at >= self.consent_at && *consent != self.consent) {
            (self.consent, self.consent_at) = (consent, told.at);
        }
        if let Some(said) = told.tags.as_ref().filter(|_| told.at >= self.tags_at) {
            let (mut tags, mut once) = (self.tags.clone(), false);
            match said {
                Tags::All(all) => tags.clone_from(all),
                Tags::Added(more) => {
                    once = !more.is_empty();
                    tags.extend(more.iter().cloned());
                }
                Tags::Removed(gone) => {
                    once = !gone.is_empty();
                    tags.retain(|tag| !gone.contains(tag));
                }
            }
            tags.sort_unstable();
            tags.dedup();
            if once || tags != self.tags {
                (self.tags, self.tags_at) = (tags, told.at);
            }
        }
        *self != before
    }

    /// Of two tellings of one customer the later of each.
    pub fn or_later(&mut self, other: &Self) {
        if self.consent_at < other.consent_at {
            (self.consent, self.consent_at) = (other.consent, other.consent_at);
        }
        if self.tags_at < other.tags_at {
            (self.tags, self.tags_at) = (other.tags.clone(), other.tags_at);
        }
    }

    /// The same without what is stored for preferences alone.
    pub fn without_tags(&self) -> Self {
        Self { tags: Vec::new(), tags_at: Timestamp::default(), ..self.clone() }
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
        // One that went and was not there yet: that it came is told later and was earlier.
        assert!(tell(Tags::Removed, &["gold"], 60).is_empty() && tell(Tags::Added, &["gold"], 50).is_empty());
    }

    #[test]
    fn news_of_tags_do_not_hide_a_withdrawal_that_was_said_before() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let tags = Some(Tags::All(vec!["vip".into()]));
        let mut standing = Standing::default();
        standing.hear(&Told { consent: Some(Some(Consent::ALL)), at: at(10), ..Told::default() });
        standing.hear(&Told { tags, at: at(30), ..Told::default() });
        assert!(standing.hear(&Told { consent: Some(Some(Consent::NONE)), at: at(20), ..Told::default() }));
        assert_eq!((standing.consent, standing.tags.len()), (Some(Consent::NONE), 1));
        let mut other = Standing::default();
        other.hear(&Told { consent: Some(Some(Consent::ALL)), at: at(15), ..Told::default() });
        other.or_later(&standing);
        assert_eq!(other, standing);
        assert_eq!((other.without_tags().consent, other.without_tags().tags.len()), (Some(Consent::NONE), 0));
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
        assert_eq!((standing.consent, standing.consent_at), (Some(Consent::ALL), at(20)));
        assert!(standing.hear(&told(Some(None), 40)));
        assert_eq!(standing.consent, None);
        for consent in [None, Some(None), Some(Some(Consent::ALL))] {
            let written = serde_json::to_string(&told(consent, 50)).unwrap();
            assert_eq!(serde_json::from_str::<Told>(&written).unwrap(), told(consent, 50), "{written}");
        }
    }
}
