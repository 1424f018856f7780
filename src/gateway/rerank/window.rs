//! The window: keys and cursors of the products that are put in order, as the platform answered them.

use super::cursor::Place;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// One place of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The product's key; `None` for what is no product and keeps its place.
    pub key: Option<Box<str>>,
    /// The global id of what is no product.
    pub any: Option<Box<str>>,
    /// The platform's cursor.
    pub cursor: String,
}

/// What the platform answered for a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// In the platform's order.
    pub slots: Vec<Slot>,
    /// Whether the list goes on behind it.
    pub has_next: bool,
    /// Whether the list began before it.
    pub has_previous: bool,
}

impl Window {
    /// Reads `{edges{cursor node{_gw_key}} pageInfo{hasNextPage hasPreviousPage}}`. `None`: it is something else.
    pub fn read(json: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(json).ok()?;
        let slot = |edge: &Value| {
            let node = edge.get("node")?;
            let text = |name: &str| match node.get(name) {
                Some(Value::String(key)) => Some(key.as_str().into()),
                Some(Value::Number(key)) => Some(key.to_string().into()),
                _ => None,
            };
            Some(Slot { key: text("_gw_key"), any: text("_gw_any"), cursor: edge.get("cursor")?.as_str()?.to_owned() })
        };
        let slots: Vec<Slot> = value.get("edges")?.as_array()?.iter().map(slot).collect::<Option<_>>()?;
        let info = |name: &str| value.get("pageInfo").and_then(|info| info.get(name)).and_then(Value::as_bool);
        Some(Self { slots, has_next: info("hasNextPage")?, has_previous: info("hasPreviousPage")? })
    }

    /// The short hash under which a slot stands in a cursor.
    pub fn hash(slot: &Slot) -> u32 {
        let text = slot.key.as_deref().unwrap_or(&slot.cursor);
        // Cut on purpose: a window has at most 250 slots, and a clash only swaps two of them.
        (xxh3_64(text.as_bytes()) >> 32) as u32
    }

    /// The order that a cursor carries, for the slots that there are now: what came since stands at the end, what went
    /// leaves no gap.
    pub fn ordered_by(&self, place: &Place) -> Vec<usize> {
        let mut left: Vec<Option<usize>> = (0..self.slots.len()).map(Some).collect();
        let mut order = Vec::with_capacity(self.slots.len());
        for hash in &place.order {
            let found = left
                .iter_mut()
                .find(|at| at.and_then(|at| self.slots.get(at)).is_some_and(|slot| Self::hash(slot) == *hash));
            order.extend(found.and_then(Option::take));
        }
        order.extend(left.into_iter().flatten());
        order
    }

    /// The order that the engine gave the products of the window: only their slots move.
    pub fn ordered_by_engine(&self, ranked: &[u32]) -> Vec<usize> {
        let products: Vec<usize> = (0..self.slots.len()).filter(|at| self.is_product(*at)).collect();
        let mut ranked = ranked.iter().filter_map(|at| products.get(*at as usize).copied());
        let slot = |at: usize| if self.is_product(at) { ranked.next().unwrap_or(at) } else { at };
        (0..self.slots.len()).map(slot).collect()
    }

    fn is_product(&self, at: usize) -> bool {
        self.slots.get(at).is_some_and(|slot| slot.key.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(keys: &[Option<&str>]) -> Window {
        let slot =
            |(at, key): (usize, &Option<&str>)| Slot { key: key.map(Into::into), any: None, cursor: format!("c{at}") };
        Window { slots: keys.iter().enumerate().map(slot).collect(), has_next: false, has_previous: false }
    }

    #[test]
    fn only_the_slots_of_products_move() {
        let window = window(&[Some("a"), None, Some("b"), Some("c")]);
        assert_eq!(window.ordered_by_engine(&[2, 0, 1]), [3, 1, 0, 2]);
    }

    #[test]
    fn an_order_survives_products_that_come_and_go() {
        let before = window(&[Some("a"), Some("b"), Some("c")]);
        let order: Vec<u32> = [2, 0, 1].iter().map(|at: &usize| Window::hash(&before.slots[*at])).collect();
        let place = Place {
            anchor: None,
            backward: false,
            size: 3,
            ends: (String::new(), String::new()),
            offset: 0,
            shopper: 0,
            order,
        };
        assert_eq!(before.ordered_by(&place), [2, 0, 1]);
        let after = window(&[Some("new"), Some("a"), Some("c")]);
        assert_eq!(after.ordered_by(&place), [2, 1, 0]);
    }

    #[test]
    fn a_window_is_read_and_anything_else_is_not() {
        let json = br#"{"edges":[{"cursor":"x","node":{"_gw_key":"1"}},{"cursor":"y","node":{}}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false}}"#;
        let read = Window::read(json).unwrap();
        assert_eq!(read.slots[0].key.as_deref(), Some("1"));
        assert_eq!(read.slots[1].key, None);
        assert!(read.has_next && !read.has_previous);
        assert_eq!(Window::read(b"null"), None);
        assert_eq!(Window::read(b"{\"edges\":3}"), None);
    }
}
