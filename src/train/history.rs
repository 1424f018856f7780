//! What a shopper did, oldest first, as training reads it.

use crate::features::{Action, Interaction, PADDING, Sequence};
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Rows of the vocabulary, and where the data tell it what was done with each and when, and what was searched for between.
/// Reads as a slice of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    rows: Vec<u32>,
    /// Of every row, or empty; times in seconds since 1970, not falling.
    deeds: Vec<(Action, i64)>,
    owned: Vec<Owned>,
    searches: Vec<Search>,
}

/// Words that the shopper searched for.
#[derive(Clone, Debug, PartialEq)]
struct Search {
    /// How many rows came before.
    before: usize,
    /// In seconds since 1970.
    at: i64,
    query: Arc<str>,
}

/// A product that the shopper bought before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owned {
    /// Its row.
    pub row: u32,
    /// Baskets that held it.
    pub times: u32,
    /// Days since the last of them.
    pub days: f32,
}

impl History {
    /// Takes interactions, oldest first.
    pub fn of(interactions: &[Interaction]) -> Self {
        Self {
            rows: interactions.iter().map(|one| one.row).collect(),
            deeds: interactions.iter().map(|one| (one.action, one.at)).collect(),
            ..Self::default()
        }
    }

    /// Takes the newest items of a sequence, at most so many, with what was searched for among them and right before the
    /// first.
    pub fn of_sequence(sequence: &Sequence, most: usize) -> Self {
        let mut history = Self::default();
        let mut queries = sequence.queries().iter();
        for one in sequence.interactions() {
            if one.action != Action::Searched {
                history.rows.push(one.row);
                history.deeds.push((one.action, one.at));
            } else if let Some(query) = queries.next() {
                history.searches.push(Search { before: history.rows.len(), at: one.at, query: query.clone() });
            }
        }
        let (from, to) = (history.len().saturating_sub(most), history.len());
        if from > 0 { history.part(from..to) } else { history }
    }

    /// What was searched for: how many rows came before it, when it was, and the words.
    pub fn searches(&self) -> impl Iterator<Item = (usize, i64, &str)> {
        self.searches.iter().map(|search| (search.before, search.at, &*search.query))
    }

    /// The same without what was searched for from a time on.
    pub(super) fn searched_before(mut self, date: i64) -> Self {
        self.searches.retain(|search| search.at < date);
        self
    }

    /// Whether it tells what was done and when.
    pub fn tells_deeds(&self) -> bool {
        !self.deeds.is_empty()
    }

    /// When each was, in seconds since 1970; none where the data do not tell.
    pub fn times(&self) -> impl DoubleEndedIterator<Item = i64> + '_ {
        self.deeds.iter().map(|(_, at)| *at)
    }

    /// What was done with each; none where the data do not tell.
    pub fn actions(&self) -> impl Iterator<Item = Action> + '_ {
        self.deeds.iter().map(|(action, _)| *action)
    }

    /// The same of a shopper who bought these before.
    pub(super) fn with_owned(self, owned: Vec<Owned>) -> Self {
        Self { owned, ..self }
    }

    /// What the shopper bought before it, where the protocol tells; each product once.
    pub fn owned(&self) -> &[Owned] {
        &self.owned
    }

    /// A part of it, with what was searched for within it, right before its first and right after its last row: that was
    /// before the next row, so it is known where that is to be told.
    ///
    /// # Panics
    /// Never: what reaches beyond its end is left out.
    pub fn part(&self, range: Range<usize>) -> Self {
        let of = range.start.min(self.rows.len())..range.end.min(self.rows.len());
        let deeds = self.deeds.get(of.clone()).unwrap_or_default().to_vec();
        let within = self.searches.iter().filter(|search| (of.start..=of.end).contains(&search.before));
        let searches = within.map(|search| Search { before: search.before - of.start, ..search.clone() }).collect();
        Self { rows: self.rows.get(of).unwrap_or_default().to_vec(), deeds, owned: self.owned.clone(), searches }
    }

    /// The newest `limit`, as the model reads them, with searches or without.
    pub fn sequence(&self, limit: usize, searches: bool) -> Sequence {
        if self.deeds.is_empty() && (self.searches.is_empty() || !searches) {
            return Sequence::of_rows(&self.rows, limit);
        }
        let from = self.rows.len().saturating_sub(limit);
        let mut between = self.searches.iter().filter(|search| searches && search.before >= from).peekable();
        let (mut interactions, mut queries) = (Vec::with_capacity(limit.min(self.rows.len())), Vec::new());
        for at in from..=self.rows.len() {
            while let Some(search) = between.next_if(|search| search.before <= at) {
                interactions.push(Interaction { row: PADDING, action: Action::Searched, at: search.at });
                queries.push(search.query.clone());
            }
            if let Some((row, (action, at))) = self.rows.get(at).zip(self.deeds.get(at)) {
                interactions.push(Interaction { row: *row, action: *action, at: *at });
            }
        }
        Sequence::with_queries(interactions, queries).newest(limit, searches)
    }

    /// Rows viewed at a second each.
    #[cfg(test)]
    pub(super) fn viewed(of: &[(u32, i64)]) -> Self {
        let viewed = |(row, at): &(u32, i64)| Interaction { row: *row, action: Action::Viewed, at: *at };
        Self::of(&of.iter().map(viewed).collect::<Vec<_>>())
    }

    /// The same in other rows; what has none is left out.
    pub(super) fn in_rows(&self, row: impl Fn(u32) -> Option<u32>) -> Self {
        let mut found = Self::default();
        let mut searches = self.searches.iter().peekable();
        for (at, own) in self.rows.iter().enumerate() {
            while let Some(search) = searches.next_if(|search| search.before <= at) {
                found.searches.push(Search { before: found.rows.len(), ..search.clone() });
            }
            if let Some(row) = row(*own) {
                found.rows.push(row);
                found.deeds.extend(self.deeds.get(at));
            }
        }
        found.searches.extend(searches.map(|search| Search { before: found.rows.len(), ..search.clone() }));
        found
    }
}

