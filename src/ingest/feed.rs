//! What this process tells the other replicas of products, and how far it has read what they tell ([`super::news`] is the walk).

use crate::platform::news::{Change, ProductNews};
use crate::store::Place;
use std::time::Instant;
use tokio::sync::Mutex;

/// The longest note in bytes: as many as the store keeps of them stay within 40 MB.
const LONGEST: usize = 4_000;

/// What this process tells, and what it has read.
pub(super) struct Feed {
    /// The name of this process among the replicas.
    pub(super) by: u64,
    /// Held by the one that reads.
    pub(super) read: Mutex<Read>,
}

/// How far the notes are read.
pub(super) struct Read {
    /// Place of the last note; `None`: the store has not told yet.
    pub(super) behind: Option<Place>,
    /// When the store told last.
    pub(super) at: Instant,
    /// Whether the store could not tell where to begin.
    pub(super) missed: bool,
}

impl Feed {
    /// Nothing read yet.
    pub(super) fn of(by: u64) -> Self {
        Self { by, read: Mutex::new(Read { behind: None, at: Instant::now(), missed: false }) }
    }
}

/// A change in the words of replicas. Of a product of which too much is to be said they hear less: its text stays what they
/// know, or they ask the shop.
pub(super) fn note(change: &Change) -> String {
    // What cannot be written is what nobody can read, and then all counts as changed.
    let written = |change: &Change| serde_json::to_string(change).unwrap_or_default();
    let mut ways = vec![change.clone()];
    if let Change::Product(news) = change {
        ways.push(Change::Product(Box::new(ProductNews { text: None, ..(**news).clone() })));
        ways.push(Change::Touched(news.key.clone()));
    }
    let short = ways.iter().map(written).find(|note| note.len() <= LONGEST);
    short.unwrap_or_else(|| written(&Change::Everything))
}
