//! The events of one call on their way through the stages: each waits, or is out with a reason.

use crate::domain::event::Event;
use crate::domain::ids::EventId;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// Neither storage nor measurement is allowed.
    NoConsent,
    /// The id was there already.
    Duplicate,
    /// Something is missing or out of range.
    Malformed,
    /// The catalogue does not know the product.
    UnknownProduct,
    /// More than five minutes ahead of the gateway's clock.
    Future,
    /// Older than the shop takes.
    TooOld,
    /// Too many at once, or the store cannot take it now.
    RateLimited,
}

impl Rejection {
    /// The code of the schema: `NO_CONSENT`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoConsent => "NO_CONSENT",
            Self::Duplicate => "DUPLICATE",
            Self::Malformed => "MALFORMED",
            Self::UnknownProduct => "UNKNOWN_PRODUCT",
            Self::Future => "FUTURE",
            Self::TooOld => "TOO_OLD",
            Self::RateLimited => "RATE_LIMITED",
        }
    }
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the shopper's next request.
    Accepted,
    /// It was not taken.
    Rejected(Rejected),
}

/// An event that was not taken, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The client's id, cut to 128 characters.
    pub id: String,
    /// Why.
    pub code: Rejection,
    /// Why, and what to do next, in words.
    pub message: String,
}

/// Why an event goes out, and what to do about it.
pub(super) type Reason = (Rejection, String);

/// The events of one call, in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
enum Slot {
    In(Event),
    Out(Rejected),
}

impl Batch {
    pub(super) fn new(events: Vec<Event>) -> Self {
        Self { slots: events.into_iter().map(Slot::In).collect() }
    }

    /// How many are still in.
    pub(super) fn left(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::In(_))).count()
    }

    /// Every event that is still in goes out for one reason.
    pub(super) fn refuse_all(&mut self, code: Rejection, message: &str) {
        self.refuse_beyond(0, code, message);
    }

    /// Of those that are still in, all beyond the first `most` go out.
    pub(super) fn refuse_beyond(&mut self, most: usize, code: Rejection, message: &str) {
        let mut passed = 0;
        self.sift(|_| {
            passed += 1;
            if passed > most { Err((code, message.to_owned())) } else { Ok(()) }
        });
    }

    /// Asks of each event that is still in, in order, whether it stays, and lets it be completed.
    pub(super) fn sift(&mut self, mut stays: impl FnMut(&mut Event) -> Result<(), Reason>) {
        for slot in &mut self.slots {
            if let Slot::In(event) = slot
                && let Err((code, message)) = stays(event)
            {
                let id = event.id.as_str().chars().take(128).collect();
                *slot = Slot::Out(Rejected { id, code, message });
            }
        }
    }

    /// The events that are still in, in order.
    pub(super) fn events(&self) -> Vec<Event> {
        let still = |slot: &Slot| match slot {
            Slot::In(event) => Some(event.clone()),
            Slot::Out(_) => None,
        };
        self.slots.iter().filter_map(still).collect()
    }

    /// The ids of the events that are still in, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &EventId> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::In(event) => Some(&event.id),
            Slot::Out(_) => None,
        })
    }

    /// What became of each event, in the order in which they came.
    pub(super) fn outcomes(self) -> Vec<Outcome> {
        let outcome = |slot| match slot {
            Slot::In(_) => Outcome::Accepted,
            Slot::Out(rejected) => Outcome::Rejected(rejected),
        };
        self.slots.into_iter().map(outcome).collect()
    }
}