impl Deref for History {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.rows
    }
}

impl AsRef<[u32]> for History {
    fn as_ref(&self) -> &[u32] {
        &self.rows
    }
}

impl From<Vec<u32>> for History {
    fn from(rows: Vec<u32>) -> Self {
        Self { rows, ..Self::default() }
    }
}

impl FromIterator<u32> for History {
    fn from_iter<I: IntoIterator<Item = u32>>(rows: I) -> Self {
        Vec::from_iter(rows).into()
    }
}

impl PartialEq<Vec<u32>> for History {
    fn eq(&self, rows: &Vec<u32>) -> bool {
        self.rows == *rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, EventType};
    use crate::domain::ids::{EventId, ProductKey};
    use crate::features::{Vocabulary, interactions};

    #[test]
    fn training_reads_searches_as_serving_does_and_parts_keep_those_before_what_comes_next() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let id = |second: i64| EventId::new(second.to_string());
        let viewed = |second: i64, key: &str| {
            Event::of_product(id(second), EventType::ProductViewed, at(second), ProductKey::new(key))
        };
        let searched = |second: i64, query: &str| Event {
            query: Some(query.into()),
            ..Event::bare(id(second), EventType::SearchSubmitted, at(second))
        };
        let vocabulary = Vocabulary::new(["a", "b", "c"]).unwrap();
        let events =
            [searched(1, "hat"), viewed(2, "a"), viewed(3, "b"), searched(4, "red"), viewed(5, "c"), searched(6, "x")];
        let history = History::of_sequence(&interactions(&vocabulary, &events), 10);
        for searches in [true, false] {
            for limit in 1..8 {
                let served = Sequence::of_events(&vocabulary, &events, limit, searches);
                assert_eq!(history.sequence(limit, searches), served, "{limit} {searches}");
            }
        }
        let words = |history: &History| {
            history.searches().map(|(before, _, words)| (before, words.to_owned())).collect::<Vec<_>>()
        };
        let two = history.part(0..2);
        assert_eq!(words(&two), [(0, "hat".to_owned()), (2, "red".to_owned())]);
        assert_eq!(words(&history.part(2..3)), [(0, "red".to_owned()), (1, "x".to_owned())]);
        assert_eq!(words(&two.searched_before(4)), [(0, "hat".to_owned())]);
        assert_eq!(words(&History::of_sequence(&interactions(&vocabulary, &events), 1)), words(&history.part(2..3)));
        let known = history.in_rows(|row| (row != 1).then_some(row));
        assert_eq!(words(&known), [(0, "hat".to_owned()), (1, "red".to_owned()), (2, "x".to_owned())]);
    }

    #[test]
    fn parts_and_other_rows_keep_what_was_done_beside_its_row() {
        let one = |row: u32, action, at| Interaction { row, action, at };
        let all = [one(3, Action::Viewed, 5), one(1, Action::Carted, 7), one(2, Action::Bought, 9)];
        let history = History::of(&all);
        assert_eq!(history.part(1..9), History::of(&all[1..]));
        assert_eq!(history.part(5..9), History::default());
        assert_eq!(history.sequence(2, true).interactions(), &all[1..]);
        let other = history.in_rows(|row| (row != 1).then_some(row + 10));
        assert_eq!(other, History::of(&[one(13, Action::Viewed, 5), one(12, Action::Bought, 9)]));
        assert_eq!(other.times().collect::<Vec<_>>(), [5, 9]);
        let bare = History::from(vec![1, 2, 3]);
        assert_eq!(bare.sequence(2, true), Sequence::of_rows(&[2, 3], 2));
        assert!(!bare.tells_deeds() && bare.part(0..2) == vec![1, 2] && bare.len() == 3);
    }
}
