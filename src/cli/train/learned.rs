//! What a training learns from and is measured by, wherever it was read.

use crate::cli::evaluate::shop;
use crate::features::{Attributes, Vocabulary};
use crate::train::{Dataset, History, Incumbent, Protocol, Split, is_unknown, split_by_time};
use anyhow::Context;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;

/// Data, parted for measuring and whole.
pub(super) struct Learned {
    pub(super) vocabulary: Vocabulary,
    pub(super) attributes: Arc<Attributes>,
    /// Titles by row, where they are known.
    pub(super) titles: Vec<Box<str>>,
    /// Parted: the newest is measured.
    pub(super) split: Split,
    /// Every sequence to its end.
    pub(super) all: Vec<History>,
    /// When the newest event was; none for data without times.
    pub(super) until: Option<i64>,
    /// What was read, in words.
    pub(super) data: String,
    /// Whether what is measured is news to the model that is served.
    fair: bool,
}

impl Learned {
    /// Reads events. `known` is until when the model learned that is served now.
    pub(super) fn read(events: &Path, catalogue: Option<&Path>, known: Option<i64>) -> anyhow::Result<Self> {
        let name = events.to_string_lossy();
        if name.ends_with(".seq.txt") || name.ends_with(".train.txt") {
            return Self::of_sequences(events);
        }
        let shop = shop(events, catalogue)?;
        let split = split_by_time(&shop, false, known)?;
        let data = format!(
            "{} events of {} shoppers with {} products; {} interactions; {} events of products outside the catalogue left out",
            shop.lines,
            shop.histories.len(),
            shop.vocabulary.rows() - 1,
            shop.interactions(),
            shop.unknown
        );
        Ok(Self {
            until: Some(shop.newest()),
            fair: known.is_some_and(|known| is_unknown(&shop, known)),
            split,
            data,
            all: shop.histories,
            vocabulary: shop.vocabulary,
            attributes: shop.attributes,
            titles: shop.titles,
        })
    }

    fn of_sequences(path: &Path) -> anyhow::Result<Self> {
        let data = Dataset::read(path).context("the data set cannot be read")?;
        let protocol = if data.test.is_some() { Protocol::Sessions } else { Protocol::LeaveOneOut };
        let split = protocol.split(&data)?;
        let told = format!("{} sequences of {} items, without times", data.sequences.len(), split.rows - 1);
        let Dataset { vocabulary, sequences: all, attributes, titles, .. } = data;
        Ok(Self { vocabulary, attributes, titles, split, all, until: None, data: told, fair: false })
    }

    /// What was read, and how it is parted.
    pub(super) fn told(&self) -> String {
        let (chosen, measured) = (self.split.validation.len(), self.split.test.len());
        format!("{}; {chosen} cases choose when to stop, {measured} measure\n", self.data)
    }

    /// Whether the model that is served did not learn what is measured.
    pub(super) fn is_fair_to(&self, served: &Incumbent) -> bool {
        served.until().is_some() && self.fair
    }

    /// The version's name: the day of the newest event and what the training was of. The same training has the same name.
    pub(super) fn version(&self, of: &str) -> String {
        let short = of.get(..8).unwrap_or(of);
        let day = self.until.and_then(|until| Timestamp::from_second(until).ok());
        day.map_or_else(|| short.to_owned(), |day| format!("{}-{short}", day.strftime("%Y%m%d")))
    }
}
