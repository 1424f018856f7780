//! What a shopper did, oldest first, as training reads it.

use crate::features::{Action, Interaction, Sequence};
use std::ops::{Deref, Range};

/// Rows of the vocabulary, and where the data tell it what was done with each and when. Reads as a slice of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    rows: Vec<u32>,
    /// Of every row, or empty; times in seconds since 1970, not falling.
    deeds: Vec<(Action, i64)>,
    owned: Vec<Owned>,
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
            owned: Vec::new(),
        }
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

    /// A part of it.
    ///
    /// # Panics
    /// Never: what reaches beyond its end is left out.
    pub fn part(&self, range: Range<usize>) -> Self {
        let of = range.start.min(self.rows.len())..range.end.min(self.rows.len());
        let deeds = self.deeds.get(of.clone()).unwrap_or_default().to_vec();
        Self { rows: self.rows.get(of).unwrap_or_default().to_vec(), deeds, owned: self.owned.clone() }
    }

    /// The newest `limit`, as the model reads them.
    pub fn sequence(&self, limit: usize) -> Sequence {
        if self.deeds.is_empty() {
            return Sequence::of_rows(&self.rows, limit);
        }
        let interaction =
            |(row, (action, at)): (&u32, &(Action, i64))| Interaction { row: *row, action: *action, at: *at };
        let from = self.rows.len().saturating_sub(limit);
        Sequence::of(self.rows.iter().zip(&self.deeds).skip(from).map(interaction).collect(), limit)
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
        for (at, own) in self.rows.iter().enumerate() {
            if let Some(row) = row(*own) {
                found.rows.push(row);
                found.deeds.extend(self.deeds.get(at));
            }
        }
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
        Self { rows, deeds: Vec::new(), owned: Vec::new() }
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

    #[test]
    fn parts_and_other_rows_keep_what_was_done_beside_its_row() {
        let one = |row: u32, action, at| Interaction { row, action, at };
        let all = [one(3, Action::Viewed, 5), one(1, Action::Carted, 7), one(2, Action::Bought, 9)];
        let history = History::of(&all);
        assert_eq!(history.part(1..9), History::of(&all[1..]));
        assert_eq!(history.part(5..9), History::default());
        assert_eq!(history.sequence(2).interactions(), &all[1..]);
        let other = history.in_rows(|row| (row != 1).then_some(row + 10));
        assert_eq!(other, History::of(&[one(13, Action::Viewed, 5), one(12, Action::Bought, 9)]));
        assert_eq!(other.times().collect::<Vec<_>>(), [5, 9]);
        let bare = History::from(vec![1, 2, 3]);
        assert_eq!(bare.sequence(2), Sequence::of_rows(&[2, 3], 2));
        assert!(!bare.tells_deeds() && bare.part(0..2) == vec![1, 2] && bare.len() == 3);
    }
}
