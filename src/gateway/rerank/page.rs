//! The page that the client asked for, in terms of windows: decided before the platform is asked, from the arguments
//! alone.

use super::cursor::{Foreign, Place, Sealer};
use super::window::{Slot, Window};
use crate::domain::ids::ProductKey;
use crate::gateway::plan::{EdgeMember, Member, Rank, RankId, SelectionId};
use crate::gateway::splice::Step;
use bytes::Bytes;
use indexmap::IndexSet;
use serde_json::{Map, Value};
use std::ops::Range;

/// The most products of one window: one page of the platform.
const LARGEST: usize = 250;

/// Where a page lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// In a window.
    Window(WindowPage),
    /// Wherever the client's own arguments say: they are handed on, nothing is put in order.
    Platform(Map<String, Value>),
}

/// A page within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowPage {
    /// The platform's cursor at which the window begins (or ends, read backwards).
    pub anchor: Option<String>,
    /// The window is read backwards from the anchor.
    pub backward: bool,
    /// How many products the window is asked for.
    pub size: usize,
    /// How many products the page holds.
    pub count: usize,
    /// The page lies before the place instead of after it.
    pub before: bool,
    /// The place in the window, with the order that it carries; `None` at the window's edge.
    pub place: Option<Place>,
}

impl Paging {
    /// Reads `first`, `after`, `last` and `before`.
    /// Errors: a cursor that looks like ours and is not.
    pub fn read(arguments: &Map<String, Value>, pool: usize, sealer: &Sealer, context: &[u8]) -> Result<Self, Foreign> {
        let number = |name: &str| arguments.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let sealed = |name: &str| text(name).filter(|text| Sealer::is_sealed(text));
        let place = |text: &str| sealer.open(text, context);
        let (forward, back) = ((number("first"), text("after")), (number("last"), text("before")));
        let (count, cursor, before) = match (forward, back) {
            ((Some(first), after), (None, None)) => (first, after, false),
            ((None, None), (Some(last), before)) => (last, before, true),
            // Both ways at once means something only the platform knows; a cursor of ours has no meaning there.
            _ if sealed("after").is_some() || sealed("before").is_some() => return Err(Foreign),
            _ => return Ok(Self::Platform(arguments.clone())),
        };
        if !(1..=LARGEST).contains(&count) {
            return Ok(Self::Platform(arguments.clone()));
        }
        // The largest whole number of pages within the pool, so that pages of one size are always full.
        let size = (pool.clamp(1, LARGEST) / count).max(1) * count;
        let fresh = |anchor: Option<String>| {
            Self::Window(WindowPage { anchor, backward: before, size, count, before, place: None })
        };
        let Some(text) = cursor.filter(|text| Sealer::is_sealed(text)) else {
            return Ok(fresh(cursor.map(str::to_owned)));
        };
        let place = place(text)?;
        let at_the_end = if before { place.offset == 0 } else { place.offset + 1 >= place.order.len() };
        if at_the_end {
            let (first, last) = place.ends;
            return Ok(fresh(Some(if before { first } else { last })));
        }
        Ok(Self::Window(WindowPage {
            anchor: place.anchor.clone(),
            backward: place.backward,
            size: place.size.clamp(1, LARGEST),
            count,
            before,
            place: Some(place),
        }))
    }

    /// The values for the page's and the window's paging variables, by the suffix of the variable's name.
    pub fn variables(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Platform(arguments) => {
                let given = |name: &str| arguments.get(name).cloned();
                let own = [("f", given("first")), ("l", given("last")), ("a", given("after")), ("b", given("before"))];
                let mut values: Vec<_> = own.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                // The window beside it must ask for something.
                values.push(("wf", Value::from(1)));
                values
            }
            Self::Window(page) => {
                let count = Value::from(page.count.min(page.size));
                let (number, window, anchor) = if page.backward { ("l", "wl", "b") } else { ("f", "wf", "a") };
                let mut values = vec![(number, count), (window, Value::from(page.size))];
                values.extend(page.anchor.clone().map(|cursor| (anchor, Value::from(cursor))));
                values
            }
        }
    }
}

impl WindowPage {
    /// The part of the order that the page shows, for a window of so many slots.
    pub fn range(&self, length: usize) -> std::ops::Range<usize> {
        let offset = self.place.as_ref().map(|place| place.offset);
        if self.before {
            let end = offset.unwrap_or(length).min(length);
            end.saturating_sub(self.count)..end
        } else {
            let begin = offset.map_or(0, |offset| offset + 1).min(length);
            begin..(begin + self.count).min(length)
        }
    }
}

/// A list of the platform's answer that may be put in order.
#[derive(Debug)]
pub struct Listed {
    /// Which of the plan's ranks.
    pub rank: RankId,
    /// The answer.
    pub body: Bytes,
    /// The list or connection in it.
    pub raw: Range<usize>,
    /// The window beside it.
    pub window: Option<Range<usize>>,
    /// Where it stands in the client's answer.
    pub path: Vec<Step>,
}

/// A page of an ordered window.
#[derive(Debug)]
pub struct Page {
    page: WindowPage,
    window: Window,
    /// Slots of the window, in order.
    order: Vec<usize>,
    shown: Range<usize>,
    shopper: u64,
}

