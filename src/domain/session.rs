//! A shopper's recent events, bounded, oldest first.

use super::event::{Event, MAX_LINES};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The recent events of one shopper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Oldest first by the events' own time; at most [`Session::CAP`]. Shared: a request reads what the store holds, and
    /// whoever changes it while others read changes a copy.
    pub events: Arc<Vec<Event>>,
    /// Grows with every accepted event: part of each decision's cache key.
    pub revision: u64,
}

impl Session {
    /// How many events are kept.
    pub const CAP: usize = 200;
    /// How many lines of carts and orders they may have together: with it every session can be stored, whatever its clients
    /// write.
    pub const LINES: usize = 2 * MAX_LINES;

    /// Places the event by its own time and forgets the oldest beyond the caps. Gives those that were forgotten.
    pub fn insert(&mut self, event: Event) -> Vec<Event> {
        let events = Arc::make_mut(&mut self.events);
        let at = events.partition_point(|kept| kept.at <= event.at);
        // Sessions are many and each is copied as it changes: room for as many events again would stay empty.
        events.reserve_exact(1);
        events.insert(at, event);
        self.revision += 1;
        let (mut kept, mut lines) = (0, 0);
        for event in events.iter().rev().take(Self::CAP) {
            lines += event.lines.len();
            if lines > Self::LINES {
                break;
            }
            kept += 1;
        }
        events.drain(..events.len() - kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventType, Line};
    use crate::domain::ids::{EventId, ProductKey};
    use jiff::Timestamp;

    #[test]
    fn events_are_kept_in_their_own_order_and_bounded() {
        let mut session = Session::default();
        for second in [3, 1, 2] {
            let at = Timestamp::from_second(second).unwrap();
            session.insert(Event::bare(EventId::new(second.to_string()), EventType::PageViewed, at));
        }
        let order: Vec<_> = session.events.iter().map(|event| event.at.as_second()).collect();
        assert_eq!(order, [1, 2, 3]);
        for second in 10..=400 {
            let at = Timestamp::from_second(second).unwrap();
            session.insert(Event::bare(EventId::new(second.to_string()), EventType::PageViewed, at));
        }
        assert_eq!(session.events.len(), Session::CAP);
        assert!(session.events.capacity() <= Session::CAP + 1);
        assert_eq!(session.revision, 3 + 391);
    }

    #[test]
    fn the_oldest_go_where_all_have_more_lines_than_a_session_may() {
        let mut session = Session::default();
        let line = Line { product: ProductKey::new("p"), variant: None, quantity: 1, price: None };
        for second in 0..4 {
            let at = Timestamp::from_second(second).unwrap();
            let bare = Event::bare(EventId::new(second.to_string()), EventType::CheckoutStarted, at);
            let forgotten = session.insert(Event { lines: vec![line.clone(); MAX_LINES], ..bare });
            assert_eq!(forgotten.len(), usize::from(second >= 2));
        }
        let order: Vec<_> = session.events.iter().map(|event| event.at.as_second()).collect();
        assert_eq!(order, [2, 3]);
    }
}
