//! A shopper's events as the model reads them: which item, what was done with it, when; oldest first. Where the model reads
//! them, searches stand among the items, with the words instead of an item.
//!
//! Invariants: rows are of the vocabulary, times do not fall, at most the newest `limit` are kept; of each search there are
//! the words. Events of unknown items are dropped, events out of order are put in order; among equal times the order of
//! arrival stands.

use super::vocabulary::{PADDING, Vocabulary};
use crate::domain::event::{Event, EventType};
use std::sync::Arc;

/// What was done with an item, numbered for a table of embeddings; 0 is padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Looked at.
    Viewed = 1,
    /// Put into the cart.
    Carted = 2,
    /// Bought.
    Bought = 3,
    /// Clicked on where it was recommended.
    Clicked = 4,
    /// Searched for: words, and no item.
    Searched = 5,
}

/// Rows of a table with one for each action on an item and one for padding; where searches are read there is one more.
pub const ACTIONS: usize = 5;

impl Action {
    /// What an event says was done; none where it says nothing of an item's appeal.
    pub fn of(kind: EventType) -> Option<Self> {
        match kind {
            EventType::ProductViewed => Some(Self::Viewed),
            EventType::ProductAddedToCart => Some(Self::Carted),
            EventType::CheckoutCompleted => Some(Self::Bought),
            EventType::RecommendationClicked => Some(Self::Clicked),
            EventType::SearchSubmitted => Some(Self::Searched),
            EventType::PageViewed
            | EventType::CollectionViewed
            | EventType::ProductRemovedFromCart
            | EventType::CartViewed
            | EventType::CheckoutStarted
            | EventType::RecommendationViewed
            | EventType::OrderCancelled => None,
        }
    }
}

/// One item met by a shopper, or one search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// The item's row in the vocabulary, from 1; [`PADDING`] for a search.
    pub row: u32,
    /// What was done.
    pub action: Action,
    /// When, in seconds since 1970; 0 throughout where times are not known.
    pub at: i64,
}

/// The newest interactions of one shopper, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    interactions: Vec<Interaction>,
    /// The words of each search among them, in their order.
    queries: Vec<Arc<str>>,
}

impl Sequence {
    /// Takes events in the vocabulary's rows: item key, action, time in seconds. Unknown items are dropped, the rest is
    /// ordered by time and cut to the newest `limit`.
    pub fn new<'a>(
        vocabulary: &Vocabulary,
        events: impl IntoIterator<Item = (&'a str, Action, i64)>,
        limit: usize,
    ) -> Self {
        let known = events
            .into_iter()
            .filter_map(|(key, action, at)| vocabulary.row(key).map(|row| Interaction { row, action, at }));
        Self::of(known.collect(), limit)
    }

    /// Takes a shopper's events, in any order: the newest `limit` of their [`interactions`], with searches or without.
    pub fn of_events<'a>(
        vocabulary: &Vocabulary,
        events: impl IntoIterator<Item = &'a Event>,
        limit: usize,
        searches: bool,
    ) -> Self {
        interactions(vocabulary, events).newest(limit, searches)
    }

    /// Takes interactions, oldest first, and the words of each search among them; searches without words are dropped.
    pub fn with_queries(mut interactions: Vec<Interaction>, mut queries: Vec<Arc<str>>) -> Self {
        let mut found = 0;
        interactions.retain(|one| {
            found += usize::from(one.action == Action::Searched);
            if one.action == Action::Searched { found <= queries.len() } else { one.row != PADDING }
        });
        queries.truncate(found);
        Self { interactions, queries }
    }

    /// The newest `limit` interactions, with searches among them or without.
    pub fn newest(mut self, limit: usize, searches: bool) -> Self {
        if !searches {
            self.interactions.retain(|one| one.action != Action::Searched);
            self.queries.clear();
        }
        let older = self.interactions.drain(..self.interactions.len().saturating_sub(limit));
        let searches = older.filter(|one| one.action == Action::Searched).count();
        self.queries.drain(..searches);
        self
    }

    /// Takes interactions: padding is dropped, the rest ordered by time and cut to the newest `limit`.
    pub fn of(mut interactions: Vec<Interaction>, limit: usize) -> Self {
        interactions.retain(|interaction| interaction.row != PADDING);
        interactions.sort_by_key(|interaction| interaction.at);
        interactions.drain(..interactions.len().saturating_sub(limit));
        Self { interactions, queries: Vec::new() }
    }

    /// Rows alone, as data sets without times and actions have them: all viewed, oldest first.
    pub fn of_rows(rows: &[u32], limit: usize) -> Self {
        let newest = &rows[rows.len().saturating_sub(limit)..];
        Self::of(newest.iter().map(|row| Interaction { row: *row, action: Action::Viewed, at: 0 }).collect(), limit)
    }

    /// The interactions, oldest first.
    pub fn interactions(&self) -> &[Interaction] {
        &self.interactions
    }

    /// The words of each search among the interactions, in their order.
    pub fn queries(&self) -> &[Arc<str>] {
        &self.queries
    }

    /// Rows of the items among them.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.interactions.iter().map(|one| one.row).filter(|row| *row != PADDING)
    }

    /// How many interactions there are.
    pub fn len(&self) -> usize {
        self.interactions.len()
    }

    /// Whether nothing is known of the shopper.
    pub fn is_empty(&self) -> bool {
        self.interactions.is_empty()
    }
}

