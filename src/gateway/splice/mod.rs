//! Splice: the platform's bytes with our values in the holes. No JSON tree is built: an answer is scanned once along the
//! trie of its document, what is kept is copied as ranges, and what the client must not see is cut.
//!
//! Invariant: outside of holes, hidden members and renamed keys, every byte is the platform's own.

mod assemble;
mod errors;
mod own;
mod part;
mod scan;
mod shown;
mod write;

pub use assemble::{assemble, errors_below};
pub use errors::{Error, MAX_ERRORS, as_client_sees, errors_in, errors_of, take_below};
pub use own::own_fragment;
pub use part::{named, places, value};
pub use scan::{Answer, Element, Malformed, Members, answer, element, elements, members_of, text};
pub use shown::shown;
pub use write::Writing;

use super::plan::{RankId, SiteId};
use bytes::Bytes;
use std::ops::Range;

/// Index into the fragments of a run.
pub type FragmentId = usize;

/// A piece of JSON: a body, the parts of it that are kept, and the holes between.
#[derive(Debug, Default)]
pub struct Fragment {
    /// The bytes that ranges refer to.
    pub body: Bytes,
    /// In order.
    pub pieces: Vec<Piece>,
    /// What must be filled.
    pub holes: Vec<Hole>,
    /// Errors below this piece, with paths from its root.
    pub errors: Vec<errors::Error>,
    steps: Vec<(Option<usize>, Step)>,
}

/// A member of `data`, or of an object that is one: where its name and its value stand. Those of an object stand before
/// the object itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// 0 for root fields, 1 for what is in them.
    pub depth: usize,
    /// The name, without its quotation marks.
    pub name: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// A part of a fragment.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Bytes of the body.
    Raw(Range<usize>),
    /// The response name of a site, in place of the one that the platform saw.
    Key(SiteId),
    /// Index into [`Fragment::holes`].
    Hole(usize),
}

/// One step of a response path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A response name.
    Key(Box<str>),
    /// An index of a list.
    Index(usize),
}

impl From<&Step> for serde_json::Value {
    fn from(step: &Step) -> Self {
        match step {
            Step::Key(key) => Self::from(&**key),
            Step::Index(index) => Self::from(*index),
        }
    }
}

/// What a hole waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// The answer of a site for the hole's key.
    Site(SiteId),
    /// The product of the hole's key, as this selection asks for it.
    Product(super::plan::SelectionId),
    /// The value in [`Hole::raw`], with its products in order.
    Rank(RankId),
    /// What fills it already.
    Given,
}

/// A place to fill.
#[derive(Debug)]
pub struct Hole {
    /// What belongs here.
    pub wanted: Wanted,
    /// The key that stood here.
    pub key: Box<str>,
    /// Hidden members of the same object: name and value.
    pub hidden: Members,
    /// Where in the body the value stood.
    pub raw: Range<usize>,
    /// The fragment that fills it; `null` until there is one.
    pub fill: Option<FragmentId>,
    path: Option<usize>,
}

impl Fragment {
    /// JSON that is kept whole.
    pub fn whole(body: Bytes) -> Self {
        let all = 0..body.len();
        Self::part(body, all)
    }

    /// JSON that stands in a longer text.
    pub fn part(body: Bytes, place: Range<usize>) -> Self {
        Self { pieces: vec![Piece::Raw(place)], body, ..Self::default() }
    }

    /// Gives the sites that stand directly in this object a key of the gateway's own.
    pub fn give_key(&mut self, key: &str) {
        let steps = &self.steps;
        let direct =
            |hole: &&mut Hole| hole.path.and_then(|at| steps.get(at)).is_some_and(|(parent, _)| parent.is_none());
        for hole in self.holes.iter_mut().filter(direct) {
            if matches!(hole.wanted, Wanted::Site(_)) {
                hole.key = key.into();
            }
        }
    }

    fn child(&mut self, parent: Option<usize>, step: Step) -> Option<usize> {
        self.steps.push((parent, step));
        Some(self.steps.len() - 1)
    }

    /// The path of a hole from the fragment's root.
    pub fn path(&self, hole: &Hole) -> Vec<Step> {
        let mut path = Vec::new();
        let mut at = hole.path;
        while let Some((parent, step)) = at.and_then(|index| self.steps.get(index)) {
            path.push(step.clone());
            at = *parent;
        }
        path.reverse();
        path
    }
}
