//! Cuts a list to a page, forwards or backwards, as the Relay connection specification says.
//!
//! A cursor names the item it stands on and, for the case that the item has gone, its position. Errors are worded as
//! Shopify words them.

use super::ask::Ask;
use super::scene::Scene;
use super::value::{Paged, Resolved, Value, error};
use apollo_compiler::resolvers::FieldError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::Range;

/// The most items a page may have.
const MAX_PAGE: i64 = 250;

/// The connection that the field's arguments cut from the items.
pub(super) fn page<'s>(scene: &'s Scene<'s>, paged: &Paged<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let reversed = paged.items.iter().rev();
    // What has a sort key is reversed where it is sorted.
    let items: Vec<&(u64, Value<'s>)> =
        if ask.flag("reverse") { reversed.collect() } else { paged.items.iter().collect() };
    let keys: Vec<u64> = items.iter().map(|(key, _)| *key).collect();
    let page = window(&keys, ask)?;
    scene.charge(page.len())?;
    let cursor = |at: usize| Value::leaf(write_cursor(keys[at], at));
    let edge =
        |at: usize| Value::record(edge_type(paged.of), vec![("cursor", cursor(at)), ("node", items[at].1.clone())]);
    let ends = |at: Option<usize>| at.map_or(Value::NULL, cursor);
    let info = vec![
        ("hasNextPage", Value::leaf(page.end < items.len())),
        ("hasPreviousPage", Value::leaf(page.start > 0)),
        ("startCursor", ends((!page.is_empty()).then_some(page.start))),
        ("endCursor", ends((!page.is_empty()).then(|| page.end - 1))),
    ];
    let mut fields = vec![
        ("nodes", Value::list(page.clone().map(|at| items[at].1.clone()))),
        ("edges", Value::list(page.map(edge))),
        ("pageInfo", Value::record("PageInfo", info)),
    ];
    fields.extend(paged.extra.iter().cloned());
    // Where the connection has a count of its own type (an Int), it is among the extra fields and found first.
    fields.push(("totalCount", Value::leaf(items.len().to_string())));
    Ok(Value::record(connection_type(paged.of), fields))
}

/// The positions that are on the page.
fn window(keys: &[u64], ask: Ask<'_>) -> Result<Range<usize>, FieldError> {
    let start = match ask.text("after") {
        Some(cursor) => place(keys, cursor)?.after,
        None => 0,
    };
    let end = match ask.text("before") {
        Some(cursor) => place(keys, cursor)?.before,
        None => keys.len(),
    };
    let end = end.max(start);
    let many = |name: &str| match ask.int(name) {
        Some(many) if !(0..=MAX_PAGE).contains(&many) => {
            Err(error(format!("{name} must be between 0 and {MAX_PAGE}, and is {many}.")))
        }
        many => Ok(many.and_then(|many| usize::try_from(many).ok())),
    };
    match (many("first")?, many("last")?) {
        (Some(_), Some(_)) => Err(error("providing both first and last is not supported")),
        (Some(first), None) => Ok(start..end.min(start + first)),
        (None, Some(last)) => Ok(start.max(end.saturating_sub(last))..end),
        (None, None) => Err(error("you must provide one of first or last")),
    }
}

/// Where a cursor stands: the first position after it and the first that is not before it.
struct Place {
    after: usize,
    before: usize,
}

fn place(keys: &[u64], cursor: &str) -> Result<Place, FieldError> {
    let (key, position) = read_cursor(cursor).ok_or_else(|| error("Invalid cursor for current pagination sort."))?;
    Ok(match keys.iter().position(|own| *own == key) {
        Some(at) => Place { after: at + 1, before: at },
        None => Place { after: position.min(keys.len()), before: position.min(keys.len()) },
    })
}

fn write_cursor(key: u64, position: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{key}@{position}"))
}

fn read_cursor(cursor: &str) -> Option<(u64, usize)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (key, position) = text.split_once('@')?;
    Some((key.parse().ok()?, position.parse().ok()?))
}

macro_rules! connection_types {
    ($($of:literal),*) => {
        fn connection_type(of: &str) -> &'static str {
            match of {
                $($of => concat!($of, "Connection"),)*
                _ => "",
            }
        }

        fn edge_type(of: &str) -> &'static str {
            match of {
                $($of => concat!($of, "Edge"),)*
                _ => "",
            }
        }
    };
}

connection_types!(
    "Article",
    "BaseCartLine",
    "Blog",
    "Collection",
    "DiscountApplication",
    "Image",
    "MailingAddress",
    "Media",
    "Order",
    "OrderLineItem",
    "Page",
    "Product",
    "ProductVariant",
    "SearchResultItem",
    "String",
    "UrlRedirect"
);

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::response::{JsonMap, JsonValue};

    fn cut(keys: &[u64], arguments: &[(&str, JsonValue)]) -> Result<Vec<u64>, String> {
        let arguments: JsonMap = arguments.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        window(keys, Ask::new("products", &arguments)).map(|range| keys[range].to_vec()).map_err(|error| error.message)
    }

    #[test]
    fn pages_go_both_ways_and_bounds_are_kept() {
        let keys = [10, 20, 30, 40];
        let at = |key: u64| JsonValue::from(write_cursor(key, 0));
        assert_eq!(cut(&keys, &[("first", 2.into())]), Ok(vec![10, 20]));
        assert_eq!(cut(&keys, &[("first", 2.into()), ("after", at(20))]), Ok(vec![30, 40]));
        assert_eq!(cut(&keys, &[("last", 2.into())]), Ok(vec![30, 40]));
        assert_eq!(cut(&keys, &[("last", 2.into()), ("before", at(30))]), Ok(vec![10, 20]));
        assert_eq!(cut(&keys, &[("first", 9.into()), ("after", at(40))]), Ok(vec![]));
        assert!(cut(&keys, &[]).is_err());
        assert!(cut(&keys, &[("first", 251.into())]).is_err());
        assert!(cut(&keys, &[("first", (-1).into())]).is_err());
        assert!(cut(&keys, &[("first", 1.into()), ("last", 1.into())]).is_err());
        assert!(cut(&keys, &[("first", 1.into()), ("after", "nonsense".into())]).is_err());
    }

    #[test]
    fn a_cursor_whose_item_has_gone_goes_on_from_its_position() {
        let gone = JsonValue::from(write_cursor(25, 2));
        assert_eq!(cut(&[10, 20, 30], &[("first", 2.into()), ("after", gone)]), Ok(vec![30]));
    }
}