/// What a shopper's events say of items, oldest first, all of it: the one path by which training and serving read events.
///
/// Unknown items are left out. An item met several times in a row, viewed and then put into the cart, is one interaction
/// with the last action; a search between does not part them. A bought item counts only where it was not met before: an
/// order repeats what led to it. Of searches for the same words in a row the last counts.
pub fn interactions<'a>(vocabulary: &Vocabulary, events: impl IntoIterator<Item = &'a Event>) -> Sequence {
    let mut events: Vec<&Event> = events.into_iter().collect();
    events.sort_by_key(|event| event.at);
    let mut met: Vec<Interaction> = Vec::with_capacity(events.len());
    let mut queries: Vec<Arc<str>> = Vec::new();
    // Where the newest item stands among them.
    let mut newest: Option<usize> = None;
    for event in events {
        let Some(action) = Action::of(event.kind) else { continue };
        let at = event.at.as_second();
        if action == Action::Searched {
            let Some(query) = event.query.as_deref().map(str::trim).filter(|query| !query.is_empty()) else { continue };
            let search = Interaction { row: PADDING, action, at };
            match met.last_mut() {
                Some(last) if last.action == action && queries.last().is_some_and(|last| **last == *query) => {
                    *last = search
                }
                _ => {
                    met.push(search);
                    queries.push(query.into());
                }
            }
            continue;
        }
        let bought = event.lines.iter().map(|line| &line.product).filter(|_| action == Action::Bought);
        let own = event.product.iter().filter(|_| action != Action::Bought);
        for row in own.chain(bought).filter_map(|key| vocabulary.row(key.as_str())) {
            let repeats = action == Action::Bought && met.iter().any(|one| one.row == row);
            match newest {
                Some(last) if met[last].row == row => drop(met.remove(last)),
                _ if repeats => continue,
                _ => {}
            }
            newest = Some(met.len());
            met.push(Interaction { row, action, at });
        }
    }
    Sequence { interactions: met, queries }
}

/// Buckets of the time between two interactions.
pub const TIME_BUCKETS: usize = 24;

/// The bucket of a span of seconds: 0 for none, then one for each doubling, the last for more than about 48 days. A span
/// below zero counts as none.
pub fn time_bucket(seconds: i64) -> u32 {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    (u64::BITS - seconds.leading_zeros()).min(TIME_BUCKETS as u32 - 1)
}

/// Sequences side by side: row by row, each at the left, the rest padding. In a causal model what stands at the right is
/// never read, so no mask of padding is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Padded {
    /// Items, `[batch, length]`, 0 = padding or a search.
    pub rows: Vec<u32>,
    /// Where a search stands in `[batch × length]`, and its words.
    pub queries: Vec<(u32, Arc<str>)>,
    /// Actions, `[batch, length]`, 0 = padding.
    pub actions: Vec<u32>,
    /// Times in seconds, `[batch, length]`; padding repeats the last.
    pub times: Vec<i64>,
    /// How many sequences.
    pub batch: usize,
    /// Positions of each: the longest sequence's, at least 1.
    pub length: usize,
    /// Interactions of each sequence.
    pub lengths: Vec<usize>,
}