impl Page {
    /// The page of a window in this order, which names each slot once.
    pub fn new(page: WindowPage, window: Window, order: Vec<usize>, shopper: u64) -> Self {
        let shown = page.range(order.len());
        Self { page, window, order, shown, shopper }
    }

    /// The slots that the page shows, in order.
    pub fn shown(&self) -> Vec<usize> {
        self.order.get(self.shown.clone()).unwrap_or_default().to_vec()
    }

    /// How many products the platform's own page holds.
    pub fn held(&self) -> usize {
        self.page.count.min(self.page.size).min(self.window.slots.len())
    }

    /// Where the platform's own page holds a slot: at the window's beginning, or read backwards at its end.
    pub fn held_at(&self, slot: usize) -> Option<usize> {
        let first = if self.page.backward { self.window.slots.len() - self.held() } else { 0 };
        slot.checked_sub(first).filter(|at| *at < self.held())
    }

    /// The key by which a slot that the platform's page did not hold is looked up.
    pub fn look_up_key(&self, slot: usize) -> Option<&str> {
        let slot = self.window.slots.get(slot)?;
        slot.key.as_deref().or(slot.any.as_deref())
    }

    /// What the page shows and the platform's own page did not hold, for each selection of it.
    pub fn missing(&self, rank: &Rank) -> IndexSet<(SelectionId, ProductKey)> {
        let selections: Vec<SelectionId> = rank
            .members
            .values()
            .flat_map(|member| match member {
                Member::Nodes(selection) => vec![*selection],
                Member::Edges(edge) => {
                    let nodes = edge.values().filter_map(|member| match member {
                        EdgeMember::Node(selection) => Some(*selection),
                        EdgeMember::Cursor => None,
                    });
                    nodes.collect()
                }
                Member::PageInfo(_) => Vec::new(),
            })
            .collect();
        let shown = self.shown();
        let keys = shown.iter().filter(|slot| self.held_at(**slot).is_none());
        let keys = keys.filter_map(|slot| self.look_up_key(*slot));
        keys.flat_map(|key| selections.iter().map(move |selection| (*selection, ProductKey::new(key)))).collect()
    }

    /// The place of a slot, for its cursor. `None`: the window is empty.
    pub fn place(&self, slot: usize) -> Option<Place> {
        let end = |slot: Option<&Slot>| slot.map(|slot| slot.cursor.clone());
        Some(Place {
            anchor: self.page.anchor.clone(),
            backward: self.page.backward,
            size: self.page.size,
            ends: (end(self.window.slots.first())?, end(self.window.slots.last())?),
            offset: self.order.iter().position(|at| *at == slot)?,
            shopper: self.shopper,
            order: self.order.iter().filter_map(|at| self.window.slots.get(*at)).map(Window::hash).collect(),
        })
    }

    /// Whether anything follows in the list.
    pub fn has_next(&self) -> bool {
        self.shown.end < self.order.len() || self.window.has_next
    }

    /// Whether anything precedes in the list.
    pub fn has_previous(&self) -> bool {
        self.shown.start > 0 || self.window.has_previous
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(arguments: Value, pool: usize) -> Result<Paging, Foreign> {
        Paging::read(arguments.as_object().unwrap(), pool, &Sealer::new(&[0; 32]), b"list")
    }

    fn window(paging: Result<Paging, Foreign>) -> WindowPage {
        match paging {
            Ok(Paging::Window(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_window_holds_whole_pages() {
        assert_eq!(window(read(json!({"first": 24}), 50)).size, 48);
        assert_eq!(window(read(json!({"first": 4}), 50)).size, 48);
        assert_eq!(window(read(json!({"first": 100}), 50)).size, 100);
        assert_eq!(window(read(json!({"last": 8, "before": "x"}), 50)).anchor.as_deref(), Some("x"));
    }

    #[test]
    fn what_only_the_platform_understands_is_handed_on() {
        for arguments in [json!({}), json!({"first": 3, "last": 2}), json!({"first": 0}), json!({"first": 1000})] {
            assert!(matches!(read(arguments, 50), Ok(Paging::Platform(_))));
        }
        assert_eq!(read(json!({"first": 3, "after": "ofc1.forged"}), 50), Err(Foreign));
    }

    #[test]
    fn past_the_last_place_of_a_window_the_next_one_begins() {
        let sealer = Sealer::new(&[0; 32]);
        let place = |offset| Place {
            anchor: None,
            backward: false,
            size: 4,
            ends: ("first".to_owned(), "last".to_owned()),
            offset,
            shopper: 0,
            order: vec![1, 2, 3, 4],
        };
        let after = |offset| {
            let cursor = sealer.seal(&place(offset), b"list");
            window(read(json!({"first": 2, "after": cursor}), 4))
        };
        assert_eq!(after(1).range(4), 2..4);
        assert_eq!(after(1).anchor, None);
        assert_eq!((after(3).anchor.as_deref(), after(3).range(4)), (Some("last"), 0..2));
        let before = window(read(json!({"last": 2, "before": sealer.seal(&place(2), b"list")}), 4));
        assert_eq!(before.range(4), 0..2);
        let beyond = window(read(json!({"last": 2, "before": sealer.seal(&place(0), b"list")}), 4));
        assert_eq!((beyond.anchor.as_deref(), beyond.backward), (Some("first"), true));
    }
}
