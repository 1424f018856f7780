//! What is handed to the writer, and what it writes at once.

use crate::domain::audit::{DecisionRecord, Outcome};
use crate::domain::consent::Purpose;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::store::traits::StoreError;
use jiff::Timestamp;
use tokio::sync::oneshot;

/// What is handed to the writer.
pub(super) enum Message {
    Decision(Box<DecisionRecord>),
    Outcome(Box<Noted>),
    Erase {
        who: ShopperKey,
        /// What was read for it; `None`: everything.
        purpose: Option<Purpose>,
        /// Nothing of the shopper that is older is written any more.
        at: Timestamp,
        /// What was decided later stays.
        until: Timestamp,
        done: oneshot::Sender<Result<bool, StoreError>>,
    },
    /// Everything of every shopper is to go.
    Redact {
        /// Nothing that is older is written any more.
        at: Timestamp,
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    Flush(oneshot::Sender<()>),
}

/// An outcome on its way.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) decision: DecisionId,
    pub(super) shopper: ShopperKey,
    /// The hash of the event's id: the same event counts once.
    pub(super) event: String,
    /// Which of the event's lines.
    pub(super) line: i32,
    pub(super) outcome: Outcome,
}

/// What is written at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) decisions: Vec<DecisionRecord>,
    pub(super) outcomes: Vec<Noted>,
}

impl Batch {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.decisions.len() + self.outcomes.len()
    }

    /// Takes what can wait; gives back what cannot.
    pub(super) fn take(&mut self, message: Message) -> Option<Message> {
        match message {
            Message::Decision(record) => self.decisions.push(*record),
            Message::Outcome(noted) => self.outcomes.push(*noted),
            urgent => return Some(urgent),
        }
        None
    }
}