impl Padded {
    /// Lays the sequences side by side in the order given.
    pub fn new(sequences: &[&Sequence]) -> Self {
        let length = sequences.iter().map(|sequence| sequence.len()).max().unwrap_or(0).max(1);
        let size = sequences.len() * length;
        let (mut rows, mut actions) = (vec![PADDING; size], vec![0; size]);
        let (mut times, mut queries) = (vec![0; size], Vec::new());
        for (at, sequence) in sequences.iter().enumerate() {
            let start = at * length;
            let mut words = sequence.queries.iter();
            for (offset, interaction) in sequence.interactions.iter().enumerate() {
                rows[start + offset] = interaction.row;
                actions[start + offset] = interaction.action as u32;
                times[start + offset] = interaction.at;
                if interaction.action == Action::Searched {
                    queries.extend(words.next().map(|query| ((start + offset) as u32, query.clone())));
                }
            }
            let last = sequence.interactions.last().map_or(0, |interaction| interaction.at);
            times[start + sequence.len()..start + length].fill(last);
        }
        let lengths = sequences.iter().map(|sequence| sequence.len()).collect();
        Self { rows, queries, actions, times, batch: sequences.len(), length, lengths }
    }

    /// Where each sequence's last interaction stands in `[batch × length]`; the first position where it has none.
    pub fn last_positions(&self) -> Vec<u32> {
        let at = |(row, length): (usize, &usize)| (row * self.length + length.saturating_sub(1)) as u32;
        self.lengths.iter().enumerate().map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Line;
    use crate::domain::ids::{EventId, ProductKey};

    fn vocabulary() -> Vocabulary {
        Vocabulary::new(["a", "b", "c"]).unwrap()
    }

    #[test]
    fn unknown_items_are_dropped_and_the_newest_are_kept_in_order_of_time() {
        let events = [
            ("c", Action::Bought, 30),
            ("a", Action::Viewed, 10),
            ("unknown", Action::Viewed, 40),
            ("b", Action::Carted, 20),
        ];
        let sequence = Sequence::new(&vocabulary(), events, 2);
        let rows: Vec<_> = sequence.interactions().iter().map(|one| (one.row, one.action, one.at)).collect();
        assert_eq!(rows, [(2, Action::Carted, 20), (3, Action::Bought, 30)]);
    }

    #[test]
    fn events_of_one_moment_keep_their_order() {
        let sequence = Sequence::of_rows(&[3, 1, 2, 0, 1], 10);
        assert_eq!(sequence.interactions().iter().map(|one| one.row).collect::<Vec<_>>(), [3, 1, 2, 1]);
    }

    #[test]
    fn sequences_are_padded_at_the_right_and_an_empty_one_is_all_padding() {
        let long = Sequence::of_rows(&[1, 2, 3], 10);
        let short = Sequence::of_rows(&[2], 10);
        let padded = Padded::new(&[&long, &short, &Sequence::default()]);
        assert_eq!((padded.batch, padded.length), (3, 3));
        assert_eq!(padded.rows, [1, 2, 3, 2, 0, 0, 0, 0, 0]);
        assert_eq!(padded.actions, [1, 1, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(padded.last_positions(), [2, 3, 6]);
        assert_eq!(Padded::new(&[&Sequence::default()]).length, 1, "a tensor has at least one position");
    }

    #[test]
    fn ten_thousand_events_are_cut_to_the_limit() {
        let events = (0..10_000).map(|at| ("a", Action::Viewed, at));
        let sequence = Sequence::new(&vocabulary(), events, 200);
        assert_eq!((sequence.len(), sequence.interactions()[0].at), (200, 9_800));
    }

    #[test]
    fn training_from_rows_and_serving_from_keys_give_the_same_tensors() {
        let keys = ["b", "c", "a", "b"];
        let served = Sequence::new(&vocabulary(), keys.map(|key| (key, Action::Viewed, 0)), 3);
        let rows: Vec<u32> = keys.iter().filter_map(|key| vocabulary().row(key)).collect();
        assert_eq!(Padded::new(&[&served]), Padded::new(&[&Sequence::of_rows(&rows, 3)]));
    }

    #[test]
    fn spans_of_time_fall_into_doubling_buckets() {
        assert_eq!([-5, 0, 1, 2, 3, 4].map(time_bucket), [0, 0, 1, 2, 2, 3]);
        assert_eq!([i64::MIN, i64::MAX].map(time_bucket), [0, 23]);
    }

    #[test]
    fn events_in_any_order_are_one_interaction_for_each_meeting_of_a_known_item() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let event = |second: i64, kind, key: &str| {
            Event::of_product(EventId::new(second.to_string()), kind, at(second), ProductKey::new(key))
        };
        let line = |key: &str| Line { product: ProductKey::new(key), variant: None, quantity: 1, price: None };
        let order = Event::bare(EventId::new("order"), EventType::CheckoutCompleted, at(50));
        let events = [
            Event { lines: vec![line("a"), line("c"), line("c"), line("unknown")], ..order },
            event(30, EventType::ProductViewed, "b"),
            event(20, EventType::ProductAddedToCart, "a"),
            event(40, EventType::PageViewed, "c"),
            event(10, EventType::ProductViewed, "a"),
            event(35, EventType::ProductViewed, "unknown"),
        ];
        let sequence = Sequence::of_events(&vocabulary(), &events, 10, false);
        let found: Vec<_> = sequence.interactions().iter().map(|one| (one.row, one.action, one.at)).collect();
        assert_eq!(found, [(1, Action::Carted, 20), (2, Action::Viewed, 30), (3, Action::Bought, 50)]);
        assert_eq!(Sequence::of_events(&vocabulary(), &events, 2, true).interactions(), &sequence.interactions()[1..]);
        assert!(Sequence::of_events(&vocabulary(), &[], 2, true).is_empty());
    }

    #[test]
    fn searches_stand_among_the_items_with_their_words_and_change_nothing_of_the_items() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let id = |second: i64| EventId::new(second.to_string());
        let viewed = |second: i64, key: &str| {
            Event::of_product(id(second), EventType::ProductViewed, at(second), ProductKey::new(key))
        };
        let searched = |second: i64, query: Option<&str>| Event {
            query: query.map(Into::into),
            ..Event::bare(id(second), EventType::SearchSubmitted, at(second))
        };
        let events = [
            searched(5, Some(" red hat ")),
            viewed(10, "a"),
            searched(20, Some("blue")),
            searched(21, Some("blue")),
            viewed(30, "a"),
            searched(35, Some(" ")),
            searched(36, None),
            viewed(40, "b"),
        ];
        let one = |row, action, at| Interaction { row, action, at };
        let items = [one(1, Action::Viewed, 30), one(2, Action::Viewed, 40)];
        let without = Sequence::of_events(&vocabulary(), &events, 9, false);
        assert_eq!((without.interactions(), without.queries().len()), (&items[..], 0));
        let all = Sequence::of_events(&vocabulary(), &events, 9, true);
        let searches = [one(PADDING, Action::Searched, 5), one(PADDING, Action::Searched, 21)];
        assert_eq!(all.interactions(), [searches, items].concat());
        assert_eq!(all.queries().iter().map(|query| &**query).collect::<Vec<_>>(), ["red hat", "blue"]);
        assert_eq!(all.items().collect::<Vec<_>>(), [1, 2]);
        let newest = Sequence::of_events(&vocabulary(), &events, 3, true);
        let padded = Padded::new(&[&without, &newest]);
        assert_eq!((&padded.rows[..], &padded.queries[..]), (&[1, 2, 0, 0, 1, 2][..], &[(3, "blue".into())][..]));
        assert_eq!(padded.actions, [1, 1, 0, 5, 1, 1]);
        assert_eq!(Sequence::with_queries(searches.to_vec(), vec!["x".into()]).len(), 1, "one has no words");
    }

    #[test]
    fn only_what_was_done_with_an_item_is_an_action() {
        assert_eq!(Action::of(EventType::ProductViewed), Some(Action::Viewed));
        assert_eq!(Action::of(EventType::PageViewed), None);
        let last = [Action::Viewed, Action::Carted, Action::Bought, Action::Clicked].into_iter().max();
        assert_eq!(last.map(|action| action as usize + 1), Some(ACTIONS));
    }
}
